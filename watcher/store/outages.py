"""Channels that do not deliver: which, why, and since when; each outage is reported once to the other channels.

Not its business: when a single message has failed permanently (``outcomes``), and what a recovery brings back.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from watcher.clock import utc
from watcher.model import ChannelStuck, Posting
from watcher.policy import LONGEST_SEND_RETRY, STUCK_AFTER, Running
from watcher.store.database import Database
from watcher.store.deadletters import DROPPED, NOT_QUARANTINED, RETIRED
from watcher.store.news import OPEN, write_event
from watcher.store.outcomes import RanFor

# In running time, or, for `run --once`, by the wall clock and after two tries.
_FAILING_FOR = f"""
    CASE WHEN :total IS NULL THEN (attempts > 1) * (:now - tried_since)
    ELSE tried_for + min(max(:total - coalesce(tried_at, :total), 0), {LONGEST_SEND_RETRY}) END
"""

_STUCK = f"""
    SELECT channel, min(id) AS id, min(tried_since) AS since FROM deliveries
    WHERE {OPEN} AND attempts > 0 AND tried_since > 0 AND subject != 'channel/' || channel
    AND {_FAILING_FOR} >= {STUCK_AFTER} GROUP BY channel
"""

_DEAD = f"""
    SELECT last_error AS reason, finished_at AS since FROM deliveries
    WHERE state = 'dead' AND channel = :channel AND finished_at <= :now AND finished_at > (
        SELECT coalesce(max(finished_at), 0) FROM deliveries
        WHERE state = 'sent' AND channel = :channel AND finished_at <= :now)
    AND last_error NOT IN ('{DROPPED}', '{RETIRED}') AND subject != 'channel/' || channel AND {NOT_QUARANTINED}
    ORDER BY finished_at LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Outage:
    """A channel that does not deliver *since* then (epoch seconds), because of *reason*; *waiting* messages wait.

    With *waiting* 0 its latest messages failed permanently, and none has arrived since.
    """

    channel: str
    reason: str
    waiting: int
    since: float


@dataclass(frozen=True, slots=True)
class Outages:
    """All outages, and of these the channels whose outage was reported just now, or has ended."""

    current: tuple[Outage, ...]
    begun: tuple[Outage, ...]
    ended: tuple[str, ...]


class OutageStore:
    """The operations on outages.  *ran_for* is the clock of the outbox."""

    def __init__(self, database: Database, ran_for: RanFor) -> None:
        self._db, self._ran_for = database, ran_for

    def check(self, channels: Sequence[str], running: Running | None, now: float, tell: Sequence[str]) -> Outages:
        """Return the outages of *channels*; write an event for the channels *tell* about each that is new.

        An outage begins when a channel's oldest message fails for STUCK_AFTER seconds, and ends when no message does
        and one has arrived since.  Nothing is written while nothing changes.
        """
        with self._db.reading() as sql:
            total = self._ran_for.total(sql, running) if running else None
            stuck = [
                _stuck(sql, row)
                for row in sql.execute(_STUCK, {"total": total, "now": now}).fetchall()
                if row["channel"] in channels
            ]
            names = {one.channel for one in stuck}
            dead = [one for name in channels if name not in names for one in _dead(sql, name, now)]
            reported = [row["name"] for row in sql.execute("SELECT name FROM channels WHERE stuck_since > 0")]
            ended = [name for name in reported if name not in names and _has_arrived(sql, name)]
        begun = [one for one in stuck if one.channel not in reported]
        if begun or ended:
            with self._db.transaction() as sql:
                begun = [one for one in begun if _report(sql, one, now, tell)]
                marks = "UPDATE channels SET stuck_since = 0 WHERE name IN (SELECT value FROM json_each(?))"
                sql.execute(marks, (json.dumps(ended),))
        return Outages((*stuck, *dead), tuple(begun), tuple(ended))


def _stuck(sql: sqlite3.Connection, row: sqlite3.Row) -> Outage:
    reason = sql.execute("SELECT last_error FROM deliveries WHERE id = ?", (row["id"],)).fetchone()[0]
    waiting = sql.execute(
        f"SELECT count(*) FROM deliveries WHERE {OPEN} AND channel = ? AND (fold = '' OR attempts > 0)",
        (row["channel"],),
    ).fetchone()[0]
    return Outage(row["channel"], reason, waiting, row["since"])


def _dead(sql: sqlite3.Connection, channel: str, now: float) -> list[Outage]:
    row = sql.execute(_DEAD, {"channel": channel, "now": now}).fetchone()
    return [] if row is None else [Outage(channel, row["reason"], 0, row["since"])]


def _has_arrived(sql: sqlite3.Connection, channel: str) -> bool:
    """Return whether a message has arrived since the outage of *channel* was reported."""
    row = sql.execute(
        "SELECT 1 FROM deliveries JOIN channels ON channels.name = channel"
        " WHERE channel = ? AND deliveries.state = 'sent' AND finished_at >= stuck_since LIMIT 1",
        (channel,),
    ).fetchone()
    return row is not None


def _report(sql: sqlite3.Connection, outage: Outage, now: float, tell: Sequence[str]) -> bool:
    """Write the event about *outage*, unless another process has; return whether it was written."""
    sql.execute("INSERT OR IGNORE INTO channels (name) VALUES (?)", (outage.channel,))
    changed = sql.execute(
        "UPDATE channels SET stuck_since = ? WHERE name = ? AND stuck_since = 0", (now, outage.channel)
    ).rowcount
    if changed:
        stuck = ChannelStuck(outage.channel, outage.reason, outage.waiting, utc(outage.since))
        others = [Posting(other) for other in tell if other != outage.channel]
        write_event(sql, f"channel/{outage.channel}", (stuck,), others, now)
    return changed == 1
