"""``bedrock-watch db``: copy the database while the daemon goes on, and see whether it is whole.

Not its business: what is in it (``status`` and all the others), and the rest of the installation (``doctor``).
"""

from __future__ import annotations

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
def backup(context: Context, file: str, *, force: bool, output: str) -> None:
    """Copy the database to FILE, as it is at this moment; the daemon goes on meanwhile.

    The copy is checked before it gets its name.  To restore it: stop the daemon, remove the database's -wal and -shm
    files, copy FILE over the database, and start the daemon.
    """
    from watcher.store import upkeep

    target = Path(file).expanduser()
    try:
        found = upkeep.backup(context.database, target, force=force, progress=_progress)
    except OSError as error:
        raise WatchError(f"cannot write {target}: {error.strerror}", "name another file") from error
    if output != "table":
        document = {"database": str(context.database), "file": str(target.absolute())}
        print_document(output, document | {"size": found.size, "schema": found.version})
        return
    note(f"wrote {target}: {found.size / 2**20:.1f} MB, whole")


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
