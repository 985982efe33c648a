"""The lanes' verbs: which messages are next, and what became of them.

A delivery is ``pending`` until a lane claims it (``sending``), then ``sent``, or ``pending`` again after a failure,
``uncertain`` when it may have arrived, ``dead`` when it is given up.  A subject's news never overtakes itself: what is
claimed has no older open delivery of its subject on its channel, except such as are claimed with it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from watcher.model import ChannelTest, Delivery, Failed, Posting, Sent
from watcher.policy import LONGEST_SEND_RETRY
from watcher.store import damage
from watcher.store.database import Database
from watcher.store.deadletters import OPEN, WAITING, give_up, hurry
from watcher.store.news import write_event
from watcher.store.rows import event_of

Fold = Literal["", "burst", "digest", "mute"]
"""Why several messages are told as one: there are so many, or they were held back."""

BURST: Fold = "burst"

_AHEAD = 100
"""How many messages the next one is looked up for at once: each look goes through the whole queue."""


_IS_NEXT = f"""
    d.{WAITING} AND NOT EXISTS (
        SELECT 1 FROM deliveries AS older
        WHERE older.channel = d.channel AND older.subject = d.subject AND older.{OPEN} AND older.id < d.id)
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
    WHERE d.channel = :channel AND d.{WAITING} AND d.next_attempt_at <= :now AND (:fold = '' OR d.fold = :fold)
    AND NOT EXISTS (
        SELECT 1 FROM deliveries AS older
        WHERE older.channel = d.channel AND older.subject = d.subject AND older.{OPEN} AND older.id < d.id
        AND NOT (older.{WAITING} AND older.next_attempt_at <= :now AND (:fold = '' OR older.fold = :fold)))
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
    """The verbs of the lanes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def recover(self, now: float) -> int:
        """Call after a start: what was in flight when the process died may have arrived; return how many.

        What waits for longer than anything can have to, because the clock was set back, is tried at once.
        """
        with self._db.transaction() as sql:
            sql.execute(
                f"UPDATE deliveries SET next_attempt_at = ? WHERE {WAITING} AND fold = ''"
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
            return int(sql.execute(f"SELECT count(*) FROM deliveries WHERE {OPEN}").fetchone()[0])

    def thread(self, channel: str, subject: str) -> dict[str, str]:
        """Return what the receiver last answered that later messages of *subject* need; empty when nothing."""
        with self._db.reading() as sql:
            row = sql.execute(
                "SELECT receiver_data FROM deliveries WHERE channel = ? AND subject = ? AND receiver_data != '{}'"
                " ORDER BY id DESC LIMIT 1",
                (channel, subject),
            ).fetchone()
            return {} if row is None else _receiver_data(row["receiver_data"])

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

    def put_back(self, deliveries: Sequence[Delivery]) -> None:
        """Let messages wait again as they did before they were claimed: no try of them was begun."""
        with self._db.transaction() as sql:
            sql.executemany(
                "UPDATE deliveries SET state = CASE WHEN uncertain THEN 'uncertain' ELSE 'pending' END,"
                " tried_since = CASE WHEN attempts > 1 THEN tried_since ELSE 0 END,"
                " attempts = attempts - 1 WHERE id = ? AND state = 'sending'",
                [(delivery.id,) for delivery in deliveries],
            )

    def bury(self, deliveries: Sequence[Delivery], reason: str, now: float, tell: Sequence[str]) -> None:
        """Give messages up, and tell the other channels, once until the channel works again."""
        with self._db.transaction() as sql:
            give_up(sql, deliveries, reason, now, tell)

    def hurry(self, channel: str, now: float) -> None:
        """Try at once what waits after a failure: the channel works again, and the oldest goes first."""
        with self._db.transaction() as sql:
            hurry(sql, channel, now)

    def hurry_all(self, now: float) -> None:
        """Try at once what waits for times that were reckoned by another clock; what is held back stays so."""
        with self._db.transaction() as sql:
            sql.execute(
                f"UPDATE deliveries SET next_attempt_at = ? WHERE {WAITING} AND fold = '' AND next_attempt_at > ?",
                (now, now),
            )

    def plan(self, digests: Mapping[str, float], now: float) -> None:
        """Let what waits for a digest wait for the next of its channel, which *digests* tell, or not if it has none.

        One that was tried and failed has a time of its own, and one that is due goes.
        """
        with self._db.transaction() as sql:
            sql.execute(
                "UPDATE deliveries SET next_attempt_at = coalesce((SELECT value FROM json_each(:digests)"
                " WHERE key = channel), :now) WHERE fold = 'digest' AND next_attempt_at > :now"
                f" AND {WAITING} AND (attempts = 0 OR channel NOT IN (SELECT key FROM json_each(:digests)))",
                {"digests": json.dumps(dict(digests)), "now": now},
            )

    def put(self, channel: str, transition: ChannelTest, now: float) -> int:
        """Queue a test message for one channel; return its delivery's id."""
        with self._db.transaction() as sql:
            event = write_event(sql, f"channel/{channel}", (transition,), (Posting(channel),), now)
            row = sql.execute("SELECT id FROM deliveries WHERE event = ?", (event,)).fetchone()
            return int(row["id"])


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


def _receiver_data(text: str) -> dict[str, str]:
    found = damage.record("deliveries", "receiver_data", text)
    return {key: value for key, value in found.items() if isinstance(value, str)}


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


def _tried_since(sql: sqlite3.Connection, delivery: Delivery) -> float:
    return float(sql.execute("SELECT tried_since FROM deliveries WHERE id = ?", (delivery.id,)).fetchone()[0])
