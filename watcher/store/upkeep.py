"""Looking after the database as a file: is it whole, and a copy of it while everybody goes on.

Not its business: what is in it, and what of it may go (``retention``).
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from watcher.errors import StoreError
from watcher.files import who_may
from watcher.store import guard
from watcher.store.database import explained
from watcher.store.schema import APPLICATION_ID, MIGRATIONS

_STEP = 2_000
"""Pages that are copied at once: 8 MB."""

_MOST = 20
"""Problems that are named; the first one says enough."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database file is: its schema's *version*, *problems* in SQLite's words, *orphans* that point to nothing.

    *size* is in bytes; *free* of these are used again before the file grows, and *gives_back* says whether they are
    given back to the disk by and by.
    """

    version: int
    ours: bool
    problems: tuple[str, ...]
    orphans: tuple[str, ...]
    size: int
    free: int
    gives_back: bool

    @property
    def newer(self) -> bool:
        """Whether a newer program has written it."""
        return self.version > len(MIGRATIONS)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.ours and not (self.newer or self.problems or self.orphans)


def examine(path: Path, *, thorough: bool) -> Condition:
    """Return how the database at *path* is, having written nothing; *thorough* compares the indexes too.

    Raises StoreError when it cannot be read.
    """
    with _opened(path) as sql:
        scalar = {name: sql.execute(f"PRAGMA {name}").fetchone()[0] for name in _SCALARS}
        word = "integrity_check" if thorough else "quick_check"
        problems = [str(row[0]) for row in sql.execute(f"PRAGMA {word}({_MOST})")]
        orphans = [f"{table}, row {row}: no such {parent}" for table, row, parent, _ in _foreign(sql)]
        return Condition(
            version=scalar["user_version"],
            ours=scalar["application_id"] == APPLICATION_ID,
            problems=() if problems == ["ok"] else _said_whole(problems),
            orphans=_said_whole(orphans),
            size=scalar["page_count"] * scalar["page_size"],
            free=scalar["freelist_count"] * scalar["page_size"],
            gives_back=scalar["auto_vacuum"] == 2,
        )


def _said_whole(problems: list[str]) -> tuple[str, ...]:
    """Return *problems*; where SQLite was asked for no more of them, with a last line that says so."""
    more = [f"there may be more; only the first {_MOST} are named"] if len(problems) == _MOST else []
    return (*problems, *more)


_SCALARS = ("user_version", "application_id", "page_count", "page_size", "freelist_count", "auto_vacuum")


def _foreign(sql: sqlite3.Connection) -> list[tuple[str, int, str, int]]:
    return sql.execute("PRAGMA foreign_key_check").fetchmany(_MOST)


def backup(path: Path, target: Path, *, force: bool, progress: Callable[[int, int], None]) -> Condition:
    """Copy the database at *path* to *target*, as it is at this moment, and return its integrity report.

    Others may write meanwhile.  *progress* is told the pages done and the pages in all.  The copy is for its owner
    only, and has its name only when it is whole: raises StoreError when it is not, or when there is a *target* already
    and no *force*; OSError when it cannot be written.
    """
    refuse(path, target, force=force)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        condition = copy(path, part, progress)
        put_in_place(part, target, force=force)
    finally:
        part.unlink(missing_ok=True)
    return condition


def copy(path: Path, part: Path, progress: Callable[[int, int], None]) -> Condition:
    """Copy the database at *path* to the new file *part*, as it is at this moment, and return how the copy is.

    Raises StoreError if the copy is damaged, and OSError if it cannot be written.
    """
    with _opened(path) as source:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            with explained(part), closing(sqlite3.connect(part)) as copied:
                # One state of the file for the whole copy: without it, each write of the daemon's would begin it anew.
                source.execute("BEGIN")
                source.execute("SELECT 1 FROM sqlite_schema").fetchone()
                source.backup(copied, pages=_STEP, progress=lambda _, left, total: progress(total - left, total))
            return _whole(path, part)
        finally:
            for left in (part.with_name(part.name + end) for end in ("-wal", "-shm", "-journal")):
                left.unlink(missing_ok=True)


def _whole(path: Path, part: Path) -> Condition:
    """Return how the copy of *path* is; raises StoreError when it is not whole."""
    condition = examine(part, thorough=True)
    if not condition.sound:
        found = "; ".join((*condition.problems, *condition.orphans)[:3]) or "not a database of ours"
        raise StoreError(f"the copy of {path} is not whole: {found}", "see what is wrong: bedrock-watch db check")
    return condition


def refuse(path: Path, target: Path, *, force: bool) -> None:
    """Raise StoreError for a *target* that a copy of the database at *path* must not be written to."""
    own = {path.resolve().with_name(path.name + end) for end in ("", "-wal", "-shm", "-journal")}
    if target.resolve() in own:
        raise StoreError(f"{target} is the database itself", "name another file")
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise StoreError(f"{target} is a directory", "name a file in it")
    if not stat.S_ISREG(mode):
        raise StoreError(f"{target} is not a regular file", "name another file")
    if any(one.exists() and target.samefile(one) for one in own):
        raise StoreError(f"{target} is the database itself", "name another file")
    if not force:
        raise StoreError(f"{target} exists already", "name another file, or write over it with --force")


def put_in_place(part: Path, target: Path, *, force: bool) -> None:
    """Give the copy its name, once it is on the disk."""
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    if force:
        part.replace(target)
    else:
        try:
            os.link(part, target)  # unlike a rename, refuses when there is a file by now
        except FileExistsError:
            raise StoreError(f"{target} exists already", "name another file, or write over it with --force") from None
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file as it is, without bringing its schema up to date."""
    with explained(path):
        try:
            path.stat()
        except FileNotFoundError:
            raise StoreError(f"no database at {path}", "add a job first: bedrock-watch add JOB") from None
        except OSError as error:
            raise StoreError(f"may not use {path}: {error.strerror}", who_may(path)) from error
        guard.check(path)
        uri = f"{path.absolute().as_uri()}?mode=rw"
        with guard.in_use(path), closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as sql:
            yield sql
