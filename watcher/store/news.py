"""Writing one event and its deliveries, inside somebody else's transaction.

This is where law 2 lives: whoever writes a snapshot calls this before the commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from watcher.model import Snapshot, Transition
from watcher.store.codec import dump_sight, dump_transitions


def write_event(
    sql: sqlite3.Connection,
    subject: str,
    transitions: Iterable[Transition],
    channels: Sequence[str],
    now: float,
    *,
    job: int | None = None,
    snapshot: Snapshot | None = None,
) -> int:
    """Insert an event and one pending delivery per channel; return the event's id."""
    cursor = sql.execute(
        "INSERT INTO events (subject, version, job, transitions, sight, observed_at) VALUES"
        " (?, (SELECT coalesce(max(version), 0) + 1 FROM events WHERE subject = ?), ?, ?, ?, ?)",
        (subject, subject, job, dump_transitions(transitions), dump_sight(snapshot), now),
    )
    event = cursor.lastrowid
    assert event is not None  # noqa: S101 - sqlite3 sets it after every INSERT
    sql.executemany(
        "INSERT INTO deliveries (event, subject, channel, created_at, next_attempt_at) VALUES (?, ?, ?, ?, ?)",
        [(event, subject, channel, now, now) for channel in channels],
    )
    return event
