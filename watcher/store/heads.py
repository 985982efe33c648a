"""Selects the next messages of a channel.  Each query costs the same, however many messages wait.

A subject's messages never overtake each other on a channel, so only its oldest open message, its *head*, may be sent.
Urgent messages go first: failures, and what is older of the same subject, which goes with them.

Each function is a part of somebody else's transaction.
"""

from __future__ import annotations

import sqlite3

from watcher.store.news import OPEN, WAITING

_IS_HEAD = f"""
    NOT EXISTS (SELECT 1 FROM deliveries AS older
        WHERE older.channel = d.channel AND older.subject = d.subject AND older.{OPEN} AND older.id < d.id)
"""

# INDEXED BY makes a missing index an error: without it each look would sort the whole queue.
_HEADS = f"""
    SELECT d.id, d.subject, d.fold, d.urgent, d.next_attempt_at FROM deliveries AS d INDEXED BY deliveries_next
    WHERE d.channel = :channel AND d.{WAITING} AND d.urgent = :urgent AND d.next_attempt_at <= :upto AND {_IS_HEAD}
    ORDER BY d.next_attempt_at, d.id LIMIT :most
"""

_HEAD_OF_SUBJECT = f"""
    SELECT id, subject, fold, urgent, next_attempt_at, {WAITING} AS waiting
    FROM deliveries INDEXED BY deliveries_open WHERE channel = ? AND subject = ? AND {OPEN} ORDER BY id LIMIT 1
"""

_CHAIN = f"""
    SELECT id, urgent, {WAITING} AND next_attempt_at <= :now AND (:fold = '' OR fold = :fold) AS goes
    FROM deliveries INDEXED BY deliveries_open
    WHERE channel = :channel AND subject = :subject AND {OPEN} ORDER BY id LIMIT :most
"""


def heads(sql: sqlite3.Connection, channel: str, upto: float, most: int, subject: str | None) -> list[sqlite3.Row]:
    """Return up to *most* heads of *channel* that are due by *upto* (epoch seconds), in the order of their sending.

    With a *subject*, its head alone.
    """
    if subject is not None:
        row = sql.execute(_HEAD_OF_SUBJECT, (channel, subject)).fetchone()
        return [row] if row and row["waiting"] and row["next_attempt_at"] <= upto else []
    found: list[sqlite3.Row] = []
    for urgent in (1, 0):
        values = {"channel": channel, "urgent": urgent, "upto": upto, "most": most - len(found)}
        found += sql.execute(_HEADS, values).fetchall()
    return found


def due_at(sql: sqlite3.Connection, channel: str, subject: str | None) -> float | None:
    """Return when the next head of *channel* is due (epoch seconds); None when there is none."""
    if subject is not None:
        times = [row["next_attempt_at"] for row in heads(sql, channel, 9e99, 1, subject)]
    else:
        values = {"channel": channel, "upto": 9e99, "most": 1}
        rows = [sql.execute(_HEADS, {**values, "urgent": urgent}).fetchone() for urgent in (1, 0)]
        times = [row["next_attempt_at"] for row in rows if row is not None]
    return min(times, default=None)


def together(
    sql: sqlite3.Connection, channel: str, found: list[sqlite3.Row], now: float, fold: str, most: int
) -> list[int]:
    """Return the ids of up to *most* messages that go as one: the heads *found*, and what follows each and is due.

    With a *fold* these are messages that were held back for it; without one, whatever is due.
    """
    chosen: list[tuple[bool, int]] = []
    for head in found:
        values = {"channel": channel, "subject": head["subject"], "now": now, "fold": fold, "most": most}
        for row in sql.execute(_CHAIN, values):
            if not row["goes"]:
                break  # what is behind it must not overtake it
            chosen.append((not row["urgent"], row["id"]))
    return sorted(one for _, one in sorted(chosen)[:most])
