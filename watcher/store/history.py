"""What people ask: a job's last snapshot, what changed, what was delivered, how the queue stands."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watcher.clock import utc
from watcher.model import Event, Job, Step, Transition
from watcher.store import damage
from watcher.store.codec import load_sight, read_transitions
from watcher.store.database import Database
from watcher.store.durations import durations
from watcher.store.ledger import Scope
from watcher.store.listing import WATCHED
from watcher.store.rows import JOB_COLUMNS, event_of, jobs_of
from watcher.store.selection import Selection, latest


@dataclass(frozen=True, slots=True)
class Record:
    """A job's last snapshot: the merged *facts*, the *response* as AWS sent it, and when it was seen."""

    facts: Mapping[str, Any]
    response: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Background:
    """What a message is written from, beside its event.

    *status* and *steps* are those of then, *record* what is known now; *in_scope* are the titles of the jobs of a
    scope, *earlier* the seconds that completed jobs alike took before this one ended.
    """

    job: Job | None
    record: Record | None
    status: str
    steps: tuple[Step, ...]
    in_scope: tuple[str, ...] = ()
    earlier: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """One message's way to one channel.  Times are epoch seconds; 0 means never.

    *fold* says what it is, or was, held back for; empty when for nothing.  *title* is the job's, else the subject.
    *confirmed* is False once it is sent by a service that confirms nothing, such as UDP or MQTT with QoS 0.
    *behind* is the oldest message of that subject and channel that has to go before it, 0 when none has to.
    """

    id: int
    event: int
    subject: str
    job: int | None
    title: str
    channel: str
    state: str
    attempts: int
    created_at: float
    next_attempt_at: float
    finished_at: float
    last_error: str
    confirmed: bool
    fold: str
    behind: int
    transitions: tuple[Transition, ...]

    def held(self, now: float) -> str:
        """Return what it is held back for (``outbox.Fold``); empty when for nothing, or no longer."""
        return self.fold if self.state == "pending" and not self.attempts and self.next_attempt_at > now else ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery; *result* is sent, failed, refused or uncertain.  Times are epoch seconds."""

    began_at: float
    ended_at: float
    result: str
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """How things stand: jobs by state, deliveries by state, and the oldest undelivered message's time.

    *held* counts the deliveries that are held back, by what for (``outbox.Fold``).
    """

    jobs: Mapping[str, int]
    deliveries: Mapping[str, int]
    held: Mapping[str, int]
    oldest_undelivered_at: float


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """How one channel stands: deliveries by state, when the last one arrived, and what the last failure was.

    *last_error* is empty once a later message has arrived.  Times are epoch seconds; 0 means never.
    """

    deliveries: Mapping[str, int]
    sent_at: float
    last_error: str


_NEWS = "NOT (state = 'dead' AND subject = 'channel/' || channel)"
"""All messages but the tests that failed: whoever made one was told, and nobody waits for it."""


class History:
    """The verbs of people's questions.  None writes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def record(self, job: int) -> Record | None:
        """Return the last snapshot of a job; None when it was never seen."""
        with self._db.reading() as sql:
            row = sql.execute("SELECT facts, response, seen_at FROM snapshots WHERE job = ?", (job,)).fetchone()
            if row is None:
                return None
            name = f"snapshots/{job}"
            seen_at = utc(damage.time(name, "seen_at", row["seen_at"]))
            return Record(damage.record(name, "facts", row["facts"]), row["response"], seen_at)

    def scopes(self) -> dict[str, Scope]:
        """Return the scopes that cannot be looked at, by their keys."""
        with self._db.reading() as sql:
            rows = sql.execute("SELECT * FROM scopes ORDER BY key")
            return {row["key"]: Scope(**{name: row[name] for name in Scope.__slots__}) for row in rows}

    def choose_events(self, job: int | None, since: float, limit: int | None) -> Selection:
        """Choose the last *limit* events (None: all) *since* then (epoch seconds), of one *job* or of all."""
        where = "(:job IS NULL OR job = :job) AND observed_at >= :since"
        return latest(self._db, "events", where, {"job": job, "since": since}, limit)

    def events(
        self, job: int | None = None, *, after: int = 0, ids: tuple[int, ...] | None = None
    ) -> list[tuple[Event, Job | None]]:
        """Return events, oldest first, each with its job: of one *job*, later than number *after*, or by *ids*."""
        with self._db.reading() as sql:
            rows = sql.execute(
                f"SELECT * FROM events WHERE (:job IS NULL OR job = :job) AND id > :after AND {_among('id', ids)}"
                " ORDER BY id",
                {"job": job, "after": after, "ids": json.dumps(ids)},
            ).fetchall()
            jobs = {
                job.id: job
                for job in jobs_of(
                    sql.execute(
                        f"SELECT {JOB_COLUMNS} FROM jobs WHERE id IN (SELECT value FROM json_each(?))",
                        (json.dumps(sorted({row["job"] for row in rows} - {None})),),
                    )
                )
            }
            return [(event_of(row), jobs.get(row["job"])) for row in rows]

    def story(self, event: Event) -> Background:
        """Return what a message about *event* is written from."""
        scope = event.subject.removeprefix("scope/") if event.subject.startswith("scope/") else None
        with self._db.reading() as sql:
            row = sql.execute("SELECT job, sight FROM events WHERE id = ?", (event.id,)).fetchone()
            found = sql.execute(f"SELECT {JOB_COLUMNS} FROM jobs WHERE id = ?", (row["job"],)).fetchall()
            job = next(jobs_of(found), None)
            earlier: tuple[float, ...] = ()
            if job is not None and job.ended_at:
                earlier = durations(sql, job.base_model, job.customization, before=job.ended_at)
        status, steps = load_sight(row["sight"])
        record = None if job is None else self.record(job.id)
        return Background(job, record, status, steps, self._titles(scope) if scope else (), earlier)

    def _titles(self, scope: str) -> tuple[str, ...]:
        with self._db.reading() as sql:
            rows = sql.execute(f"SELECT {JOB_COLUMNS} FROM jobs WHERE {WATCHED} AND state != 'ended' ORDER BY id")
            return tuple(job.title for job in jobs_of(rows) if scope in job.scopes)

    def choose_deliveries(self, states: tuple[str, ...], job: int | None, since: float, limit: int | None) -> Selection:
        """Choose the last *limit* deliveries (None: all) written *since* then: of some *states*, of one *job*."""
        return latest(
            self._db,
            "deliveries AS d JOIN events AS e ON e.id = d.event",
            "(:states = '[]' OR d.state IN (SELECT value FROM json_each(:states)))"
            " AND (:job IS NULL OR e.job = :job) AND d.created_at >= :since",
            {"states": json.dumps(states), "job": job, "since": since},
            limit,
            key="d.id",
        )

    def deliveries(
        self, states: tuple[str, ...] = (), job: int | None = None, *, ids: tuple[int, ...] | None = None
    ) -> list[Told]:
        """Return deliveries, oldest first: of some *states*, of one *job*, or by *ids*."""
        with self._db.reading() as sql:
            rows = sql.execute(
                "SELECT d.*, e.job, e.transitions, j.label, j.name, j.identifier,"
                " (SELECT coalesce(min(id), 0) FROM deliveries AS older WHERE older.channel = d.channel"
                " AND older.subject = d.subject AND older.id < d.id"
                " AND older.state IN ('pending', 'sending', 'uncertain')) AS behind"
                " FROM deliveries AS d JOIN events AS e ON e.id = d.event LEFT JOIN jobs AS j ON j.id = e.job"
                " WHERE (:states = '[]' OR d.state IN (SELECT value FROM json_each(:states)))"
                f" AND {_among('d.id', ids)} AND (:job IS NULL OR e.job = :job) ORDER BY d.id",
                {"states": json.dumps(states), "ids": json.dumps(ids), "job": job},
            ).fetchall()
            return [_told(row) for row in rows]

    def attempts(self, delivery: int) -> list[Attempt]:
        """Return every try of a delivery, oldest first."""
        with self._db.reading() as sql:
            rows = sql.execute(
                "SELECT began_at, ended_at, result, reason FROM attempts WHERE delivery = ? ORDER BY id", (delivery,)
            )
            return [Attempt(*row) for row in rows]

    def summary(self, now: float) -> Summary:
        """Return how things stand *now* (epoch seconds)."""
        with self._db.reading() as sql:
            jobs = sql.execute(f"SELECT state, count(*) AS n FROM jobs WHERE {WATCHED} GROUP BY state")
            deliveries = sql.execute(f"SELECT state, count(*) AS n FROM deliveries WHERE {_NEWS} GROUP BY state")
            held = sql.execute(
                "SELECT fold, count(*) AS n FROM deliveries"
                " WHERE state = 'pending' AND fold != '' AND attempts = 0 AND next_attempt_at > ? GROUP BY fold",
                (now,),
            )
            oldest = sql.execute(
                "SELECT coalesce(min(created_at), 0) FROM deliveries WHERE state IN ('pending', 'sending', 'uncertain')"
            )
            return Summary(
                jobs={row["state"]: row["n"] for row in jobs},
                deliveries={row["state"]: row["n"] for row in deliveries},
                held={row["fold"]: row["n"] for row in held},
                oldest_undelivered_at=oldest.fetchone()[0],
            )

    def channels(self) -> dict[str, ChannelRecord]:
        """Return how each channel stands that ever had a message, by its name."""
        with self._db.reading() as sql:
            counts: dict[str, dict[str, int]] = {}
            for row in sql.execute(f"SELECT channel, state, sum({_NEWS}) AS n FROM deliveries GROUP BY channel, state"):
                counts.setdefault(row["channel"], {})[row["state"]] = row["n"]
            rows = sql.execute(
                "WITH last AS (SELECT channel, max(CASE WHEN state = 'sent' THEN finished_at ELSE 0 END) AS sent_at"
                " FROM deliveries GROUP BY channel) SELECT channel, sent_at, coalesce((SELECT last_error FROM"
                " deliveries AS d WHERE d.channel = last.channel AND d.last_error != ''"
                " AND (d.finished_at = 0 OR d.finished_at > last.sent_at) ORDER BY d.id DESC LIMIT 1), '')"
                " AS last_error FROM last ORDER BY channel"
            )
            return {
                row["channel"]: ChannelRecord(counts[row["channel"]], row["sent_at"], row["last_error"]) for row in rows
            }


def _among(key: str, ids: tuple[int, ...] | None) -> str:
    """Return the SQL that a *key* is one of ``:ids``; one that SQLite can look up in an index, so without an OR."""
    return "1" if ids is None else f"{key} IN (SELECT value FROM json_each(:ids))"


_TIMES = ("created_at", "next_attempt_at", "finished_at")


def _told(row: sqlite3.Row) -> Told:
    title = row["subject"]
    if row["job"] is not None:
        title = row["label"] or row["name"] or row["identifier"].rpartition("/")[2]  # as Job.title
    transitions = read_transitions(f"events/{row['event']}", row["transitions"])
    times = {name: damage.time(f"deliveries/{row['id']}", name, row[name]) for name in _TIMES}
    made = {"title": title, "transitions": transitions, "confirmed": bool(row["confirmed"]), **times}
    return Told(**{name: row[name] for name in Told.__slots__ if name not in made}, **made)
