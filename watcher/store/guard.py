"""Check the files in place of the database before SQLite opens them.

Members of the service's group may write in the state directory.  SQLite follows a link, waits for a FIFO, and plays a
journal back that lies beside the database; a journal that names a super-journal makes it delete that file.
Such checks can be raced: what protects root is that it becomes the owner first (``privileges``).
Not its business: what is in the database.
"""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from watcher import files
from watcher.errors import StoreError

UNCHANGED = 10.0
"""Seconds without a change after which the daemon considers a journal abandoned."""

_MAGIC = bytes.fromhex("d9d505f920a163d7")
"""The journal's magic number; a super-journal's name ends with it, too.  Source: https://sqlite.org/fileformat2.html#the_rollback_journal"""

_WAL = b"\x02\x02"
"""The read and write version of a database in WAL mode (offset 18).  Source: the same, 1.3.3."""

_PATIENCE = 2.0
_in_use: Counter[Path] = Counter()


@contextmanager
def in_use(path: Path) -> Iterator[None]:
    """Note that this process has the database at *path* open.

    Closing any other descriptor of that file would drop all locks that SQLite holds on it (POSIX advisory locks).
    """
    _in_use[path] += 1
    try:
        yield
    finally:
        _in_use[path] -= 1


def check(path: Path, *, owner: bool = False) -> Path | None:
    """Check the files at *path* before SQLite opens them; return where a foreign journal was moved to, if one was.

    *owner*: this process holds the daemon's lock, so no other process is making the database, and a foreign journal may
    be moved aside.  Raises StoreError for what is no regular file, and for a foreign journal otherwise; OSError.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise StoreError(f"{path} is not a regular file", "remove it, or name another state_dir")
    journal = path.with_name(path.name + "-journal")
    if not _is_foreign(path, journal):
        return None
    if owner:
        return _move_aside(journal)
    raise StoreError(
        f"{journal} does not belong to {path}", "start the daemon, which moves it aside; or see who put it there"
    )


def _is_foreign(path: Path, journal: Path) -> bool:
    """Return whether there is a journal that bedrock-watch cannot have created."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            found = journal.lstat()
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(found.st_mode) or _names_another_file(journal):
            return True
        if not _is_wal(path):
            return False  # the database is being made, or its making was cut short: SQLite plays it back
        if time.monotonic() > end:
            return True
        time.sleep(0.05)  # the switch to WAL has a journal for a moment


def _names_another_file(journal: Path) -> bool:
    """Return whether a journal names a super-journal: no transaction of ours spans two databases."""
    try:
        descriptor = files.open_regular(journal, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        size = os.fstat(descriptor).st_size
        return size >= len(_MAGIC) and os.pread(descriptor, len(_MAGIC), size - len(_MAGIC)) == _MAGIC
    finally:
        os.close(descriptor)


def _is_wal(path: Path) -> bool:
    """Return whether the database is in WAL mode."""
    if _in_use[path]:
        return True  # this process has opened it so
    try:
        descriptor = files.open_regular(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.pread(descriptor, 2, 18) == _WAL
    finally:
        os.close(descriptor)


def _move_aside(journal: Path) -> Path:
    while (age := time.time() - journal.lstat().st_mtime) < UNCHANGED and age >= 0:
        time.sleep(min(0.2, UNCHANGED - age))
    aside = journal.with_name(f"{journal.name}.foreign-{os.urandom(4).hex()}")
    journal.rename(aside)
    return aside
