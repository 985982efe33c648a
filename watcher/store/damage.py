"""Values of the database that cannot be read, each named once: whoever reads goes on without them, and says so.

Members of the service's group can write the database, so a row may hold anything.  A job whose kind, region or
identity cannot be read is left out; elsewhere a default takes the place of the value.  The note of it is kept here
until a command prints it, or the daemon puts the row into quarantine (``drain``).
"""

from __future__ import annotations

import json
from typing import Any

from watcher.errors import StoreError

MOST = 100
"""Maximum number of notes."""

LATEST = 250_000_000_000.0
"""Epoch seconds of the latest datetime."""

_NOTED: dict[str, str] = {}


class UnreadableRow(StoreError):
    """A row that is required for the answer cannot be read."""

    def __init__(self, row: str, why: str) -> None:
        what = f"row {row} of the database cannot be read: {why}"
        super().__init__(what, "see what else is: bedrock-watch status; restore a backup, or mend the row")
        self.row, self.why = row, why


def note(row: str, why: str) -> None:
    """Record that a value in *row* (``jobs/3``) cannot be read."""
    if len(_NOTED) < MOST:
        _NOTED[row] = why


def drain() -> dict[str, str]:
    """Return the notes since the last call, by row."""
    found = dict(_NOTED)
    _NOTED.clear()
    return found


def texts(row: str, name: str, text: object) -> tuple[str, ...]:
    """Return a JSON list of strings; if malformed, record that and return an empty one."""
    found = parsed(row, name, text)
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return tuple(found)
    note(row, f"{name} is not a list of texts")
    return ()


def record(row: str, name: str, text: object) -> dict[str, Any]:
    """Return a JSON object; if malformed, record that and return an empty one."""
    found = parsed(row, name, text)
    if isinstance(found, dict):
        return found
    note(row, f"{name} is not a JSON object")
    return {}


def parsed(row: str, name: str, text: object) -> Any:  # noqa: ANN401 - JSON is JSON
    """Return a JSON value; if malformed, record that and return None."""
    try:
        return json.loads(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, RecursionError):
        note(row, f"{name} is not JSON")
        return None


def time(row: str, name: str, value: object) -> float:
    """Return a time in epoch seconds, or a duration; if malformed, record that and return 0."""
    if isinstance(value, int | float) and -LATEST < value < LATEST:
        return value
    note(row, f"{name} is not a time")
    return 0.0
