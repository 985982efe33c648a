"""Crash records: a small file in the state directory that outlives the crashed process.

A crash is a bug of ours that ends the daemon with exit code 70.  SIGKILL and out-of-memory leave no record: they are
gaps in monitoring.  Members of the service's group can write the file, so whatever it holds is read as hostile: texts
are bounded, and what does not have the right form is left out.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from watcher import files
from watcher.doing import Cause, causes

FILE = "crashes.json"
"""The file's name, in the state directory."""

KEPT = 20
"""Number of crashes to keep; older ones are only counted."""

_TEXT, _TRACEBACK = 500, 4000
_LARGEST = 512 * 1024
_MOST = 250_000_000_000.0  # epoch seconds: as late as a datetime can be


@dataclass(frozen=True, slots=True)
class Crash:
    """One crash.  *id* is unique; *at* is in epoch seconds; *version* is the program's; *traceback* is cut."""

    id: str
    at: float
    version: str
    error: str
    doing: str
    causes: tuple[Cause, ...]
    traceback: str


@dataclass(frozen=True, slots=True)
class CrashLog:
    """How many crashes there were in *total*, and the last ones, oldest first."""

    total: int = 0
    crashes: tuple[Crash, ...] = ()


def crash_of(error: BaseException, at: float, version: str) -> Crash:
    """Return the record of *error*."""
    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    found = causes(error)
    lines = "".join(traceback.format_exception(error))
    return Crash(
        id=os.urandom(8).hex(),
        at=at,
        version=version,
        error=_bounded(f"{type(leaf).__name__}: {leaf}"),
        doing=_bounded(", ".join(cause.doing for cause in found)),
        causes=tuple(found),
        traceback=lines[-_TRACEBACK:],
    )


def record(state_dir: Path, crash: Crash) -> None:
    """Append *crash* to the record of *state_dir*.  Raises OSError."""
    before = read(state_dir)
    kept = [*before.crashes, crash][-KEPT:]
    document = {"version": 1, "total": before.total + 1, "crashes": [asdict(one) for one in kept]}
    files.replace(state_dir / FILE, json.dumps(document).encode())


def read(state_dir: Path) -> CrashLog:
    """Return the record of *state_dir*; an empty one when there is none, or when it cannot be read."""
    document = files.read_json(state_dir / FILE, _LARGEST)
    listed = document.get("crashes")
    crashes = tuple(filter(None, map(_crash, listed[-KEPT:] if isinstance(listed, list) else ())))
    total = document.get("total")
    counted = total if isinstance(total, int) and not isinstance(total, bool) and 0 <= total < _MOST else 0
    return CrashLog(max(counted, len(crashes)), crashes)


def _crash(one: object) -> Crash | None:
    if not isinstance(one, dict):
        return None
    at, listed = one.get("at"), one.get("causes")
    if not isinstance(at, int | float) or not 0 <= at < _MOST or not _text(one, "id"):
        return None
    return Crash(
        id=_text(one, "id"),
        at=float(at),
        version=_text(one, "version"),
        error=_text(one, "error"),
        doing=_text(one, "doing"),
        causes=tuple(map(_cause, listed[:KEPT] if isinstance(listed, list) else ())),
        traceback=_text(one, "traceback", _TRACEBACK),
    )


def _cause(one: object) -> Cause:
    found: Mapping[str, Any] = one if isinstance(one, dict) else {}
    return Cause(*(_text(found, name) for name in ("doing", "kind", "key", "title")))


def _text(values: Mapping[str, Any], name: str, most: int = _TEXT) -> str:
    value = values.get(name)
    return _bounded(value, most) if isinstance(value, str) else ""


def _bounded(text: str, most: int = _TEXT) -> str:
    with suppress(UnicodeError):
        text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= most else text[: most - 1] + "…"
