"""The lanes' verbs: which messages are next, and what became of them.

A delivery is ``pending`` until a lane claims it (``sending``), then ``sent``, or ``pending`` again after a failure,
``uncertain`` when it may have arrived, ``dead`` when it is given up.  A subject's news never overtakes itself: what is
claimed has no older open delivery of its subject on its channel, except such as are claimed with it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from watcher.model import ChannelTest, Delivery, Failed, Posting, Sent
from watcher.policy import LONGEST_SEND_RETRY
from watcher.store import damage
from watcher.store.database import Database
from watcher.store.deadletters import give_up, hurry
from watcher.store.heads import due_at, heads, together
from watcher.store.news import OPEN, WAITING, write_event
from watcher.store.outcomes import RanFor, Times, mark_failed, mark_sent
from watcher.store.rows import event_of

Fold = Literal["", "burst", "digest", "mute"]
"""Why several messages are told as one: there are so many, or they were held back."""

BURST: Fold = "burst"

_CLAIMED = """
    SELECT d.id AS delivery, d.attempts, d.uncertain, d.revived, e.*
    FROM deliveries AS d JOIN events AS e ON e.id = d.event
    WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.urgent DESC, d.id
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages to send as one; *fold* says why when there are several.  With none, *due_at* is when there will be.

    *requeued* is how many messages the success before this claim brought back.
    """

    deliveries: tuple[Delivery, ...] = ()
    fold: Fold = ""
    due_at: float | None = None
    requeued: int = 0


class Outbox:
    """The verbs of the lanes."""

    def __init__(self, database: Database, ran_for: RanFor) -> None:
        self._db, self._ran_for = database, ran_for

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
        with self._db.reading() as sql:
            if not heads(sql, channel, now, 1, subject):
                return Claim(due_at=due_at(sql, channel, subject))
        with self._db.transaction() as sql:
            # Again, now that nobody else can write: a person may have dropped one, or revived an older one.
            found = heads(sql, channel, now, most, subject)
            if not found:
                return Claim(due_at=now)
            fold: Fold = found[0]["fold"]
            if not fold and not burst:
                return Claim(_take(sql, channel, [found[0]["id"]], now))
            alike = [row for row in found if not fold or row["fold"] == fold]
            deliveries = _take(sql, channel, together(sql, channel, alike, now, fold, most), now)
        return Claim(deliveries, (fold or BURST) if len(deliveries) > 1 else "")

    def due_at(self, channel: str, subject: str | None = None) -> float | None:
        """Return when the next message of *channel* is due; None when there is none."""
        with self._db.reading() as sql:
            return due_at(sql, channel, subject)

    def undelivered(self) -> int:
        """Return how many messages wait, are under way, or may have arrived."""
        with self._db.reading() as sql:
            return int(sql.execute(f"SELECT count(*) FROM deliveries WHERE {OPEN}").fetchone()[0])

    def paused_until(self, channel: str) -> float:
        """Return until when (epoch seconds) the receiver of *channel* wants no request; 0 when it never said."""
        with self._db.reading() as sql:
            row = sql.execute("SELECT paused_until FROM channels WHERE name = ?", (channel,)).fetchone()
            return 0.0 if row is None else float(row["paused_until"])

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
        self,
        deliveries: Sequence[Delivery],
        verdict: Sent,
        began_at: float,
        now: float,
        go_on: bool = False,  # noqa: FBT001, FBT002
    ) -> Claim:
        """Mark messages as delivered; with *go_on* take the next one, unless it was held back to be told with others.

        It is one transaction, for what a long queue waits for is the disk.
        """
        channel = deliveries[0].channel
        with self._db.transaction() as sql:
            requeued = mark_sent(sql, deliveries, verdict, began_at, now)
            found = heads(sql, channel, now, 1, None) if go_on else []
            if found and not found[0]["fold"]:
                return Claim(_take(sql, channel, [found[0]["id"]], now), requeued=requeued)
        return Claim(requeued=requeued)

    def failed(
        self, deliveries: Sequence[Delivery], verdict: Failed, times: Times, tell: Sequence[str] = ()
    ) -> list[Delivery]:
        """Put messages back for another try, or write that they have failed permanently: return the latter.

        The channels *tell* are notified of these, once until the channel works again.
        """
        with self._db.transaction() as sql:
            over = mark_failed(sql, deliveries, verdict, times, self._ran_for)
            if over:
                give_up(sql, over, verdict.reason, times.ended_at, tell)
        return over

    def put_back(self, deliveries: Sequence[Delivery]) -> None:
        """Let messages wait again as they did before they were claimed: no try of them was begun."""
        with self._db.transaction() as sql:
            sql.executemany(
                "UPDATE deliveries SET state = CASE WHEN uncertain THEN 'uncertain' ELSE 'pending' END,"
                " tried_since = CASE WHEN attempts > 1 THEN tried_since ELSE 0 END,"
                " attempts = attempts - 1 WHERE id = ? AND state = 'sending'",
                [(delivery.id,) for delivery in deliveries],
            )

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
    """Mark messages as ``sending``, and return those that still waited."""
    taken = [
        one
        for one in ids
        if sql.execute(
            "UPDATE deliveries SET state = 'sending', attempts = attempts + 1,"
            f" tried_since = CASE WHEN tried_since = 0 THEN ? ELSE tried_since END WHERE id = ? AND {WAITING}",
            (now, one),
        ).rowcount
    ]
    return tuple(_delivery(row, channel) for row in sql.execute(_CLAIMED, (json.dumps(taken),)))


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
