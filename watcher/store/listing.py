"""The jobs as a table shows them: plain rows, read without making a value of each.

``bedrock-watch list`` is typed all day long, and making our dataclasses costs more than all the rest of it.  What is
asked of the database is the same as ``jobs`` and ``history`` ask.  Not its business: what a row means.
"""

from __future__ import annotations

import sqlite3

from watcher.identifiers import INVOCATION
from watcher.store.database import Database

WATCHED = "(jobs.from_cli OR jobs.from_config OR jobs.from_rule != '')"
"""``Job.watched``, in SQL."""

Row = sqlite3.Row
"""A job's columns, by their names."""

SCOPE = (
    "coalesce(nullif(jobs.profile, ''), 'default') || '@'"
    " || CASE WHEN jobs.identifier = jobs.arn THEN jobs.account ELSE '-' END || '/' || jobs.region || '/' || jobs.kind"
)
"""``Job.scope``, in SQL."""

ACCOUNT_SCOPE = (
    "coalesce(nullif(jobs.profile, ''), 'default') || '@'"
    " || CASE WHEN jobs.identifier = jobs.arn THEN jobs.account ELSE '-' END || '/*/*'"
)
"""``model.account_scope`` of it, in SQL."""


def _member(text: str, name: str) -> str:
    """Return the SQL of a member of the JSON object *text*, an expression; NULL when that is no JSON.

    json_extract itself refuses the whole query for one such row.
    """
    return f"CASE WHEN json_valid({text}) THEN json_extract({text}, '$.{name}') END"


# A mute of job 0 is one of every job: ``news.EVERY_JOB``, whose import would cost more than the query.

_ROWS = f"""
    SELECT jobs.identifier, coalesce(jobs.arn, '') AS arn, jobs.name, jobs.label, jobs.region, jobs.state,
        jobs.created_at, jobs.changed_at, jobs.ended_at,
        coalesce({_member("facts", "status")}, {_member("facts", "jobStatus")}) AS status,
        {_member("facts", "statusDetails")} AS steps, jobs.kind,
        CASE jobs.kind WHEN '{INVOCATION}' THEN {_member("facts", "processedRecordCount")} END AS processed,
        CASE jobs.kind WHEN '{INVOCATION}' THEN {_member("facts", "totalRecordCount")} END AS records,
        {_member("nullif(jobs.last_error, '')", "code")} AS error, jobs.failing_since,
        {_member("coalesce(whole.last_error, own.last_error)", "code")} AS scope_error,
        coalesce(whole.failing_since, own.failing_since) AS scope_failing_since,
        EXISTS (SELECT 1 FROM mutes WHERE mutes.job IN (0, jobs.id) AND until > ?) AS muted
    FROM jobs LEFT JOIN snapshots ON snapshots.job = jobs.id
        LEFT JOIN scopes AS own ON jobs.state != 'ended' AND own.key = {SCOPE}
        LEFT JOIN scopes AS whole ON jobs.state != 'ended' AND whole.key = {ACCOUNT_SCOPE}
    WHERE {WATCHED} AND (? OR jobs.state != 'ended' OR jobs.ended_at >= ?)
    ORDER BY jobs.state = 'ended', jobs.created_at DESC, jobs.id DESC
"""


def listed(database: Database, now: float, *, every: bool, ended_since: float) -> list[Row]:
    """Return the watched jobs, as ``Jobs.listed`` chooses and orders them.

    *steps* is AWS's ``statusDetails`` as a JSON text, *processed* and *records* are the counts of a batch, *error* is
    the code of the last look's error, *scope_error* that of its account or its scope; None when there is none.
    *muted* is whether its news is held back *now* (epoch seconds).
    """
    with database.reading() as sql:
        return sql.execute(_ROWS, (now, every, ended_since)).fetchall()


def left_out(database: Database, *, ended_since: float) -> int:
    """Return how many watched jobs a list does not show that is not of every job."""
    with database.reading() as sql:
        rows = sql.execute(
            f"SELECT count(*) FROM jobs WHERE {WATCHED} AND state = 'ended' AND ended_at < ?", (ended_since,)
        )
        return int(rows.fetchone()[0])
