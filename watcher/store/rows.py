"""Rows into values.  Unreadable values are recorded (``damage``), and everything else continues."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from watcher.clock import utc
from watcher.identifiers import NOUNS, is_region
from watcher.model import Event, Job
from watcher.store import damage
from watcher.store.codec import read_transitions

JOB_COLUMNS = ", ".join(Job.__slots__)
"""The columns of ``jobs`` that make a Job: they have its fields' names."""

_TEXTS = tuple(name for name, kind in Job.__annotations__.items() if kind == "str")
_NUMBERS = tuple(name for name, kind in Job.__annotations__.items() if kind == "int")
_TIMES = tuple(name for name, kind in Job.__annotations__.items() if kind == "float")
_STATES = frozenset({"new", "running", "closing", "ended", "vanished"})


def job_of(row: sqlite3.Row) -> Job:
    """Return the Job of a row that holds at least JOB_COLUMNS.  Raises UnreadableRow when it says nothing of use."""
    values = {name: row[name] for name in Job.__slots__}
    name = f"jobs/{values['id']}"
    values["arn"] = values["arn"] or ""
    for key in _TEXTS:
        if not isinstance(values[key], str):
            raise damage.UnreadableRow(name, f"{key} is not a text")
    for key in _NUMBERS:
        if not isinstance(values[key], int):
            raise damage.UnreadableRow(name, f"{key} is not a number")
    for key, sound in (
        ("kind", values["kind"] in NOUNS),
        ("region", is_region(values["region"])),
        ("state", values["state"] in _STATES),
    ):
        if not sound:
            raise damage.UnreadableRow(name, f"{key} is not one that there is")
    for key in _TIMES:
        values[key] = damage.time(name, key, values[key])
    values["tags"] = damage.texts(name, "tags", values["tags"])
    values["reminded"] = damage.texts(name, "reminded", values["reminded"])
    values["from_cli"] = bool(values["from_cli"])
    values["from_config"] = bool(values["from_config"])
    return Job(**values)


def jobs_of(rows: Iterable[sqlite3.Row]) -> Iterator[Job]:
    """Yield the Job of each row; record and skip unreadable ones."""
    for row in rows:
        try:
            yield job_of(row)
        except damage.UnreadableRow as error:
            damage.note(error.row, error.why)


def event_of(row: sqlite3.Row) -> Event:
    """Return the Event of a row that holds at least the events table's own columns."""
    name = f"events/{row['id']}"
    return Event(
        id=row["id"],
        subject=str(row["subject"]),
        version=row["version"],
        transitions=read_transitions(name, row["transitions"]),
        observed_at=utc(damage.time(name, "observed_at", row["observed_at"])),
    )
