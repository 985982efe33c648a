"""Record the outcome of one try: patience used, final state, and messages requeued on recovery.

Every function is a part of somebody else's transaction.  All times are epoch seconds, all durations seconds.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watcher.model import Delivery, Failed, Sent
from watcher.policy import LONGEST_SEND_RETRY, Patience, Running, is_final
from watcher.store.deadletters import DROPPED, FRESH, NOT_QUARANTINED, RETIRED, REVIVED_FOR

_RAN = "ran_for"
"""Note with the total running time (seconds) of all processes at the latest failure; the clock for patience."""

_MOST_REQUEUED = 3
"""How often recovery requeues one message, so that one refused for its content is not retried forever."""

_OUTAGE = 3600.0
"""Seconds after the channel's latest success; a later permanent failure is due to an outage, not to content."""


@dataclass(frozen=True, slots=True)
class Times:
    """When a failed try began and ended, and when the next one is.  Epoch seconds.

    *running* is the running time of this process; None for ``run --once``, whose patience is counted by the wall clock.
    *paused_until* is until when the receiver wants no request at all, 0 if it did not say.
    """

    began_at: float
    ended_at: float
    retry_at: float
    running: Running | None = None
    paused_until: float = 0.0


class RanFor:
    """The running time of all processes together, read once; *failed* tries keep it in the database."""

    def __init__(self) -> None:
        self._before: float | None = None

    def total(self, sql: sqlite3.Connection, running: Running | None) -> float:
        """Return how many seconds have run in all, this process's *running* time included."""
        if self._before is None:
            row = sql.execute("SELECT value FROM notes WHERE key = ?", (_RAN,)).fetchone()
            self._before = _number(row["value"]) if row else 0.0
        return self._before + (running.seconds if running else 0.0)

    def keep(self, sql: sqlite3.Connection, running: Running | None) -> float:
        """Store and return the total."""
        total = self.total(sql, running)
        sql.execute("INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)", (_RAN, repr(total)))
        return total


