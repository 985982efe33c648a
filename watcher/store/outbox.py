"""The lanes' verbs: which messages are next, and what became of them.

A delivery is ``pending`` until a lane claims it (``sending``), then ``sent``, or ``pending`` again after a failure,
``uncertain`` when it may have arrived, ``dead`` when it is given up.  A subject's news never overtakes itself: what is
claimed has no older open delivery of its subject on its channel, except such as are claimed with it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from watcher.errors import UnknownJob
from watcher.model import ChannelTest, Delivery, DeliveryDead, Failed, Posting, Sent
from watcher.policy import LONGEST_SEND_RETRY
from watcher.store.database import Database
from watcher.store.news import write_event
from watcher.store.rows import event_of

Fold = Literal["", "burst", "digest", "mute"]
"""Why several messages are told as one: there are so many, or they were held back."""

BURST: Fold = "burst"

DROPPED = "dropped by a person"
"""The reason of a message that nobody is to be told."""

REVIVED_FOR = 7 * 86_400.0
"""What has been dead for longer than this many seconds is not news when its channel works again."""

_AHEAD = 100
"""How many messages the next one is looked up for at once: each look goes through the whole queue."""

_OPEN = "state IN ('pending', 'sending', 'uncertain')"
_WAITING = "state IN ('pending', 'uncertain')"
_RETIRED = "the channel is no longer in the configuration"

_IS_NEXT = f"""
    d.{_WAITING} AND NOT EXISTS (
        SELECT 1 FROM deliveries AS older
        WHERE older.channel = d.channel AND older.subject = d.subject AND older.{_OPEN} AND older.id < d.id)
"""

_HEADS = f"""
    SELECT d.id, d.fold, d.next_attempt_at FROM deliveries AS d
    WHERE d.channel = :channel AND (:subject IS NULL OR d.subject = :subject) AND {_IS_NEXT}
    ORDER BY d.next_attempt_at, d.id LIMIT :most
"""

_STILL_NEXT = (
    f"SELECT 1 FROM deliveries AS d WHERE d.id = :id AND d.next_attempt_at <= :now AND d.fold = '' AND {_IS_NEXT}"
)

_TOGETHER = f"""
    SELECT d.id FROM deliveries AS d
    WHERE d.channel = :channel AND d.{_WAITING} AND d.next_attempt_at <= :now AND (:fold = '' OR d.fold = :fold)
    AND NOT EXISTS (
        SELECT 1 FROM deliveries AS older
        WHERE older.channel = d.channel AND older.subject = d.subject AND older.{_OPEN} AND older.id < d.id
        AND NOT (older.{_WAITING} AND older.next_attempt_at <= :now AND (:fold = '' OR older.fold = :fold)))
    ORDER BY d.id LIMIT :most
