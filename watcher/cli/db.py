"""``bedrock-watch db``: copy the database while the daemon goes on, and see whether it is whole.

Not its business: what is in it (``status`` and all the others), and the rest of the installation (``doctor``).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from watcher.cli.context import Context
from watcher.cli.findings import print_findings
from watcher.cli.options import output_option
from watcher.cli.output import note, print_document
from watcher.errors import WatchError

_LARGE = 25_000
"""Pages, 100 MB: a smaller database is copied before anybody has read how far it is."""


@click.group()
def db() -> None:
    """Back the database up, or check it."""


@db.command(short_help="Copy the database while the daemon goes on.")
@click.argument("file", metavar="FILE")
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@output_option
@click.pass_obj
def backup(context: Context, file: str, *, force: bool, output: str) -> int:
    """Copy the database to FILE, as it is at this moment; the daemon goes on meanwhile.

    The copy is checked before it gets its name.  To restore it: stop the daemon, remove the database's -wal and -shm
    files, copy FILE over the database, and start the daemon.
    """
    from watcher import presence, privileges
    from watcher.store import upkeep

    target = Path(file).expanduser()
    database = presence.database(context.config.state_dir)
    try:
        if privileges.owner_of(context.config.state_dir):
            code, size, schema = _backup_as_owner(context, target, force=force)
            if code:
                return code  # the child has printed why
        else:
            found = upkeep.backup(context.database, target, force=force, progress=_progress)
            size, schema = found.size, found.version
    except OSError as error:
        raise WatchError(f"cannot write {target}: {error.strerror}", "name another file") from error
    if output != "table":
        document = {"database": str(database), "file": str(target.absolute())}
        print_document(output, document | {"size": size, "schema": schema})
        return 0
    note(f"wrote {target}: {size / 2**20:.1f} MB, whole")
    return 0


def _backup_as_owner(context: Context, target: Path, *, force: bool) -> tuple[int, int, int]:
    """Copy as the owner of the state directory into a file that root has opened; return exit code, size and schema.

    Root never opens the database, and the owner never gets more than this one descriptor.
    """
    from watcher import presence, privileges
    from watcher.cli.ending import code_of
    from watcher.store import upkeep

    database = presence.database(context.config.state_dir)
    upkeep.refuse(database, target, force=force)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:

        def act() -> int:
            return code_of(context, lambda: _copy_into(database, descriptor))

        code = privileges.as_owner(context.config.state_dir, act)
        if code:
            return code, 0, 0
        header = os.pread(descriptor, 64, 0)
        upkeep.put_in_place(part, target, force=force)
        return 0, os.fstat(descriptor).st_size, int.from_bytes(header[60:64], "big")
    finally:
        part.unlink(missing_ok=True)
        os.close(descriptor)


def _copy_into(database: Path, descriptor: int) -> int:
    """Copy the database into an open file, through a private temporary directory."""
    import shutil
    import tempfile

    from watcher.store import upkeep

    with tempfile.TemporaryDirectory(prefix="bedrock-watch.") as directory:
        part = Path(directory) / "copy.db"
        upkeep.copy(database, part, _progress)
        with part.open("rb") as source, os.fdopen(descriptor, "wb", closefd=False) as target:
            shutil.copyfileobj(source, target)
    return 0


def _progress(done: int, total: int) -> None:
    """Show how much of a large database is copied, where somebody may be watching."""
    if total > _LARGE and sys.stderr.isatty():
        sys.stderr.write("\r" + (f"copying: {done / total:.0%}" if done < total else " " * 15 + "\r"))
        sys.stderr.flush()


@db.command(short_help="Say whether the database is whole.")
@output_option
@click.pass_obj
def check(context: Context, *, output: str) -> int:
    """Say whether the database is whole: its pages, its indexes, its references, its version.

    Reads all of it, and writes nothing.  Exits with 1 when it is not.
    """
    from watcher.doctor.database import check_database
    from watcher.doctor.finding import verdict

    findings = list(check_database(context.database, thorough=True))
    print_findings(context, findings, output, {"database": str(context.database)})
    return verdict(findings)
