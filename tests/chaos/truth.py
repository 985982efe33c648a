"""One job's messages beside its history: which eras they tell, and what in them never was.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chaos.records import Change, Era, Evidence, History, Span, Told

NEAR = 0.25
"""Seconds around the beginning of an era in which a look may have seen either."""

_LEFT_OVER = 1.0
"""Seconds after a start in which the endpoint may still be reading what the process before had asked for."""

_BLINDING = ("disk", "lock", "stopped")
_OF_THE_WATCH = frozenset({"watch_lost", "watch_regained", "vanished"})


@dataclass
class Telling:
    """What a job's messages amount to."""

    eras: set[int] = field(default_factory=set)
    failures: set[str] = field(default_factory=set)
    phantoms: list[str] = field(default_factory=list)


def follow(history: History, events: Sequence[Told]) -> Telling:
    """Return what *events* (by number) tell of *history*."""
    telling = Telling()
    before: Era | None = None
    at = 0
    for told in events:
        if told.steps is None:
            continue  # the webhook was not told: that is a loss of its own
        if told.kinds and told.kinds <= _OF_THE_WATCH and not told.changes:
            continue  # not a look that saw anything
        found = next((index for index in range(at, len(history.eras)) if _shows(told, history.eras[index])), None)
        if found is None:
            telling.phantoms.append(f"event {told.event} of {history.name} tells a state that it never had then")
            continue
        telling.phantoms.extend(
            f"event {told.event} of {history.name}: {word}" for word in _made_up(history, before, found, told)
        )
        at, before = found, history.eras[found]
        telling.eras.add(found)
        if told.failure:
            telling.failures.add(told.failure)
    return telling


def seen_for_certain(evidence: Evidence, history: History) -> set[int]:
    """Return the eras that the daemon has seen, and must have written down."""
    found = set()
    there = [look for look in evidence.looks if look.region == history.region]
    for index, look in enumerate(there):
        if look.job != history.arn or look.fault:
            continue
        life = next((life for life in evidence.lives if life.begin + _LEFT_OVER <= look.at <= life.end), None)
        era = history.era_at(look.at)
        if life is None or any(abs(look.at - other.begins) < NEAR for other in history.eras):
            continue
        later = next((other for other in there[index + 1 :] if other.job in ("", history.arn)), None)
        if later is None or later.at > life.end or _is_blinded(evidence.spans, look.at, later.at):
            continue
        found.add(era)
    return found


def _is_blinded(spans: Sequence[Span], begin: float, end: float) -> bool:
    return any(span.what in _BLINDING and span.begin <= end and begin <= span.end for span in spans)


def _shows(told: Told, era: Era) -> bool:
    steps = {name: step for name, step in (told.steps or {}).items() if step[0] != "NotStarted"}
    if told.status != era.status or set(steps) != set(era.steps):
        return False
    return all(steps[name][0] == step[0] and _same(steps[name][1], step[1]) for name, step in era.steps.items())


def _same(one: str, other: str) -> bool:
    return one == other or (bool(one and other) and datetime.fromisoformat(one) == datetime.fromisoformat(other))


def _made_up(history: History, before: Era | None, at: int, told: Told) -> Iterator[str]:
    """Yield what *told* says beside the difference between two eras, and what it does not say of it."""
    era = history.eras[at]
    changes = [one for one in told.changes or () if one.what == "Job" or one.what in era.steps]
    expected = _difference(before, era) if before else _first_sight(era)
    said = [Change(one.what, "" if one.old == "NotStarted" else one.old, one.new) for one in changes]
    for one in said:
        if one not in expected:
            yield f"{one.what}: {one.old or 'nothing'} -> {one.new} never happened"
    for one in expected:
        if one not in said:
            yield f"it leaves out that {one.what} went from {one.old or 'nothing'} to {one.new}"
    for one in told.changes or ():
        if one not in changes and era.fields.get(one.what) != one.new:
            yield f"its {one.what} never was {one.new!r:.80}"
    failed = era.status == "Failed"
    if told.failure and (not failed or told.failure != history.failure):
        yield f"AWS never said {told.failure!r:.80}"


def _first_sight(era: Era) -> list[Change]:
    """Return what is told of a job that was never seen: that it is over, or nothing but that it is there."""
    return [Change("Job", "", era.status)] if era.status in ("Completed", "Failed", "Stopped") else []


def _difference(before: Era, after: Era) -> list[Change]:
    now = {name: status for name, (status, _) in after.steps.items()}
    was = {name: before.steps[name][0] if name in before.steps else "" for name in now}
    found = [Change(name, was[name], status) for name, status in now.items() if status != was[name]]
    return found + ([Change("Job", before.status, after.status)] if before.status != after.status else [])