def _number(text: str) -> float:
    """Return the number in a note; 0 for anything else, because others can write it."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value < 1e12 else 0.0


def note_tries(
    sql: sqlite3.Connection, deliveries: Iterable[Delivery], began_at: float, now: float, result: str, reason: str
) -> None:
    """Store one attempt of each delivery."""
    sql.executemany(
        "INSERT INTO attempts (delivery, began_at, ended_at, result, reason) VALUES (?, ?, ?, ?, ?)",
        [(delivery.id, began_at, now, result, reason) for delivery in deliveries],
    )


def mark_sent(
    sql: sqlite3.Connection, deliveries: Sequence[Delivery], verdict: Sent, began_at: float, now: float
) -> int:
    """Mark messages as delivered; return how many that failed permanently in their channel's outage are queued again.

    A message that arrived counts as delivered, even if another process changed it meanwhile.
    """
    channel = deliveries[0].channel
    # Before these are marked: what died after the success before this one died in an outage that is over.
    revived = _requeue(sql, channel, now)
    sql.executemany(
        "UPDATE deliveries SET state = 'sent', finished_at = ?, last_error = '', receiver_data = ?, confirmed = ?"
        " WHERE id = ? AND state != 'sent'",
        [(now, json.dumps(dict(verdict.receiver_data)), verdict.confirmed, one.id) for one in deliveries],
    )
    note_tries(sql, deliveries, began_at, now, "sent", "")
    sql.execute(
        "INSERT INTO channels (name, worked) VALUES (:name, coalesce((SELECT value FROM notes WHERE key = :print), ''))"
        " ON CONFLICT (name) DO UPDATE SET worked = excluded.worked WHERE worked IS NOT excluded.worked",
        {"name": channel, "print": f"channel/{channel}"},
    )
    return revived


def mark_failed(
    sql: sqlite3.Connection, deliveries: Sequence[Delivery], verdict: Failed, times: Times, ran_for: RanFor
) -> list[Delivery]:
    """Put messages back for another try; return those that have failed permanently instead.

    A message that another process has finished meanwhile stays as it is.
    """
    result = "uncertain" if verdict.uncertain else "refused" if verdict.permanent else "failed"
    note_tries(sql, deliveries, times.began_at, times.ended_at, result, verdict.reason)
    has_worked = _has_worked(sql, deliveries[0].channel)
    total = ran_for.keep(sql, times.running)
    if times.paused_until:
        sql.execute(
            "INSERT INTO channels (name, paused_until) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET paused_until = excluded.paused_until",
            (deliveries[0].channel, times.paused_until),
        )
    over = []
    for delivery in deliveries:
        if not _count(sql, delivery, verdict, total):
            continue
        if is_final(verdict, _patience(sql, delivery, times, has_worked=has_worked)):
            over.append(delivery)
            continue
        sql.execute(
            "UPDATE deliveries SET state = ?, uncertain = max(uncertain, ?), next_attempt_at = ?, last_error = ?"
            " WHERE id = ? AND state = 'sending'",
            (
                "uncertain" if verdict.uncertain else "pending",
                verdict.uncertain,
                times.retry_at,
                verdict.reason,
                delivery.id,
            ),
        )
    return over


def _count(sql: sqlite3.Connection, delivery: Delivery, verdict: Failed, total: float) -> bool:
    """Add the running time since the message's latest failure to its patience; return whether it is still being sent.

    A gap longer than any pause between two tries is time in which the message waited for others.
    """
    counted = "min(max(:total - coalesce(tried_at, :total), 0), :most)"
    changed = sql.execute(
        f"UPDATE deliveries SET tried_for = tried_for + {counted}, tried_at = :total,"
        f" refused_for = CASE WHEN :refused THEN refused_for + {counted} ELSE 0 END"
        " WHERE id = :id AND state = 'sending'",
        {"id": delivery.id, "total": total, "most": LONGEST_SEND_RETRY, "refused": verdict.permanent},
    )
    return changed.rowcount == 1


def _patience(sql: sqlite3.Connection, delivery: Delivery, times: Times, *, has_worked: bool) -> Patience:
    row = sql.execute(
        "SELECT attempts, tried_since, tried_for, refused_for FROM deliveries WHERE id = ?", (delivery.id,)
    ).fetchone()
    if times.running is None:
        passed = times.ended_at - row["tried_since"]
        return Patience(row["attempts"], passed, passed, has_worked, settled=True)
    return Patience(row["attempts"], row["tried_for"], row["refused_for"], has_worked, times.running.settled)


def _has_worked(sql: sqlite3.Connection, channel: str) -> bool:
    """Return whether the channel's present URL has accepted a message; URLs are known by their fingerprints alone."""
    row = sql.execute(
        "SELECT worked IS coalesce((SELECT value FROM notes WHERE key = ?), '') AS same FROM channels WHERE name = ?",
        (f"channel/{channel}", channel),
    ).fetchone()
    return row is not None and bool(row["same"])


def _requeue(sql: sqlite3.Connection, channel: str, now: float) -> int:
    """Queue again what failed permanently since the channel's latest success; return how many messages.

    Not what a person dropped, or was refused while other messages were accepted: that is refused for what it says.
    What is dated later than *now* was so by a clock that has been set back.
    """
    row = sql.execute(
        "SELECT coalesce(max(finished_at), 0) AS at FROM deliveries"
        " WHERE channel = ? AND state = 'sent' AND finished_at <= ?",
        (channel, now),
    ).fetchone()
    return sql.execute(
        f"UPDATE deliveries SET state = 'pending', requeued = requeued + 1, {FRESH}, next_attempt_at = :now"
        " WHERE channel = :channel AND state = 'dead' AND finished_at > :since AND finished_at <= :now"
        f" AND {NOT_QUARANTINED} AND requeued < :most AND attempts > 0 AND last_error NOT IN (:dropped, :retired)"
        " AND (tried_since > :sent OR finished_at > :sent + :outage) AND subject != 'channel/' || channel",
        {
            "channel": channel,
            "now": now,
            "sent": row["at"],
            "since": max(row["at"], now - REVIVED_FOR),
            "most": _MOST_REQUEUED,
            "dropped": DROPPED,
            "retired": RETIRED,
            "outage": _OUTAGE,
        },
    ).rowcount
