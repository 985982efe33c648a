"""What happened between two looks at one job.  Pure: no clock, no dice, no log.

Not its business: who is told (``policy``), in which words (``render``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from watcher.model import (
    Appeared,
    FailureExplained,
    FieldChanged,
    Snapshot,
    StatusChanged,
    StepChanged,
    Transition,
)


def merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return *new* over *old*: what AWS leaves out is remembered, so that its return is not news either."""
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            merged[key] = merge(before, value)
        elif value is not None:
            merged[key] = value
    return merged


def is_stale(old: Snapshot, new: Snapshot) -> bool:
    """Return whether *new* is an older truth than *old*: an earlier change time, or a job that is over running again.

    AWS's reads may lag its writes; an ending is never taken back.
    """
    if old.changed_at is not None and new.changed_at is not None and new.changed_at != old.changed_at:
        return new.changed_at < old.changed_at
    return old.outcome.terminal and not new.outcome.terminal


def diff(old: Snapshot | None, new: Snapshot) -> tuple[Transition, ...]:
    """Return what happened between *old* and *new*: steps first, then the job, then why, then the other fields.

    *new* is read from merged facts.  A job first seen running is a baseline (Appeared alone); one first seen
    when it is over is told as if it had just ended.
    """
    if old is None:
        return tuple(_first_sight(new))
    return (*_steps(old, new), *_status(old, new), *_reason(old, new), *_fields(old, new))


def _first_sight(new: Snapshot) -> Iterator[Transition]:
    if not new.outcome.terminal:
        yield Appeared(new.status)
    else:
        yield StatusChanged("", new.status, new.outcome, new.ended_at or new.changed_at)
    if new.failed and new.failure:
        yield FailureExplained(new.failure)


def _steps(old: Snapshot, new: Snapshot) -> Iterator[Transition]:
    before = {step.name: step.status for step in old.steps}
    for step in new.steps:
        was = before.get(step.name, "")
        # A sub-task that is first mentioned before it began has not changed.
        if step.status != was and not (not was and step.status == "NotStarted"):
            yield StepChanged(step.name, was, step.status, step.started_at, step.changed_at)


def _status(old: Snapshot, new: Snapshot) -> Iterator[Transition]:
    if new.status != old.status:
        at = (new.ended_at if new.outcome.terminal else None) or new.changed_at
        yield StatusChanged(old.status, new.status, new.outcome, at)


def _reason(old: Snapshot, new: Snapshot) -> Iterator[Transition]:
    """Tell a failureMessage as a failure only of a job that failed: some endpoints (moto) always send one."""
    if new.failed and new.failure and (new.failure != old.failure or not old.failed):
        yield FailureExplained(new.failure)
    elif new.failure != old.failure:
        yield FieldChanged("failureMessage", json.dumps(old.failure), json.dumps(new.failure))


def _fields(old: Snapshot, new: Snapshot) -> Iterator[Transition]:
    before, after = dict(_leaves(old.rest)), dict(_leaves(new.rest))
    for path in {**before, **after}:
        was, now = before.get(path, ""), after.get(path, "")
        if was != now:
            yield FieldChanged(path, was, now)


def _leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each leaf's dotted path and JSON text; a list is a leaf."""
    for key, item in value.items():
        path = f"{prefix}{key}"
        if isinstance(item, Mapping) and item:
            yield from _leaves(item, f"{path}.")
        else:
            yield path, json.dumps(item, ensure_ascii=False, sort_keys=True)
