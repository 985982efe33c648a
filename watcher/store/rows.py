"""Rows into values."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime

from watcher.model import Event, Job
from watcher.store.codec import load_transitions

JOB_COLUMNS = ", ".join(Job.__slots__)
"""The columns of ``jobs`` that make a Job: they have its fields' names."""


def job_of(row: sqlite3.Row) -> Job:
    """Return the Job of a row that holds at least JOB_COLUMNS."""
    values = {name: row[name] for name in Job.__slots__}
    values["arn"] = values["arn"] or ""
    values["tags"] = tuple(json.loads(values["tags"]))
    values["reminded"] = tuple(json.loads(values["reminded"]))
    values["from_cli"] = bool(values["from_cli"])
    values["from_config"] = bool(values["from_config"])
    return Job(**values)


def event_of(row: sqlite3.Row) -> Event:
    """Return the Event of a row that holds at least the events table's own columns."""
    return Event(
        id=row["id"],
        subject=row["subject"],
        version=row["version"],
        transitions=load_transitions(row["transitions"]),
        observed_at=datetime.fromtimestamp(row["observed_at"], UTC),
    )
