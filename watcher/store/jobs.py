"""What is watched: adding, removing, finding, and keeping step with the configuration."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watcher.errors import UnknownJob, UsageError
from watcher.model import CUSTOMIZATION, Job, JobArn
from watcher.store import damage
from watcher.store.database import Database
from watcher.store.listing import WATCHED
from watcher.store.rows import JOB_COLUMNS, job_of, jobs_of
from watcher.store.selection import Selection

_ORDER = "state = 'ended', created_at DESC, id DESC"
"""Order of a job list: running jobs first, then the newest."""

_NEXT_REVISION = "(SELECT coalesce(max(revision), 0) + 1 FROM jobs)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job that someone wants watched; None leaves what is known already.

    *profile* is the job's own; *expected* is how many seconds it is expected to run; *kind* is that of a job given by
    name.
    """

    identifier: JobArn | str
    region: str
    profile: str | None = None
    label: str | None = None
    tags: tuple[str, ...] | None = None
    expected: float | None = None
    kind: str = CUSTOMIZATION


class Jobs:
    """The verbs of what is watched."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, wanted: Wanted, now: float, *, ask: bool) -> tuple[Job, bool]:
        """Watch a job because a person said so; return it and whether it is newly watched.

        Idempotent: a job that is known gets the new label, tags and profile.  *ask* has the daemon look at once, and
        write ``asked_at`` back to 0 when it has; a job that is over is looked at no more.
        """
        with self._db.transaction() as sql:
            job_id, before = _upsert(sql, wanted, now)
            sql.execute(
                f"UPDATE jobs SET from_cli = 1, dismissed = 0, revision = {_NEXT_REVISION},"
                " asked_at = CASE WHEN state = 'ended' THEN 0 ELSE ? END,"
                " next_poll_at = CASE WHEN state = 'ended' THEN next_poll_at ELSE ? END WHERE id = ?",
                (now if ask else 0.0, now, job_id),
            )
            newly = before is None or not before.watched
            return _job(sql, job_id), newly

    def hint(self, arn: JobArn, name: str, now: float) -> int | None:
        """Have the daemon look at once at a watched job, of which somebody else says that it changed.

        Return our number of it; None when it is not watched, or over.  It is known by its id, for AWS writes the ARN
        with the model in it or without; one that was never seen, by the word that it was added by.
        """
        with self._db.transaction() as sql:
            rows = sql.execute(
                f"UPDATE jobs SET asked_at = :now, next_poll_at = min(next_poll_at, :now), revision = {_NEXT_REVISION}"
                " WHERE region = :region AND kind = :kind AND ((arn IS NULL AND identifier IN (:id, :name))"
                " OR (account = :account AND substr(arn, -length(:id) - 1) = '/' || :id))"
                f" AND {WATCHED} AND state != 'ended' AND merged_into IS NULL RETURNING id, arn IS NULL AS unseen",
                {
                    "now": now,
                    "region": arn.region,
                    "kind": arn.kind,
                    "account": arn.account,
                    "id": arn.id,
                    "name": name,
                },
            ).fetchall()
        return min(((row["unseen"], int(row["id"])) for row in rows), default=(0, None))[1]

    def hinted(self, jobs: Mapping[int, float]) -> dict[int, bool]:
        """Return, of those *jobs* for which no look is waited any more, whether one succeeded since (epoch seconds)."""
        with self._db.reading() as sql:
            found = {number: _job(sql, number) for number in jobs}
        return {
            number: job.state == "ended" or job.confirmed_at >= jobs[number]
            for number, job in found.items()
            if not job.asked_at or job.state == "ended"
        }

    def remove(self, job: Job) -> None:
        """Stop watching a job that a person added, or that a rule found, which will not find it again.

        What is known of it is kept, so that it is never told again.
        """
        with self._db.transaction() as sql:
            sql.execute(
                "UPDATE jobs SET from_cli = 0, from_rule = '', dismissed = 1, asked_at = 0,"
                f" revision = {_NEXT_REVISION} WHERE id = ?",
                (job.id,),
            )

    def configure(self, wanted: Sequence[Wanted], now: float) -> None:
        """Watch just the *wanted* jobs on behalf of the configuration; the others are its no more."""
        with self._db.transaction() as sql:
            kept = []
            for one in wanted:
                try:
                    job_id, before = _upsert(sql, one, now)
                except damage.UnreadableRow as error:
                    damage.note(error.row, error.why)
                    kept.append(int(error.row.rpartition("/")[2]))
                    continue
                kept.append(job_id)
                if before is None or not before.from_config:
                    sql.execute(f"UPDATE jobs SET from_config = 1, revision = {_NEXT_REVISION} WHERE id = ?", (job_id,))
            marks = ",".join("?" * len(kept))
            sql.execute(
                f"UPDATE jobs SET from_config = 0, revision = {_NEXT_REVISION}"
                f" WHERE from_config AND id NOT IN ({marks})",
                kept,
            )

    def listed(self, *, every: bool, ended_since: float = 0.0) -> list[Job]:
        """Return the watched jobs: all with *every*, else those not over and those that ended after *ended_since*."""
        with self._db.reading() as sql:
            rows = sql.execute(
                f"SELECT {JOB_COLUMNS} FROM jobs WHERE {WATCHED} AND (? OR state != 'ended' OR ended_at >= ?)"
                f" ORDER BY {_ORDER}",
                (every, ended_since),
            )
            return list(jobs_of(rows))

    def choose(self, *, every: bool, ended_since: float) -> Selection:
        """Choose the watched jobs as ``listed`` does, and in its order; count those that *ended_since* leaves out."""
        with self._db.reading() as sql:
            rows = sql.execute(
                f"SELECT id FROM jobs WHERE {WATCHED} AND (? OR state != 'ended' OR ended_at >= ?) ORDER BY {_ORDER}",
                (every, ended_since),
            )
            keys = array("q", (row[0] for row in rows))
            total: int = sql.execute(f"SELECT count(*) FROM jobs WHERE {WATCHED}").fetchone()[0]
        return Selection(keys, total - len(keys))

    def by_ids(self, ids: tuple[int, ...]) -> list[Job]:
        """Return these jobs, in the order of their *ids*, without those that another job was merged with meanwhile."""
        with self._db.reading() as sql:
            rows = sql.execute(
                f"SELECT {JOB_COLUMNS} FROM jobs WHERE merged_into IS NULL AND id IN (SELECT value FROM json_each(?))",
                (json.dumps(ids),),
            )
            found = {job.id: job for job in jobs_of(rows)}
        return [found[key] for key in ids if key in found]

    def get(self, job_id: int) -> Job:
        """Return one job by our own id, following a merge; raises UnknownJob."""
        with self._db.reading() as sql:
            return _job(sql, job_id)

    def find(self, text: str) -> Job:
        """Return the one job that *text* means: an ARN, a name, a label, or a unique suffix of the id.

        Raises UnknownJob when there is none, UsageError when there are several.
        """
        with self._db.reading() as sql:
            # A watched job goes before one that was removed; an exact word before a suffix.
            for where, value in (
                ("arn = :text OR identifier = :text", text),
                ("name = :text OR label = :text", text),
                ("substr(coalesce(arn, identifier), -length(:text)) = :text", text),
            ):
                rows = sql.execute(
                    f"SELECT {JOB_COLUMNS} FROM jobs WHERE merged_into IS NULL AND ({where})",
                    {"text": value},
                ).fetchall()
                jobs = list(jobs_of(rows))
                if rows and not jobs:
                    job_of(rows[0])  # says why
                found = [job for job in jobs if job.watched] or jobs
                if len(found) == 1:
                    return found[0]
                if found:
                    raise UsageError(f"{text!r} means {len(found)} jobs", _choices(found))
        raise UnknownJob(f"no job {text!r} here", "see them all: bedrock-watch list --all")


def _choices(jobs: Sequence[Job]) -> str:
    return "say which:\n" + "\n".join(f"    {job.arn or job.identifier}  ({job.region})" for job in jobs)


def _job(sql: sqlite3.Connection, job_id: int) -> Job:
    row = sql.execute(f"SELECT {JOB_COLUMNS}, merged_into FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise UnknownJob(f"no job {job_id} here")
    if row["merged_into"] is not None:
        return _job(sql, row["merged_into"])
    return job_of(row)


def _upsert(sql: sqlite3.Connection, wanted: Wanted, now: float) -> tuple[int, Job | None]:
    """Insert *wanted*, or bring what is known of it up to date; return its id and what it was before."""
    before = _known(sql, wanted)
    if before is None:
        return _insert(sql, wanted, now), None
    changes = {
        "label": wanted.label,
        "tags": None if wanted.tags is None else json.dumps(wanted.tags, ensure_ascii=False),
        "profile": wanted.profile,
        "expected": wanted.expected,
    }
    was = {
        "label": before.label,
        "tags": json.dumps(before.tags, ensure_ascii=False),
        "profile": before.profile,
        "expected": before.expected,
    }
    for column, value in changes.items():
        if value is not None and value != was[column]:
            sql.execute(
                f"UPDATE jobs SET {column} = ?, remind_at = 1, revision = {_NEXT_REVISION} WHERE id = ?",
                (value, before.id),
            )
    return before.id, before


def _known(sql: sqlite3.Connection, wanted: Wanted) -> Job | None:
    if isinstance(wanted.identifier, JobArn):
        row = sql.execute("SELECT id FROM jobs WHERE arn = ?", (str(wanted.identifier),)).fetchone()
    else:
        # The same name may be another job's in another region, of another kind or under other credentials.
        row = sql.execute(
            "SELECT id FROM jobs WHERE identifier = ? AND region = ? AND kind = ? AND (? IS NULL OR profile = ?)"
            " ORDER BY merged_into IS NOT NULL, id DESC",
            (wanted.identifier, wanted.region, wanted.kind, wanted.profile, wanted.profile),
        ).fetchone()
    return None if row is None else _job(sql, row["id"])


def _insert(sql: sqlite3.Connection, wanted: Wanted, now: float) -> int:
    arn = wanted.identifier if isinstance(wanted.identifier, JobArn) else None
    cursor = sql.execute(
        "INSERT INTO jobs (identifier, arn, name, kind, account, region, profile, label, tags, expected, added_at,"
        f" next_poll_at, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {_NEXT_REVISION})",
        (
            str(wanted.identifier),
            str(arn) if arn else None,
            "" if arn else str(wanted.identifier),
            arn.kind if arn else wanted.kind,
            arn.account if arn else "",
            wanted.region,
            wanted.profile or "",
            wanted.label or "",
            json.dumps(wanted.tags or (), ensure_ascii=False),
            wanted.expected or 0.0,
            now,
            now,
        ),
    )
    assert cursor.lastrowid is not None  # noqa: S101 - sqlite3 sets it after every INSERT
    return cursor.lastrowid
