"""Writing one event and its deliveries, inside somebody else's transaction.

This is where law 2 lives: whoever writes a snapshot calls this before the commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from watcher.model import ChannelTest, Operator, Posting, Severity, Snapshot, Transition
from watcher.policy import severity
from watcher.store.codec import dump_sight, dump_transitions

OPEN = "state IN ('pending', 'sending', 'uncertain')"
WAITING = "state IN ('pending', 'uncertain')"

EVERY_JOB = 0
"""The job of a mute that holds for all."""


def write_event(
    sql: sqlite3.Connection,
    subject: str,
    transitions: Sequence[Transition],
    postings: Sequence[Posting],
    now: float,
    *,
    job: int | None = None,
    snapshot: Snapshot | None = None,
) -> int:
    """Insert an event and one delivery per posting; return the event's id."""
    cursor = sql.execute(
        "INSERT INTO events (subject, version, job, transitions, sight, observed_at) VALUES"
        " (?, (SELECT coalesce(max(version), 0) + 1 FROM events WHERE subject = ?), ?, ?, ?, ?)",
        (subject, subject, job, dump_transitions(transitions), dump_sight(snapshot), now),
    )
    event = cursor.lastrowid
    assert event is not None  # noqa: S101 - sqlite3 sets it after every INSERT
    at_once = any(isinstance(one, ChannelTest | Operator) for one in transitions)
    muted_until = 0.0 if at_once else _muted_until(sql, job, now)
    urgent = severity(transitions) is Severity.FAILURE
    for posting in postings:
        if not posting.fold and not muted_until:
            _release(sql, posting.channel, subject, now)
        _insert(sql, event, subject, posting, muted_until, now)
    if urgent:
        _hasten(sql, event, subject)
    return event


def _insert(
    sql: sqlite3.Connection, event: int, subject: str, posting: Posting, muted_until: float, now: float
) -> None:
    fold, at = ("mute", muted_until) if muted_until else (posting.fold, max(posting.hold_until, now))
    sql.execute(
        "INSERT INTO deliveries (event, subject, channel, fold, created_at, next_attempt_at) VALUES (?, ?, ?, ?, ?, ?)",
        (event, subject, posting.channel, fold, now, at),
    )


def _hasten(sql: sqlite3.Connection, event: int, subject: str) -> None:
    """Send a failure, and older messages of its subject, before those of other subjects."""
    sql.execute(
        f"UPDATE deliveries SET urgent = 1 WHERE subject = ? AND {OPEN}"
        " AND channel IN (SELECT channel FROM deliveries WHERE event = ?)",
        (subject, event),
    )


def _muted_until(sql: sqlite3.Connection, job: int | None, now: float) -> float:
    """Return how long this job's news, or everybody's, is held back; 0 when it is not."""
    row = sql.execute(
        "SELECT coalesce(max(until), 0) FROM mutes WHERE job IN (?, ?) AND until > ?",
        (EVERY_JOB, EVERY_JOB if job is None else job, now),
    ).fetchone()
    return float(row[0])


def _release(sql: sqlite3.Connection, channel: str, subject: str, now: float) -> None:
    """Let what waits for the digest go first, when urgent news of the same subject comes: order is kept."""
    sql.execute(
        "UPDATE deliveries SET next_attempt_at = min(next_attempt_at, ?), fold = ''"
        " WHERE channel = ? AND subject = ? AND fold = 'digest' AND state = 'pending'",
        (now, channel, subject),
    )
