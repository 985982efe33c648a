"""Transitions as JSON and back.

A datetime field's name ends in ``_at``; an Outcome field is called ``outcome``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, get_args

from watcher.model import Outcome, Snapshot, Step, Transition, Unreadable
from watcher.store import damage

_CLASSES = {cls.__name__: cls for cls in get_args(Transition)}
_TYPES: dict[Any, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "datetime": (str,),
    "Outcome": (str,),
    "datetime | None": (str, type(None)),
}
"""JSON value types by a field's annotation."""


def dump_transitions(transitions: Iterable[Transition]) -> str:
    """Return *transitions* as a JSON text."""
    return json.dumps([plain(transition) for transition in transitions], ensure_ascii=False)


def load_transitions(text: str) -> tuple[Transition, ...]:
    """Return the transitions of a JSON text that dump_transitions wrote."""
    return tuple(_CLASSES[item.pop("type")](**_revived(item)) for item in json.loads(text))


def read_transitions(row: str, text: object) -> tuple[Transition, ...]:
    """Return the transitions of a JSON text that may hold anything; what cannot be read is an Unreadable, and noted."""
    found = damage.parsed(row, "transitions", text)
    try:
        transitions = tuple(_checked(item) for item in found)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        transitions = ()
    if transitions:
        return transitions
    damage.note(row, "transitions are not those of an event")
    return (Unreadable("its transitions cannot be read"),)


def _checked(item: Mapping[str, Any]) -> Transition:
    """Return one transition.  Raises KeyError, TypeError or ValueError when a value is not of its field's type."""
    values = dict(item)
    cls = _CLASSES[values.pop("type")]
    for name, value in values.items():
        types = _TYPES.get(cls.__dataclass_fields__[name].type, ())
        if isinstance(value, bool) or not isinstance(value, types):
            raise TypeError(f"{name} of {cls.__name__}")
    transition: Transition = cls(**_revived(values))
    return transition


def plain(transition: Transition) -> dict[str, Any]:
    """Return *transition* as a dict of JSON values, its class under ``type``."""
    values = {item.name: getattr(transition, item.name) for item in fields(transition)}
    return {"type": type(transition).__name__} | {key: _text(value) for key, value in values.items()}


def dump_sight(snapshot: Snapshot | None) -> str:
    """Return the status and sub-tasks of *snapshot* as a JSON text, to be told later as they were."""
    if snapshot is None:
        return "{}"
    steps = [{item.name: _text(getattr(step, item.name)) for item in fields(step)} for step in snapshot.steps]
    return json.dumps({"status": snapshot.status, "steps": steps}, ensure_ascii=False)


def load_sight(text: str) -> tuple[str, tuple[Step, ...]]:
    """Return the status and sub-tasks that dump_sight wrote; an empty status when there were none."""
    try:
        sight = json.loads(text)
        steps = tuple(Step(**_revived(_step(step))) for step in sight.get("steps", ()))
        return str(sight.get("status", "")), steps
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return "", ()


def _step(step: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a Step is made from; raises KeyError or TypeError when it is none."""
    if not isinstance(step["name"], str) or not isinstance(step["status"], str):
        raise TypeError("not a step")
    return step


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _revived(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(key, value) for key, value in item.items()}


def _value(key: str, value: Any) -> Any:  # noqa: ANN401 - JSON values in, field values out
    if key.endswith("_at") and value is not None:
        return datetime.fromisoformat(value)
    return Outcome(value) if key == "outcome" else value
