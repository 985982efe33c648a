"""Letting go of what is old: events, their messages, and the tries of these, a few at a time.

What anything else is reckoned from stays, however old: jobs and snapshots (so nothing is told again, and usual times
are known), the newest event of each subject (the next one's version follows it), the newest thread of each subject on
each channel, the newest message that arrived on each channel and what was told of one that does not work since (so that
it is not told twice, nor missed), and every message that is still on its way.
Not its business: how long is long (``config``), and when this is done (``daemon``).
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from watcher.store.database import Database
from watcher.store.deadletters import REVIVED_FOR

CHUNK = 200
"""Events that are looked at in one transaction, at most: others wait for a few milliseconds."""

SPARE_PAGES = 2_000
"""Free pages (8 MB) that are left to be used again."""

_PAGES = 500
"""Pages that are given back in one transaction."""

_NEXT = """
    SELECT max(id) AS last, min(observed_at) AS oldest, max(observed_at) AS newest
    FROM (SELECT id, observed_at FROM events WHERE id > ? ORDER BY id LIMIT ?)
"""

# A subject's thread: the newest of its messages on a channel to which the receiver answered something.
_OLD = """
    SELECT e.id FROM events AS e
    WHERE e.id > :after AND e.id <= :upto AND e.observed_at < :before
    AND EXISTS (SELECT 1 FROM events AS newer WHERE newer.subject = e.subject AND newer.version > e.version)
    AND NOT EXISTS (
        SELECT 1 FROM deliveries AS d WHERE d.event = e.id AND (
            d.state IN ('pending', 'sending', 'uncertain')
            OR d.finished_at >= :before
            OR (d.receiver_data != '{}' AND NOT EXISTS (
                SELECT 1 FROM deliveries AS newer WHERE newer.channel = d.channel AND newer.subject = d.subject
                AND newer.id > d.id AND newer.receiver_data != '{}'))
            OR (d.state = 'sent' AND d.finished_at >= (
                SELECT max(finished_at) FROM deliveries AS any WHERE any.channel = d.channel AND any.state = 'sent'))))
    AND NOT (
        e.subject LIKE 'channel/%' AND instr(e.transitions, '"DeliveryDead"')
        AND e.observed_at >= (
            SELECT coalesce(max(finished_at), 0) FROM deliveries AS any
            WHERE any.channel = substr(e.subject, 9) AND any.state = 'sent'))
"""


@dataclass(frozen=True, slots=True)
class Pruned:
    """One step of letting go: how many *events* went, and the event after which to go on; None at the end."""

    events: int
    after: int | None


class Retention:
    """The verbs of letting go.  Each is one short transaction, or none when there is nothing to do."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def prune(self, now: float, keep: float, after: int) -> Pruned:
        """Let go of what is older than *keep* seconds, among the next CHUNK events after the one of that id."""
        values: dict[str, object] = {"before": now - max(keep, REVIVED_FOR), "after": after}
        with self._db.reading() as sql:
            row = sql.execute(_NEXT, (after, CHUNK)).fetchone()
            # Behind events that are all young, all are; unless a clock that was wrong has written these.
            if row["last"] is None or (row["oldest"] >= values["before"] and row["newest"] <= now):
                return Pruned(0, None)
            values["upto"] = row["last"]
            if sql.execute(f"{_OLD} LIMIT 1", values).fetchone() is None:
                return Pruned(0, row["last"])
        with self._db.transaction() as sql:
            # Looked at again: somebody may have asked for one of them meanwhile.
            gone = [found["id"] for found in sql.execute(_OLD, values)]
            _delete(sql, gone)
        return Pruned(len(gone), row["last"])

    def give_back(self) -> bool:
        """Give some free pages back to the disk, if there are many; return whether there are still."""
        with self._db.reading() as sql:
            free = sql.execute("PRAGMA freelist_count").fetchone()[0]
            if sql.execute("PRAGMA auto_vacuum").fetchone()[0] != 2 or free <= SPARE_PAGES:
                return False
        self._db.shrink(_PAGES)
        return bool(free - _PAGES > SPARE_PAGES)


def _delete(sql: sqlite3.Connection, events: list[int]) -> None:
    ids = (json.dumps(events),)
    these = "(SELECT value FROM json_each(?))"
    sql.execute(f"DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE event IN {these})", ids)
    sql.execute(f"DELETE FROM deliveries WHERE event IN {these}", ids)
    sql.execute(f"DELETE FROM events WHERE id IN {these}", ids)
