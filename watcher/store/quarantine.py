"""Inputs that crashed bedrock-watch and were set aside, so that everything else continues.

One row of ``notes`` per input.  A job in quarantine is not polled, an SQS message is left to its queue, a List is
replaced by a Get of each job; a message to a channel is ``dead``, as any that failed permanently.  A person
(``bedrock-watch quarantine retry``) or a new version of the program tries them again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from watcher.model import Crash, Posting
from watcher.store.database import Database
from watcher.store.deadletters import FRESH
from watcher.store.news import OPEN, write_event

JOB, LIST, DELIVERY, MESSAGE = "job", "list", "delivery", "message"
ROW = "row"
"""An unreadable database row: nothing crashed, and everything continues without it."""

KINDS = frozenset({JOB, LIST, DELIVERY, MESSAGE})

SUBJECT = "watch/crash"
"""The subject of the events about crashes."""

_NOTE, _REPORTED = "quarantine/", "crash/reported"
_AFTER = "quarantine0"  # the first key that does not begin with _NOTE
_MOST = 250_000_000_000.0  # epoch seconds: as late as a datetime can be


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An input in quarantine: what it is, why, *since* when (epoch seconds), and by which *version* of the program."""

    kind: str
    key: str
    title: str
    error: str
    since: float
    version: str

    @property
    def name(self) -> str:
        """Its name in commands."""
        return f"{self.kind}/{self.key}"


class Quarantine:
    """Operations on the quarantine."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def listed(self) -> list[Quarantined]:
        """Return everything in quarantine, by name."""
        with self._db.reading() as sql:
            found = [
                _quarantined(row["key"], row["value"])
                for row in sql.execute(
                    "SELECT key, value FROM notes WHERE key >= ? AND key < ? ORDER BY key", (_NOTE, _AFTER)
                )
            ]
            return [one for one in found if one.kind != DELIVERY or _is_dead(sql, one.key)]

    def keys(self, kind: str) -> frozenset[str]:
        """Return the keys of all inputs of one *kind* that are in quarantine."""
        prefix = f"{_NOTE}{kind}/"
        with self._db.reading() as sql:
            rows = sql.execute(
                "SELECT substr(key, ?) AS key FROM notes WHERE key >= ? AND key < ?",
                (len(prefix) + 1, prefix, f"{_NOTE}{kind}0"),
            )
            return frozenset(row["key"] for row in rows)

    def reported(self) -> str:
        """Return the id of the newest crash that was reported; empty when none was."""
        with self._db.reading() as sql:
            row = sql.execute("SELECT value FROM notes WHERE key = ?", (_REPORTED,)).fetchone()
            return "" if row is None else str(row["value"])

    def report(
        self, newest: str, crash: Crash, inputs: Sequence[Quarantined], channels: Iterable[str], now: float
    ) -> None:
        """Set *inputs* aside, and write the event that says so, in one transaction.

        Its messages go before all others on their *channels*.  *newest* is the id of the last crash that it reports.
        """
        with self._db.transaction() as sql:
            for one in inputs:
                _put(sql, one, now)
            sql.execute("INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)", (_REPORTED, newest))
            event = write_event(sql, SUBJECT, (crash,), [Posting(channel) for channel in channels], now)
            sql.execute("UPDATE deliveries SET next_attempt_at = 0, urgent = 1 WHERE event = ? AND fold = ''", (event,))

    def put(self, inputs: Sequence[Quarantined], now: float) -> None:
        """Quarantine *inputs* that did not crash anything."""
        with self._db.transaction() as sql:
            for one in inputs:
                _put(sql, one, now)

    def retry(self, names: Collection[str] | None, now: float) -> list[Quarantined]:
        """Release the inputs of these *names* (None: all); return those that were in quarantine."""
        with self._db.transaction() as sql:
            released = [one for one in self._all(sql) if names is None or one.name in names]
            for one in released:
                _release(sql, one, now)
            return released

    def retry_all_but(self, version: str, now: float) -> list[Quarantined]:
        """Release what a version other than *version* quarantined: the bug may be fixed."""
        with self._db.reading() as sql:
            others = [one.name for one in self._all(sql) if one.version != version]
        return self.retry(others, now) if others else []

    def _all(self, sql: sqlite3.Connection) -> list[Quarantined]:
        rows = sql.execute("SELECT key, value FROM notes WHERE key >= ? AND key < ? ORDER BY key", (_NOTE, _AFTER))
        return [_quarantined(row["key"], row["value"]) for row in rows.fetchall()]


def _put(sql: sqlite3.Connection, one: Quarantined, now: float) -> None:
    value = {"title": one.title, "error": one.error, "since": one.since, "version": one.version}
    for key in one.key.split(",") if one.kind == DELIVERY else [one.key]:
        sql.execute(
            "INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)", (f"{_NOTE}{one.kind}/{key}", json.dumps(value))
        )
        if one.kind == DELIVERY:
            sql.execute(
                f"UPDATE deliveries SET state = 'dead', finished_at = ?, last_error = ? WHERE id = ? AND {OPEN}",
                (now, f"quarantined: it crashed bedrock-watch ({one.error})", key),
            )


def _release(sql: sqlite3.Connection, one: Quarantined, now: float) -> None:
    sql.execute("DELETE FROM notes WHERE key = ?", (f"{_NOTE}{one.name}",))
    if one.kind == DELIVERY:
        sql.execute(
            f"UPDATE deliveries SET state = 'pending', {FRESH}, next_attempt_at = ? WHERE id = ? AND state = 'dead'",
            (now, one.key),
        )
    if one.kind == JOB:
        # The daemon reads again what has a new revision.
        sql.execute(
            "UPDATE jobs SET next_poll_at = min(next_poll_at, ?), revision = (SELECT max(revision) + 1 FROM jobs)"
            " WHERE id = ?",
            (now, one.key),
        )


def _is_dead(sql: sqlite3.Connection, delivery: str) -> bool:
    """Return whether a message still waits for a person: it may have been sent again as any other."""
    return sql.execute("SELECT 1 FROM deliveries WHERE id = ? AND state = 'dead'", (delivery,)).fetchone() is not None


def _quarantined(note: str, value: str) -> Quarantined:
    """Return what a row says; members of the service's group can write it, so it may hold anything."""
    kind, _, key = note.removeprefix(_NOTE).partition("/")
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = {}
    told = found if isinstance(found, dict) else {}
    title, error, version = (str(told.get(name) or "")[:500] for name in ("title", "error", "version"))
    since = told.get("since")
    at = float(since) if isinstance(since, int | float) and 0 <= since < _MOST else 0.0
    return Quarantined(kind, key, title or f"{kind} {key}", error, at, version)
