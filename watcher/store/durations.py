"""How long completed jobs took: what the usual time is learned from."""

from __future__ import annotations

import sqlite3

MOST = 50
"""The last so many jobs count."""


def durations(sql: sqlite3.Connection, base_model: str, customization: str, *, before: float) -> tuple[float, ...]:
    """Return the seconds that completed jobs of that base model and type took, the last MOST that ended before.

    An empty base model is of jobs that are like no other.
    """
    if not base_model:
        return ()
    rows = sql.execute(
        "SELECT ended_at - created_at AS took FROM jobs JOIN snapshots ON job = jobs.id WHERE base_model = ? AND"
        " customization = ? AND state = 'ended' AND"
        " CASE WHEN json_valid(facts) THEN json_extract(facts, '$.status') END IN ('Completed', 'InService')"
        " AND created_at > 0 AND ended_at > created_at AND ended_at < ? ORDER BY ended_at DESC LIMIT ?",
        (base_model, customization, before, MOST),
    )
    return tuple(row["took"] for row in rows)