"""

_CLAIMED = """
    SELECT d.id AS delivery, d.attempts, d.uncertain, d.revived, e.*
    FROM deliveries AS d JOIN events AS e ON e.id = d.event
    WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.id
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages to send as one; *fold* says why when there are several.  With none, *due_at* is when there will be.

    *following* are the ids of what comes after them, one by one, unless it changes meanwhile.
    """

    deliveries: tuple[Delivery, ...] = ()
    fold: Fold = ""
    due_at: float | None = None
    following: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """Of a failed try: when it began and ended, when the next is, and since when patience lasts.  Epoch seconds."""

    began_at: float
    ended_at: float
    retry_at: float
    patient_since: float


class Outbox:
    """The verbs of the lanes, and of the people who look after the queue."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def recover(self, now: float) -> int:
        """Call after a start: what was in flight when the process died may have arrived; return how many.

        What waits for longer than anything can have to, because the clock was set back, is tried at once.
        """
        with self._db.transaction() as sql:
            sql.execute(
                f"UPDATE deliveries SET next_attempt_at = ? WHERE {_WAITING} AND fold = ''"
                " AND next_attempt_at > ? + ? * (attempts > 0)",
                (now, now, LONGEST_SEND_RETRY),
            )
            cursor = sql.execute(
                "UPDATE deliveries SET state = 'uncertain', uncertain = 1, next_attempt_at = ?,"
                " last_error = 'the daemon ended while this message was being sent' WHERE state = 'sending'",
                (now,),
            )
            return cursor.rowcount

    def claim(
        self,
        channel: str,
        now: float,
        most: int = 25,
        subject: str | None = None,
        burst: bool = False,  # noqa: FBT001, FBT002
    ) -> Claim:
        """Take what is next on *channel*, and due: one message, or up to *most* that are to be told as one.

        Those are what was held back together, and in a *burst* everything that is due.  What is taken is marked
        ``sending`` before it is returned, so that a crash in between is known as one.
        """
        following: tuple[int, ...] = ()
        with self._db.reading() as sql:
            heads = sql.execute(_HEADS, {"channel": channel, "subject": subject, "most": _AHEAD}).fetchall()
            if not heads or heads[0]["next_attempt_at"] > now:
                return Claim(due_at=heads[0]["next_attempt_at"] if heads else None)
            head = heads[0]
            ids = [head["id"]]
            if head["fold"] or burst:
                values = {"channel": channel, "now": now, "fold": head["fold"], "most": most}
                ids = [row["id"] for row in sql.execute(_TOGETHER, values)] or ids
            else:
                following = tuple(row["id"] for row in heads[1:] if not row["fold"] and row["next_attempt_at"] <= now)
        with self._db.transaction() as sql:
            deliveries = _take(sql, channel, ids, now)
        fold: Fold = (head["fold"] or BURST) if len(deliveries) > 1 else ""
        return Claim(deliveries, fold, following=following)

    def due_at(self, channel: str, subject: str | None = None) -> float | None:
        """Return when the next message of *channel* is due; None when there is none."""
        with self._db.reading() as sql:
            head = sql.execute(_HEADS, {"channel": channel, "subject": subject, "most": 1}).fetchone()
            return None if head is None else float(head["next_attempt_at"])

    def undelivered(self) -> int:
        """Return how many messages wait, are under way, or may have arrived."""
        with self._db.reading() as sql:
            return int(sql.execute(f"SELECT count(*) FROM deliveries WHERE {_OPEN}").fetchone()[0])

    def thread(self, channel: str, subject: str) -> dict[str, str]:
        """Return what the receiver last answered that later messages of *subject* need; empty when nothing."""
        with self._db.reading() as sql:
            row = sql.execute(
                "SELECT receiver_data FROM deliveries WHERE channel = ? AND subject = ? AND receiver_data != '{}'"
                " ORDER BY id DESC LIMIT 1",
                (channel, subject),
            ).fetchone()
            return {} if row is None else dict(json.loads(row["receiver_data"]))

    def sent(
        self, deliveries: Sequence[Delivery], verdict: Sent, began_at: float, now: float, following: Sequence[int] = ()
    ) -> Claim:
        """Mark messages as delivered, and take the first of *following* that is still next and due, with what follows.

        It is one transaction, for what a long queue waits for is the disk.
        """
        channel = deliveries[0].channel
        with self._db.transaction() as sql:
            sql.executemany(
                "UPDATE deliveries SET state = 'sent', finished_at = ?, last_error = '', receiver_data = ?"
                " WHERE id = ?",
                [(now, json.dumps(dict(verdict.receiver_data)), delivery.id) for delivery in deliveries],
            )
            _note(sql, deliveries, began_at, now, "sent", "")
            for place, one in enumerate(following, 1):
                if sql.execute(_STILL_NEXT, {"id": one, "now": now}).fetchone():
                    return Claim(_take(sql, channel, [one], now), following=tuple(following[place:]))
        return Claim()

    def failed(self, deliveries: Sequence[Delivery], verdict: Failed, times: Times) -> list[Delivery]:
        """Put messages back; return those that are to be given up instead.

        That is when the failure is permanent, or the tries began before ``times.patient_since`` and this one's outcome
        is certain: uncertainty alone never ends a message.
        """
        given_up = []
        state = "uncertain" if verdict.uncertain else "pending"
        result = "uncertain" if verdict.uncertain else "refused" if verdict.permanent else "failed"
        with self._db.transaction() as sql:
            _note(sql, deliveries, times.began_at, times.ended_at, result, verdict.reason)
            for delivery in deliveries:
                late = _tried_since(sql, delivery) < times.patient_since
                if verdict.permanent or (late and not verdict.uncertain):
                    given_up.append(delivery)
                    continue
                sql.execute(
                    "UPDATE deliveries SET state = ?, uncertain = max(uncertain, ?), next_attempt_at = ?,"
                    " last_error = ? WHERE id = ?",
                    (state, verdict.uncertain, times.retry_at, verdict.reason, delivery.id),
                )
        return given_up

    def bury(self, deliveries: Sequence[Delivery], reason: str, now: float, tell: Sequence[str]) -> None:
        """Give messages up, and tell the other channels, once until the channel works again."""
        with self._db.transaction() as sql:
            for delivery in deliveries:
                _bury(sql, "id = ?", (delivery.id,), reason, now)
            told = [one for delivery in deliveries for one in delivery.event.transitions]
            if not all(isinstance(one, (DeliveryDead, ChannelTest)) for one in told):
                dead = DeliveryDead(deliveries[0].channel, len(deliveries), reason, _about(sql, deliveries))
                _tell(sql, dead, tell, now)

    def retire(self, kept: Sequence[str], now: float, tell: Sequence[str]) -> dict[str, int]:
        """Give up what waits for channels that are not *kept*; return how many messages, by channel."""
        with self._db.transaction() as sql:
            left = sql.execute(
                f"SELECT channel FROM deliveries WHERE {_OPEN} UNION SELECT substr(key, 9) FROM notes"
                " WHERE key LIKE 'channel/%' EXCEPT SELECT value FROM json_each(?)",
                (json.dumps(kept),),
            ).fetchall()
            counts = {row["channel"]: self.retire_one(row["channel"], now, tell) for row in left}
        return {channel: count for channel, count in counts.items() if count}

    def retire_one(self, channel: str, now: float, tell: Sequence[str]) -> int:
        """Give up what waits for *channel*, which is no more; return how many messages."""
        with self._db.transaction() as sql:
            count = _bury(sql, f"channel = ? AND {_OPEN}", (channel,), _RETIRED, now)
            if count:
                _tell(sql, DeliveryDead(channel, count, _RETIRED), tell, now)
            sql.execute("DELETE FROM notes WHERE key = ?", (f"channel/{channel}",))
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
            _hurry(sql, channel, now)
            cursor = sql.execute(
                "UPDATE deliveries SET state = 'pending', revived = 1, tried_since = 0, next_attempt_at = ?,"
                " finished_at = 0, fold = ''"
                " WHERE channel = ? AND state = 'dead' AND last_error != ? AND finished_at > ?"
                " AND event NOT IN (SELECT id FROM events WHERE subject = ? AND instr(transitions, '\"ChannelTest\"'))",
                (now, channel, DROPPED, now - REVIVED_FOR, f"channel/{channel}"),
            )
            return cursor.rowcount

    def hurry(self, channel: str, now: float) -> None:
        """Try at once what waits after a failure: the channel works again, and the oldest goes first."""
        with self._db.transaction() as sql:
            _hurry(sql, channel, now)

    def hurry_all(self, now: float) -> None:
        """Try at once what waits for times that were reckoned by another clock; what is held back stays so."""
        with self._db.transaction() as sql:
            sql.execute(
                f"UPDATE deliveries SET next_attempt_at = ? WHERE {_WAITING} AND fold = '' AND next_attempt_at > ?",
                (now, now),
            )

    def release(self, digesting: Sequence[str], now: float) -> None:
        """Let go what waits for the digest of channels that have none any more; *digesting* are those that have."""
        with self._db.transaction() as sql:
            sql.execute(
                "UPDATE deliveries SET next_attempt_at = min(next_attempt_at, ?) WHERE fold = 'digest'"
                f" AND {_WAITING} AND channel NOT IN (SELECT value FROM json_each(?))",
                (now, json.dumps(digesting)),
            )

    def fingerprint(self, channel: str) -> str:
        """Return the fingerprint of the configuration with which *channel* was last used; empty when never."""
        with self._db.reading() as sql:
            row = sql.execute("SELECT value FROM notes WHERE key = ?", (f"channel/{channel}",)).fetchone()
            return "" if row is None else str(row["value"])

    def put(self, channel: str, transition: ChannelTest, now: float) -> int:
        """Queue a test message for one channel; return its delivery's id."""
        with self._db.transaction() as sql:
            event = write_event(sql, f"channel/{channel}", (transition,), (Posting(channel),), now)
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
                    "UPDATE deliveries SET revived = max(revived, state = 'dead'), fold = '', finished_at = 0,"
                    " tried_since = CASE WHEN state = 'dead' THEN 0 ELSE tried_since END, next_attempt_at = ?,"
                    " state = CASE WHEN state = 'dead' THEN 'pending' ELSE state END"
                    " WHERE id = ? AND state IN ('pending', 'uncertain', 'dead')",
                    (now, one),
                )
                if cursor.rowcount != 1:
                    raise UnknownJob(f"no undelivered message {one}", "see them: bedrock-watch deliveries")
            return len(ids)

    def drop(self, delivery: int, now: float, reason: str = DROPPED) -> None:
        """Give one waiting message up because a person said so; raises UnknownJob when there is none."""
        with self._db.transaction() as sql:
            if _bury(sql, f"id = ? AND {_WAITING}", (delivery,), reason, now) != 1:
                raise UnknownJob(f"no waiting message {delivery}", "see them: bedrock-watch deliveries")


