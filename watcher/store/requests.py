"""What people ask of the daemon, through the database: there is no socket between them.

One row is one errand and its answer.  Not its business: which errands there are, and who runs them (``daemon``).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watcher.store.database import Database

KEPT = 86_400.0
"""Seconds after which a request is forgotten, answered or not."""


@dataclass(frozen=True, slots=True)
class Request:
    """One errand.  *taken* is whether the daemon has begun it, *answer* is None until there is one."""

    id: int
    what: str
    arguments: Mapping[str, Any]
    taken: bool
    answer: Any | None


class Requests:
    """The verbs of asking the daemon, and of its answering.  Arguments and answers are JSON values."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ask(self, what: str, arguments: Mapping[str, Any], now: float, patience: float) -> int:
        """Ask the daemon for *what*, and wait for *patience* seconds; return the request's id."""
        with self._db.transaction() as sql:
            sql.execute("DELETE FROM requests WHERE asked_at < ?", (now - KEPT,))
            cursor = sql.execute(
                "INSERT INTO requests (what, arguments, asked_at, expires_at) VALUES (?, ?, ?, ?)",
                (what, json.dumps(arguments), now, now + patience),
            )
            assert cursor.lastrowid is not None  # noqa: S101 - sqlite3 sets it after every INSERT
            return cursor.lastrowid

    def take(self, now: float) -> Request | None:
        """Return the oldest request that nobody has begun and somebody still waits for, and mark it as begun."""
        oldest = "SELECT * FROM requests WHERE taken_at = 0 AND expires_at > ? ORDER BY id LIMIT 1"
        with self._db.reading() as sql:
            if sql.execute(oldest, (now,)).fetchone() is None:
                return None  # write nothing while there are no requests
        with self._db.transaction() as sql:
            row = sql.execute(oldest, (now,)).fetchone()  # check again: the request may have been withdrawn
            if row is None:
                return None
            sql.execute("UPDATE requests SET taken_at = ? WHERE id = ? AND taken_at = 0", (now, row["id"]))
        return _request(row)

    def answer(self, request: int, answer: object, now: float) -> None:
        """Write the answer of a request; one that was withdrawn meanwhile is nobody's any more."""
        with self._db.transaction() as sql:
            sql.execute(
                "UPDATE requests SET answer = ?, answered_at = ? WHERE id = ?",
                (json.dumps(answer, ensure_ascii=False), now, request),
            )

    def get(self, request: int) -> Request | None:
        """Return a request and its answer, if it has one; None when it is not there any more."""
        with self._db.reading() as sql:
            row = sql.execute("SELECT * FROM requests WHERE id = ?", (request,)).fetchone()
            return None if row is None else _request(row)

    def withdraw(self, request: int) -> None:
        """Forget a request: whoever asked has the answer, or waits no longer."""
        with self._db.transaction() as sql:
            sql.execute("DELETE FROM requests WHERE id = ?", (request,))


def _request(row: sqlite3.Row) -> Request:
    answer = json.loads(row["answer"]) if row["answered_at"] else None
    return Request(row["id"], row["what"], json.loads(row["arguments"]), row["taken_at"] > 0, answer)
