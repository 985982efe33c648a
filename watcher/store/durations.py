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
        "SELECT took FROM jobs INDEXED BY jobs_typical WHERE base_model = ? AND customization = ?"
        " AND took > 0 AND ended_at < ? ORDER BY ended_at DESC LIMIT ?",
        (base_model, customization, before, MOST),
    )
    return tuple(row["took"] for row in rows)
