"""The lanes' verbs: which message is next, and what became of it.

A delivery is ``pending`` until a lane claims it (``sending``), then ``sent``, or ``pending`` again after a failure,
``uncertain`` when it may have arrived, ``dead`` when it is given up.  A subject's news never overtakes itself: only
the oldest open delivery of each (channel, subject) can be claimed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from watcher.errors import UnknownJob
from watcher.model import ChannelTest, Delivery, DeliveryDead, Failed, Sent
from watcher.store.database import Database
from watcher.store.news import write_event
from watcher.store.rows import event_of

_OPEN = "state IN ('pending', 'sending', 'uncertain')"

_HEAD = f"""
    SELECT d.id AS delivery, d.attempts, d.uncertain, d.revived, d.next_attempt_at, e.*
    FROM deliveries AS d JOIN events AS e ON e.id = d.event
    WHERE d.channel = :channel AND d.state IN ('pending', 'uncertain')
    AND (:subject IS NULL OR d.subject = :subject) AND NOT EXISTS (
        SELECT 1 FROM deliveries AS older
        WHERE older.channel = d.channel AND older.subject = d.subject AND older.{_OPEN} AND older.id < d.id)
    ORDER BY d.next_attempt_at, d.id LIMIT 1
"""

_CREATED = "SELECT created_at FROM deliveries WHERE id = ?"


class Outbox:
    """The verbs of the lanes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def recover(self, now: float) -> int:
        """Call after a start: what was in flight when the process died may have arrived; return how many."""
        with self._db.transaction() as sql:
            cursor = sql.execute(
                "UPDATE deliveries SET state = 'uncertain', uncertain = 1, next_attempt_at = ?,"
                " last_error = 'the daemon ended while this message was being sent' WHERE state = 'sending'",
                (now,),
            )
            return cursor.rowcount

    def claim(self, channel: str, now: float, subject: str | None = None) -> tuple[Delivery | None, float | None]:
        """Take the next message of *channel* that is due: (it, None), or (None, when the next will be due).

        It is marked ``sending`` before it is returned, so that a crash in between is known as one.  *subject*
        limits the choice to one subject's news.
        """
        with self._db.reading() as sql:
            row = sql.execute(_HEAD, {"channel": channel, "subject": subject}).fetchone()
        if row is None:
            return None, None
        if row["next_attempt_at"] > now:
            return None, row["next_attempt_at"]
        with self._db.transaction() as sql:
            sql.execute(
                "UPDATE deliveries SET state = 'sending', attempts = attempts + 1 WHERE id = ?", (row["delivery"],)
            )
        return Delivery(
            id=row["delivery"],
            event=event_of(row),
            channel=channel,
            attempts=row["attempts"] + 1,
            uncertain=bool(row["uncertain"]),
            revived=bool(row["revived"]),
        ), None

    def sent(self, delivery: Delivery, verdict: Sent, now: float) -> None:
        """Mark a message as delivered."""
        with self._db.transaction() as sql:
            sql.execute(
                "UPDATE deliveries SET state = 'sent', finished_at = ?, last_error = '', receiver_data = ?"
                " WHERE id = ?",
                (now, json.dumps(dict(verdict.receiver_data)), delivery.id),
            )

    def failed(self, delivery: Delivery, verdict: Failed, retry_at: float, give_up_before: float) -> bool:
        """Put a message back for *retry_at*; return False when it is to be given up instead.

        That is when the failure is permanent, or the message was first due before *give_up_before* and is not of
        uncertain outcome: uncertainty alone never ends a message.
        """
        with self._db.transaction() as sql:
            late = sql.execute(_CREATED, (delivery.id,)).fetchone()["created_at"] < give_up_before
            if verdict.permanent or (late and not verdict.uncertain):
                return False
            sql.execute(
                "UPDATE deliveries SET state = ?, uncertain = max(uncertain, ?), next_attempt_at = ?, last_error = ?"
                " WHERE id = ?",
                (
                    "uncertain" if verdict.uncertain else "pending",
                    verdict.uncertain,
                    retry_at,
                    verdict.reason,
                    delivery.id,
                ),
            )
            return True

    def bury(self, delivery: Delivery, reason: str, now: float, tell: Sequence[str]) -> None:
        """Give a message up, and tell the other channels, once until the channel works again."""
        with self._db.transaction() as sql:
            _bury(sql, "id = ?", (delivery.id,), reason, now)
            if not any(isinstance(transition, DeliveryDead) for transition in delivery.event.transitions):
                _tell(sql, delivery.channel, 1, reason, tell, now)

    def retire(self, kept: Sequence[str], now: float, tell: Sequence[str]) -> dict[str, int]:
        """Give up what waits for channels that are not *kept*; return how many messages, by channel."""
        reason = "the channel is no longer in the configuration"
        marks = ",".join("?" * len(kept))
        with self._db.transaction() as sql:
            rows = sql.execute(
                f"SELECT channel, count(*) AS n FROM deliveries WHERE {_OPEN} AND channel NOT IN ({marks})"
                " GROUP BY channel",
                tuple(kept),
            ).fetchall()
            for row in rows:
                _bury(sql, f"channel = ? AND {_OPEN}", (row["channel"],), reason, now)
                _tell(sql, row["channel"], row["n"], reason, tell, now)
            return {row["channel"]: row["n"] for row in rows}

    def put(self, event_channel: str, transition: ChannelTest, now: float) -> int:
        """Queue a test message for one channel; return its delivery's id."""
        with self._db.transaction() as sql:
            event = write_event(sql, f"channel/{event_channel}", (transition,), (event_channel,), now)
            row = sql.execute("SELECT id FROM deliveries WHERE event = ?", (event,)).fetchone()
            return int(row["id"])

    def retry(self, ids: Sequence[int] | None, now: float) -> int:
        """Send given-up messages again (None: all); a waiting one is tried at once.  Return how many.

        Raises UnknownJob when an id is none of an undelivered message.
        """
        with self._db.transaction() as sql:
            if ids is None:
                ids = [row["id"] for row in sql.execute("SELECT id FROM deliveries WHERE state = 'dead'")]
            for one in ids:
                cursor = sql.execute(
                    "UPDATE deliveries SET revived = max(revived, state = 'dead'), created_at ="
                    " CASE WHEN state = 'dead' THEN ? ELSE created_at END, finished_at = 0, next_attempt_at = ?,"
                    " state = CASE WHEN state = 'dead' THEN 'pending' ELSE state END"
                    " WHERE id = ? AND state IN ('pending', 'uncertain', 'dead')",
                    (now, now, one),
                )
                if cursor.rowcount != 1:
                    raise UnknownJob(f"no undelivered message {one}", "see them: bedrock-watch deliveries")
            return len(ids)

    def drop(self, delivery: int, now: float, reason: str = "dropped by a person") -> None:
        """Give one waiting message up because a person said so; raises UnknownJob when there is none."""
        with self._db.transaction() as sql:
            if _bury(sql, "id = ? AND state IN ('pending', 'uncertain')", (delivery,), reason, now) != 1:
                raise UnknownJob(f"no waiting message {delivery}", "see them: bedrock-watch deliveries")


def _bury(sql: sqlite3.Connection, where: str, values: tuple[object, ...], reason: str, now: float) -> int:
    return sql.execute(
        f"UPDATE deliveries SET state = 'dead', finished_at = ?, last_error = ? WHERE {where}", (now, reason, *values)
    ).rowcount


def _tell(sql: sqlite3.Connection, channel: str, count: int, reason: str, tell: Sequence[str], now: float) -> None:
    """Write a DeliveryDead event unless one was written since the channel last worked."""
    subject = f"channel/{channel}"
    told = sql.execute(
        "SELECT 1 FROM events WHERE subject = ? AND instr(transitions, '\"DeliveryDead\"') AND observed_at >="
        " (SELECT coalesce(max(finished_at), 0) FROM deliveries WHERE channel = ? AND state = 'sent')",
        (subject, channel),
    ).fetchone()
    if told is None:
        others = [other for other in tell if other != channel]
        write_event(sql, subject, (DeliveryDead(channel, count, reason),), others, now)
