"""The sweep's verbs: what is due, what was seen, what could not be looked at."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watcher.model import Job, Posting, Sighting, Transition
from watcher.policy import Traits
from watcher.store import damage
from watcher.store.database import Database
from watcher.store.durations import durations
from watcher.store.news import write_event
from watcher.store.rows import JOB_COLUMNS, jobs_of


@dataclass(frozen=True, slots=True)
class Scope:
    """A group of jobs that cannot be looked at, and since when.  Times are epoch seconds; 0 means never."""

    key: str
    failures: int
    failing_since: float
    next_poll_at: float
    blind_since: float
    last_error: str


@dataclass(frozen=True, slots=True)
class Miss:
    """One failed look, of a job or a scope: its state afterwards, and the news that it makes, if any."""

    failures: int
    failing_since: float
    next_poll_at: float
    last_error: str
    transitions: tuple[Transition, ...] = ()
    postings: tuple[Posting, ...] = ()
    state: str = ""


class Conflict(Exception):
    """Somebody else has written this job's snapshot since it was read."""


class Ledger:
    """The verbs of the sweep."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def roster(self, revision: int, job: int = 0, most: int = 1000) -> list[Job]:
        """Return the jobs that a person or the configuration has touched since, watched or not, *most* at a time.

        *revision* and *job* are those of the last one that is known already.
        """
        with self._db.reading() as sql:
            rows = f"SELECT {JOB_COLUMNS} FROM jobs WHERE (revision, id) > (?, ?) ORDER BY revision, id LIMIT ?"
            return list(jobs_of(sql.execute(rows, (revision, job, most))))

    def jobs(self, ids: Sequence[int]) -> list[Job]:
        """Return the jobs of these numbers."""
        with self._db.reading() as sql:
            return list(_jobs(sql, ids))

    def traits(self, ids: Sequence[int]) -> list[Traits]:
        """Return what channels can choose the jobs of these numbers by."""
        with self._db.reading() as sql:
            return [Traits.of(job) for job in _jobs(sql, ids)]

    def facts(self, job: int) -> tuple[int, Mapping[str, Any] | None]:
        """Return the snapshot's version and merged facts of a job; None when it was never seen."""
        with self._db.reading() as sql:
            row = sql.execute(
                "SELECT jobs.version, facts FROM jobs LEFT JOIN snapshots ON job = jobs.id WHERE jobs.id = ?", (job,)
            ).fetchone()
            if row["facts"] is None:
                return row["version"], None
            # Without them the job counts as new: AWS's next response replaces them.
            return row["version"], damage.record(f"snapshots/{job}", "facts", row["facts"]) or None

    def usual(self, base_model: str, customization: str, now: float) -> tuple[float, ...]:
        """Return how many seconds the last completed jobs of that base model and type took."""
        with self._db.reading() as sql:
            return durations(sql, base_model, customization, before=now)

    def use_limits(self, limits: str) -> None:
        """Have every running job's reminders worked out anew when *limits* are not those of the last time."""
        with self._db.transaction() as sql:
            row = sql.execute("SELECT value FROM notes WHERE key = 'limits'").fetchone()
            if row is None or row["value"] != limits:
                sql.execute("INSERT OR REPLACE INTO notes (key, value) VALUES ('limits', ?)", (limits,))
                sql.execute("UPDATE jobs SET remind_at = 1 WHERE state = 'running'")

    def record(self, sighting: Sighting) -> int:
        """Write snapshot, event and deliveries in one transaction; return the job's id (another's after a merge).

        Raises Conflict when the snapshot is not the one that was diffed against.
        """
        with self._db.transaction() as sql:
            into = _merge(sql, sighting)
            if into is not None:
                return into
            _write_snapshot(sql, sighting)
            if sighting.transitions:
                write_event(
                    sql,
                    f"job/{sighting.job}",
                    sighting.transitions,
                    sighting.postings,
                    sighting.seen_at,
                    job=sighting.job,
                    snapshot=sighting.snapshot,
                )
            return sighting.job

    def missed(self, job: int, miss: Miss, now: float) -> None:
        """Write that a look at *job* failed, with its news."""
        with self._db.transaction() as sql:
            if miss.transitions:
                write_event(sql, f"job/{job}", miss.transitions, miss.postings, now, job=job)
            sql.execute(
                "UPDATE jobs SET failures = ?, failing_since = ?, next_poll_at = ?, last_error = ?, asked_at = 0,"
                " state = coalesce(nullif(?, ''), state), blind_since = CASE WHEN ? THEN ? ELSE blind_since END"
                " WHERE id = ?",
                (*_state(miss), miss.state, bool(miss.transitions), now, job),
            )

    def scope(self, key: str) -> Scope | None:
        """Return what is wrong with a scope; None when nothing is."""
        with self._db.reading() as sql:
            row = sql.execute("SELECT * FROM scopes WHERE key = ?", (key,)).fetchone()
            return None if row is None else Scope(**{name: row[name] for name in Scope.__slots__})

    def answer(self, jobs: Sequence[int]) -> None:
        """Write that those who asked about *jobs* have their answer, though it changed nothing."""
        with self._db.transaction() as sql:
            sql.executemany("UPDATE jobs SET asked_at = 0 WHERE id = ?", [(job,) for job in jobs])

    def scope_missed(self, key: str, miss: Miss, now: float) -> None:
        """Write that a whole scope could not be looked at, with its news."""
        with self._db.transaction() as sql:
            sql.execute(
                "INSERT INTO scopes (failures, failing_since, next_poll_at, last_error, blind_since, key)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET failures = excluded.failures,"
                " failing_since = excluded.failing_since, next_poll_at = excluded.next_poll_at,"
                " last_error = excluded.last_error, blind_since = max(blind_since, excluded.blind_since)",
                (*_state(miss), now if miss.transitions else 0.0, key),
            )
            if miss.transitions:
                write_event(sql, f"scope/{key}", miss.transitions, miss.postings, now)

    def scope_regained(
        self, key: str, now: float, transitions: tuple[Transition, ...], postings: Sequence[Posting]
    ) -> None:
        """Write that a scope can be looked at again, with its news if being blind had been told."""
        with self._db.transaction() as sql:
            sql.execute("DELETE FROM scopes WHERE key = ?", (key,))
            if transitions:
                write_event(sql, f"scope/{key}", transitions, postings, now)


