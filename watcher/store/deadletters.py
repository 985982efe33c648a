"""What becomes of a message that cannot be delivered: it is given up, told of, and sent again when somebody helps.

A dead letter keeps its place in the table, with the reason.  It comes back when its channel's configuration changes,
or when a person says so, and is late then.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from watcher.errors import UnknownJob
from watcher.model import ChannelTest, Delivery, DeliveryDead, Posting
from watcher.store.database import Database
from watcher.store.news import OPEN, WAITING, write_event

DROPPED = "dropped by a person"
"""The reason of a message that nobody is to be told."""

REVIVED_FOR = 7 * 86_400.0
"""What has been dead for longer than this many seconds is not news when its channel works again."""

RETIRED = "the channel is no longer in the configuration"

NOT_QUARANTINED = "NOT EXISTS (SELECT 1 FROM notes WHERE key = 'quarantine/delivery/' || deliveries.id)"
"""Condition for messages that did not crash bedrock-watch; only a person or a new version retries the others."""

FRESH = "revived = 1, fold = '', finished_at = 0, tried_since = 0, tried_for = 0, tried_at = NULL, refused_for = 0"
"""Initial values of a message that is sent again: marked late, with fresh patience."""


class DeadLetters:
    """The verbs of those who give messages up, and who help: a configuration, and people."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def retire(self, kept: Sequence[str], now: float, tell: Sequence[str]) -> dict[str, int]:
        """Give up what waits for channels that are not *kept*; return how many messages, by channel."""
        with self._db.transaction() as sql:
            left = sql.execute(
                f"SELECT channel FROM deliveries WHERE {OPEN} UNION SELECT substr(key, 9) FROM notes"
                " WHERE key LIKE 'channel/%' EXCEPT SELECT value FROM json_each(?)",
                (json.dumps(kept),),
            ).fetchall()
            counts = {row["channel"]: self.retire_one(row["channel"], now, tell) for row in left}
        return {channel: count for channel, count in counts.items() if count}

    def retire_one(self, channel: str, now: float, tell: Sequence[str]) -> int:
        """Give up what waits for *channel*, which is no more; return how many messages."""
        with self._db.transaction() as sql:
            count = _bury(sql, f"channel = ? AND {OPEN}", (channel,), RETIRED, now)
            if count:
                _tell(sql, DeliveryDead(channel, count, RETIRED), tell, now)
            sql.execute("DELETE FROM notes WHERE key = ?", (f"channel/{channel}",))
            sql.execute("DELETE FROM channels WHERE name = ?", (channel,))
            return count

    def revive(self, channel: str, fingerprint: str, now: float) -> int:
        """Send again what a channel's old configuration was the death of; return how many messages.

        *fingerprint* stands for the configuration: nothing happens while it stays the same.
        """
        key = f"channel/{channel}"
        with self._db.transaction() as sql:
            row = sql.execute("SELECT value FROM notes WHERE key = ?", (key,)).fetchone()
            if row is not None and row["value"] == fingerprint:
                return 0
            sql.execute("INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)", (key, fingerprint))
            if row is None:
                # What it accepted before its fingerprint was known, this URL accepted.
                sql.execute("UPDATE channels SET worked = ? WHERE name = ? AND worked = ''", (fingerprint, channel))
            hurry(sql, channel, now)
            cursor = sql.execute(
                f"UPDATE deliveries SET state = 'pending', requeued = 0, {FRESH}, next_attempt_at = ?"
                f" WHERE channel = ? AND state = 'dead' AND last_error != ? AND finished_at > ? AND {NOT_QUARANTINED}"
                " AND event NOT IN (SELECT id FROM events WHERE subject = ? AND instr(transitions, '\"ChannelTest\"'))",
                (now, channel, DROPPED, now - REVIVED_FOR, f"channel/{channel}"),
            )
            return cursor.rowcount

    def fingerprint(self, channel: str) -> str:
        """Return the fingerprint of the configuration with which *channel* was last used; empty when never."""
        with self._db.reading() as sql:
            row = sql.execute("SELECT value FROM notes WHERE key = ?", (f"channel/{channel}",)).fetchone()
            return "" if row is None else str(row["value"])

    def retry(self, ids: Sequence[int] | None, now: float) -> int:
        """Send given-up messages again (None: all); a waiting one is tried at once.  Return how many.

        Raises UnknownJob when an id is none of an undelivered message.
        """
        with self._db.transaction() as sql:
            if ids is None:
                ids = [row["id"] for row in sql.execute("SELECT id FROM deliveries WHERE state = 'dead'")]
            for one in ids:
                changed = sql.execute(
                    f"UPDATE deliveries SET state = 'pending', requeued = 0, {FRESH}, next_attempt_at = ?"
                    " WHERE id = ? AND state = 'dead'",
                    (now, one),
                ).rowcount
                changed += sql.execute(
                    f"UPDATE deliveries SET fold = '', next_attempt_at = ? WHERE id = ? AND {WAITING}", (now, one)
                ).rowcount
                if not changed:
                    raise UnknownJob(f"no undelivered message {one}", "see them: bedrock-watch deliveries")
            return len(ids)

    def drop(self, delivery: int, now: float, reason: str = DROPPED) -> None:
        """Give one waiting message up because a person said so; raises UnknownJob when there is none."""
        with self._db.transaction() as sql:
            if _bury(sql, f"id = ? AND {WAITING}", (delivery,), reason, now) != 1:
                raise UnknownJob(f"no waiting message {delivery}", "see them: bedrock-watch deliveries")


