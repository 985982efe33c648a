"""The database: whether it is whole, and of a version that we know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from watcher.doctor.finding import Finding, Grade
from watcher.errors import StoreError
from watcher.store.schema import MIGRATIONS
from watcher.store.upkeep import Condition, examine

CHECK = "database"

_RESTORE = (
    "stop the daemon, keep a copy of the file, and put a backup in its place (bedrock-watch db backup makes them);"
    " without one, sqlite3's .recover saves what can be read"
)
_MUCH = 64 * 2**20
"""Bytes of free pages that are worth a word."""


def check_database(path: Path, *, thorough: bool) -> Iterator[Finding]:
    """Look at the database at *path*, and write nothing; *thorough* takes about a second for each 100 MB.

    That there is none is a failure for who wants it thorough: he expects one.
    """
    if not thorough and _is_absent(path):
        yield Finding(CHECK, str(path), Grade.WARN, "there is none yet", "add a job: bedrock-watch add JOB")
        return
    try:
        found = examine(path, thorough=thorough)
    except StoreError as error:
        yield Finding(CHECK, str(path), Grade.FAIL, error.what, error.remedy)
        return
    yield from _faults(path, found)
    if found.sound:
        age = "" if found.version == len(MIGRATIONS) else ", which is brought up to date when it is next used"
        what = f"whole, schema {found.version}{age}, {_megabytes(found.size)}"
        if found.free > _MUCH:
            what += f", of which {_megabytes(found.free)} are free for what comes"
        yield Finding(CHECK, str(path), Grade.OK, what)
    if found.free > _MUCH and found.free > found.size / 2 and not found.gives_back:
        yield Finding(
            CHECK,
            str(path),
            Grade.WARN,
            f"{_megabytes(found.free)} of it are free, and were made before free space could be given back",
            f'stop the daemon and run: sqlite3 {path} "PRAGMA auto_vacuum = 2; VACUUM"',
        )


def _is_absent(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        pass
    return False


def _faults(path: Path, found: Condition) -> Iterator[Finding]:
    subject = str(path)
    if not found.ours:
        yield Finding(CHECK, subject, Grade.FAIL, "it is not a database of bedrock-watch", "name another state_dir")
    elif found.newer:
        what = f"written by a newer bedrock-watch: schema {found.version}, this one knows {len(MIGRATIONS)}"
        yield Finding(CHECK, subject, Grade.FAIL, what, "upgrade bedrock-watch, or name another state_dir")
    for problem in found.problems:
        yield Finding(CHECK, subject, Grade.FAIL, f"damaged: {' '.join(problem.split())}", _RESTORE)
    for orphan in found.orphans:
        yield Finding(CHECK, subject, Grade.FAIL, f"incomplete: {orphan}", _RESTORE)


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