def _jobs(sql: sqlite3.Connection, ids: Sequence[int]) -> Iterator[Job]:
    rows = f"SELECT {JOB_COLUMNS} FROM jobs WHERE id IN (SELECT value FROM json_each(?))"
    return jobs_of(sql.execute(rows, (json.dumps(ids),)))


def _state(miss: Miss) -> tuple[int, float, float, str]:
    return miss.failures, miss.failing_since, miss.next_poll_at, miss.last_error


def _merge(sql: sqlite3.Connection, seen: Sighting) -> int | None:
    """Fold a job given by name into the row that has its ARN already; return that row's id, or None.

    The survivor is asked by the name when AWS never answered for its ARN (moto does not know ARNs).
    """
    row = sql.execute("SELECT id FROM jobs WHERE arn = ? AND id != ?", (seen.arn, seen.job)).fetchone()
    if row is None:
        return None
    sql.execute(
        "UPDATE jobs SET from_cli = max(jobs.from_cli, other.from_cli),"
        " from_config = max(jobs.from_config, other.from_config),"
        " from_rule = coalesce(nullif(jobs.from_rule, ''), other.from_rule),"
        " label = coalesce(nullif(other.label, ''), jobs.label),"
        " tags = CASE WHEN other.tags = '[]' THEN jobs.tags ELSE other.tags END,"
        " identifier = CASE WHEN jobs.state = 'new' THEN other.identifier ELSE jobs.identifier END,"
        " profile = CASE WHEN jobs.state = 'new' THEN other.profile ELSE jobs.profile END,"
        " asked_at = max(jobs.asked_at, other.asked_at), next_poll_at = ?,"
        " revision = (SELECT max(revision) + 1 FROM jobs)"
        " FROM jobs AS other WHERE jobs.id = ? AND other.id = ?",
        (seen.seen_at, row["id"], seen.job),
    )
    sql.execute(
        "UPDATE jobs SET merged_into = ?, from_cli = 0, from_config = 0, from_rule = '', asked_at = 0,"
        " revision = (SELECT max(revision) + 1 FROM jobs) WHERE id = ?",
        (row["id"], seen.job),
    )
    return int(row["id"])


def _write_snapshot(sql: sqlite3.Connection, seen: Sighting) -> None:
    snapshot = seen.snapshot
    cursor = sql.execute(
        "UPDATE jobs SET version = version + 1, arn = ?, account = ?, name = ?, state = ?, next_poll_at = ?,"
        " confirmed_at = ?, created_at = ?, changed_at = ?, ended_at = ?, closing_at = ?, mark = ?, base_model = ?,"
        " customization = ?, took = ?, reminded = ?, remind_at = ?, asked_at = 0, failures = 0,"
        " failing_since = 0, blind_since = 0, last_error = '' WHERE id = ? AND version = ?",
        (
            seen.arn or None,
            seen.account,
            snapshot.name,
            seen.state,
            seen.next_poll_at,
            seen.seen_at,
            snapshot.created_at.timestamp() if snapshot.created_at else seen.seen_at,
            snapshot.changed_at.timestamp() if snapshot.changed_at else seen.seen_at,
            _ended(seen),
            seen.closing_at,
            seen.mark,
            seen.base_model,
            seen.customization,
            _took(seen),
            json.dumps(seen.reminded),
            seen.remind_at,
            seen.job,
            seen.version,
        ),
    )
    if cursor.rowcount != 1:
        raise Conflict(f"job/{seen.job} is not at version {seen.version}")
    sql.execute(
        "INSERT INTO snapshots (job, facts, response, seen_at) VALUES (?, ?, ?, ?) ON CONFLICT (job) DO UPDATE SET"
        " facts = excluded.facts, response = excluded.response, seen_at = excluded.seen_at",
        (seen.job, json.dumps(seen.facts, ensure_ascii=False), seen.response, seen.seen_at),
    )


def _took(seen: Sighting) -> float:
    """Return the seconds that a completed job took; 0 for any other, from which nothing typical is learned."""
    created = seen.snapshot.created_at
    if seen.state != "ended" or seen.snapshot.status not in ("Completed", "InService") or created is None:
        return 0.0
    return max(_ended(seen) - created.timestamp(), 0.0)


def _ended(seen: Sighting) -> float:
    snapshot = seen.snapshot
    if not snapshot.outcome.terminal:
        return 0.0
    at = snapshot.ended_at or snapshot.changed_at
    return at.timestamp() if at else seen.seen_at