def give_up(
    sql: sqlite3.Connection, deliveries: Sequence[Delivery], reason: str, now: float, tell: Sequence[str]
) -> None:
    """Give messages of one channel up, and tell the other channels, once until the channel works again."""
    for delivery in deliveries:
        _bury(sql, f"id = ? AND {OPEN}", (delivery.id,), reason, now)
    told = [one for delivery in deliveries for one in delivery.event.transitions]
    if not all(isinstance(one, (DeliveryDead, ChannelTest)) for one in told):
        dead = DeliveryDead(deliveries[0].channel, len(deliveries), reason, _about(sql, deliveries))
        _tell(sql, dead, tell, now)


def hurry(sql: sqlite3.Connection, channel: str, now: float) -> None:
    """Have what waits after a failure tried at once."""
    sql.execute(
        f"UPDATE deliveries SET next_attempt_at = min(next_attempt_at, ?) WHERE channel = ? AND {WAITING}"
        " AND fold = '' AND attempts > 0",
        (now, channel),
    )


def _bury(sql: sqlite3.Connection, where: str, values: tuple[object, ...], reason: str, now: float) -> int:
    return sql.execute(
        f"UPDATE deliveries SET state = 'dead', finished_at = ?, last_error = ? WHERE {where}", (now, reason, *values)
    ).rowcount


def _tell(sql: sqlite3.Connection, dead: DeliveryDead, tell: Sequence[str], now: float) -> None:
    """Write a DeliveryDead event unless one was written since the channel last worked.

    What is dated later than *now* was so by a clock that has been set back, and says nothing.
    """
    subject = f"channel/{dead.channel}"
    told = sql.execute(
        "SELECT 1 FROM events WHERE subject = :subject AND instr(transitions, '\"DeliveryDead\"')"
        " AND observed_at <= :now AND observed_at >= (SELECT coalesce(max(finished_at), 0) FROM deliveries"
        " WHERE channel = :channel AND state = 'sent' AND finished_at <= :now)",
        {"subject": subject, "channel": dead.channel, "now": now},
    ).fetchone()
    if told is None:
        others = [Posting(other) for other in tell if other != dead.channel]
        write_event(sql, subject, (dead,), others, now)


def _about(sql: sqlite3.Connection, deliveries: Sequence[Delivery]) -> str:
    """Return what messages are about: their jobs and events, three at most by name."""
    names = []
    for delivery in deliveries[:3]:
        row = sql.execute(
            "SELECT coalesce(nullif(label, ''), nullif(name, ''), identifier) AS title FROM jobs"
            " WHERE id = (SELECT job FROM events WHERE id = ?)",
            (delivery.event.id,),
        ).fetchone()
        names.append(f"{row['title'] if row else delivery.event.subject} (event {delivery.event.id})")
    more = len(deliveries) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
