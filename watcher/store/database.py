"""One connection to one SQLite file: opening, migrating, transactions.

Not its business: what the tables mean.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from watcher.errors import StoreError
from watcher.files import make, who_may
from watcher.store import guard
from watcher.store.schema import APPLICATION_ID, MIGRATIONS

_BUSY_TIMEOUT = 10.0
"""How long, in seconds, one writer waits for another."""

_OF_THE_DISK = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM})

IN_MEMORY = Path(":memory:")
"""The path of a database that is gone when it is closed."""

Migrating = Callable[[int, int], AbstractContextManager[object]]
"""Is entered while a database is brought from one version of the schema to another, and left when that is done."""


def unnoticed(_old: int, _new: int) -> AbstractContextManager[object]:
    """Tell nobody."""
    return nullcontext()


class Database:
    """A connection that may be used from any one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self.set_aside: Path | None = None
        """Path to which a foreign journal was moved."""
        self._connection = connection
        self._guard = ExitStack()
        self._guard.enter_context(guard.in_use(path))

    @classmethod
    def open(
        cls, path: Path, *, create: bool = True, migrating: Migrating = unnoticed, owner: bool = False
    ) -> Database:
        """Open *path*, creating and migrating it; raises StoreError in words that say what to do.

        With *create* False an absent database is an error too.  *migrating* is told the two versions, and wraps what
        may take long: whoever started us may have to be asked for patience.  *owner*: this process is the one daemon.
        """
        aside = None
        try:
            if not create and not path.exists():
                raise StoreError(f"no database at {path}", "add a job first: bedrock-watch add JOB")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o770)
            if path != IN_MEMORY:
                # SQLite would make it by the umask; its -wal and -shm files become as open as the database is.
                make(path)
                aside = guard.check(path, owner=owner)
            with explained(path):
                connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
                connection.row_factory = sqlite3.Row
                database = cls(connection, path)
                database.set_aside = aside
                database._prepare(migrating)
        except PermissionError as error:
            raise StoreError(f"may not use {path}: {error.strerror}", who_may(path)) from error
        except OSError as error:
            raise StoreError(f"cannot use {path}: {error.strerror}", "name another state_dir") from error
        return database

    def _prepare(self, migrating: Migrating) -> None:
        # One state of the file: another process may be making it at this moment.
        with self.reading():
            version = self._scalar("PRAGMA user_version")
            owner = self._scalar("PRAGMA application_id")
            tables = self._scalar("SELECT count(*) FROM sqlite_schema")
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{self.path} was written by a newer bedrock-watch: schema {version}, this one knows {len(MIGRATIONS)}",
                "upgrade bedrock-watch, or name another state_dir",
            )
        if owner != APPLICATION_ID and (owner or tables):
            raise StoreError(f"{self.path} is not a database of bedrock-watch", "name another state_dir")
        self._connection.execute("PRAGMA foreign_keys = ON")
        # FULL: what was committed survives a power cut, which is the promise.
        self._connection.execute("PRAGMA synchronous = FULL")
        if version < len(MIGRATIONS):
            with migrating(version, len(MIGRATIONS)):
                if not tables:
                    # Lets `retention` give space back little by little.  A database that has tables would have to be
                    # written anew for it, with everybody locked out: there, free pages are only used again.
                    self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                self._use_wal()
                self._migrate()

    def _use_wal(self) -> None:
        """Switch to write-ahead logging; SQLite itself does not wait for a process that does the same."""
        end = time.monotonic() + _BUSY_TIMEOUT
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return

    def _migrate(self) -> None:
        with self.transaction() as sql:
            # Read again under the lock: another process may have been faster.
            version = sql.execute("PRAGMA user_version").fetchone()[0]
            for step in MIGRATIONS[version:]:
                for statement in statements(step):
                    sql.execute(statement)
            sql.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            sql.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _scalar(self, sql: str) -> int:
        return int(self._connection.execute(sql).fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, roll back on any exception.  Within another it is a part of that."""
        sql = self._connection
        if sql.in_transaction:
            yield sql
            return
        sql.execute("BEGIN IMMEDIATE")
        try:
            yield sql
            sql.execute("COMMIT")  # may fail itself: the disk is full
        except BaseException:
            sql.rollback()
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """See one consistent state of the database, without hindering any writer."""
        sql = self._connection
        sql.execute("BEGIN")
        try:
            yield sql
        finally:
            sql.rollback()

    def data_version(self) -> int:
        """Return a number that moves when *another* connection has changed the database."""
        return self._scalar("PRAGMA data_version")

    def shrink(self, pages: int) -> None:
        """Give that many free pages back to the disk, if there are, and if the database can (``auto_vacuum``)."""
        # A page is a row without columns, which execute() takes for the end; this is a transaction of its own.
        self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def close(self) -> None:
        """Close the connection; harmless when repeated."""
        self._connection.close()
        self._guard.close()


def statements(script: str) -> Iterator[str]:
    """Split *script* at its semicolons: executescript() would commit the transaction that must hold it all."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise StoreError, in words that say what to do, for what SQLite says of the file at *path* or of its disk.

    What SQLite says of our own SQL is a bug, and passes.
    """
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
        raise
    except sqlite3.DatabaseError as error:
        raise _in_words(error, path) from error


def _in_words(error: sqlite3.Error, path: Path) -> StoreError:
    text = str(error)
    # The primary result code (https://sqlite.org/rescode.html); errors of the sqlite3 module itself have none.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _OF_THE_DISK:
        return StoreError(f"cannot write {path}: {text}", f"see to its disk: df -h {path.parent}", passing=True)
    if "not a database" in text or "malformed" in text:
        return StoreError(f"{path} is damaged: {text}", "restore a backup, or move it away to begin anew")
    if "unable to open" in text or "readonly" in text:
        return StoreError(f"may not write {path}: {text}", who_may(path), passing=True)
    if "locked" in text:
        return StoreError(
            f"{path} is locked by another process", "see who uses it: fuser -v " + str(path), passing=True
        )
    return StoreError(f"cannot use {path}: {text}", "see whether it is whole: bedrock-watch db check")