def _take(sql: sqlite3.Connection, channel: str, ids: Sequence[int], now: float) -> tuple[Delivery, ...]:
    """Mark messages as ``sending``, and return them."""
    marks = json.dumps(ids)
    sql.execute(
        "UPDATE deliveries SET state = 'sending', attempts = attempts + 1,"
        " tried_since = CASE WHEN tried_since = 0 THEN ? ELSE tried_since END"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (now, marks),
    )
    return tuple(_delivery(row, channel) for row in sql.execute(_CLAIMED, (marks,)))


def _delivery(row: sqlite3.Row, channel: str) -> Delivery:
    return Delivery(
        id=row["delivery"],
        event=event_of(row),
        channel=channel,
        attempts=row["attempts"],
        uncertain=bool(row["uncertain"]),
        revived=bool(row["revived"]),
    )


def _note(
    sql: sqlite3.Connection, deliveries: Iterable[Delivery], began_at: float, now: float, result: str, reason: str
) -> None:
    """Keep one attempt of each delivery."""
    sql.executemany(
        "INSERT INTO attempts (delivery, began_at, ended_at, result, reason) VALUES (?, ?, ?, ?, ?)",
        [(delivery.id, began_at, now, result, reason) for delivery in deliveries],
    )


def _hurry(sql: sqlite3.Connection, channel: str, now: float) -> None:
    sql.execute(
        f"UPDATE deliveries SET next_attempt_at = min(next_attempt_at, ?) WHERE channel = ? AND {_WAITING}"
        " AND fold = '' AND attempts > 0",
        (now, channel),
    )


def _tried_since(sql: sqlite3.Connection, delivery: Delivery) -> float:
    return float(sql.execute("SELECT tried_since FROM deliveries WHERE id = ?", (delivery.id,)).fetchone()[0])


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
