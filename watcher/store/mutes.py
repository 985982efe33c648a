"""Holding news back for a while, at somebody's wish.  What is held back is told in one message afterwards."""

from __future__ import annotations

import sqlite3

from watcher.store.database import Database
from watcher.store.news import EVERY_JOB

_HELD = "fold = 'mute' AND state = 'pending' AND (? = 0 OR event IN (SELECT id FROM events WHERE job = ?))"


class Mutes:
    """The verbs of muting.  *job* is our own id; None means every job."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def mute(self, job: int | None, until: float) -> None:
        """Hold back the news of *job* until then (epoch seconds), what is already held back included."""
        with self._db.transaction() as sql:
            sql.execute("INSERT OR REPLACE INTO mutes (job, until) VALUES (?, ?)", (job or EVERY_JOB, until))
            _move(sql, job, until)

    def unmute(self, job: int | None, now: float) -> int:
        """Let the news of *job* go; return how many messages were held back."""
        with self._db.transaction() as sql:
            if job is None:
                sql.execute("DELETE FROM mutes")
            else:
                sql.execute("DELETE FROM mutes WHERE job = ?", (job,))
            return _move(sql, job, now)

    def active(self, now: float) -> dict[int | None, float]:
        """Return until when each job (None: every job) is muted."""
        with self._db.reading() as sql:
            rows = sql.execute("SELECT job, until FROM mutes WHERE until > ?", (now,))
            return {row["job"] or None: row["until"] for row in rows}


def _move(sql: sqlite3.Connection, job: int | None, at: float) -> int:
    return sql.execute(f"UPDATE deliveries SET next_attempt_at = ? WHERE {_HELD}", (at, job or 0, job or 0)).rowcount
