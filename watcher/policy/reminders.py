"""What lasts too long: running, without a change, stopping, queued.  Each is told once per episode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher.model import Outcome, Reminder, Snapshot

EVERY = frozenset({"overdue", "stalled", "stopping", "queued"})
"""All reminders, by their event names."""

_LEARNED_FROM = 3
"""So many earlier jobs make a usual time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long is too long, in seconds; 0 switches a reminder off.

    *overdue_factor* times the usual (median) time of the job's base model and type is overdue.
    """

    overdue_factor: float = 2.0
    stall_after: float = 43_200.0
    stopping_after: float = 1800.0
    queued_after: float = 14_400.0


@dataclass(frozen=True, slots=True)
class Reminding:
    """What is to be told now, all that has been told of this job's episodes, and when to look next (None: never)."""

    due: tuple[Reminder, ...]
    told: frozenset[str]
    next_at: datetime | None


def remind(
    snapshot: Snapshot,
    limits: Limits,
    now: datetime,
    *,
    expected: float,
    usual: tuple[float, ...],
    told: frozenset[str],
    possible: frozenset[str] = EVERY,
) -> Reminding:
    """Return the reminders of a job.

    *expected*: seconds that a person expects it to run (0: not said); *usual*: seconds that earlier completed jobs
    of its base model and type took; *told*: the episodes that were told already; *possible*: the reminders that make
    sense for its kind.
    """
    due: list[Reminder] = []
    episodes: set[str] = set()
    next_at: datetime | None = None
    if snapshot.outcome is not Outcome.RUNNING:
        return Reminding((), frozenset(), None)
    for what, episode, since, limit in _candidates(snapshot, limits, _allowed(limits, expected, usual)):
        if limit <= 0 or what not in possible:
            continue
        at = since + timedelta(seconds=limit)
        if episode in told:
            episodes.add(episode)
        elif at <= now:
            episodes.add(episode)
            due.append(Reminder(what, since, limit))
        else:
            next_at = at if next_at is None else min(next_at, at)
    return Reminding(tuple(due), frozenset(episodes), next_at)


def _candidates(snapshot: Snapshot, limits: Limits, allowed: float) -> Iterator[tuple[str, str, datetime, float]]:
    """Yield what the job could be too long at: the event name, the episode's key, since when, the limit."""
    created, changed = snapshot.created_at, snapshot.changed_at or snapshot.created_at
    if created is None or changed is None:
        return
    if snapshot.status == "Stopping":
        yield "stopping", "stopping", changed, limits.stopping_after
        return
    if snapshot.queued:
        yield "queued", "queued", created, limits.queued_after
        return
    yield "overdue", "overdue", created, allowed
    yield "stalled", f"stalled {changed.isoformat()}", changed, limits.stall_after


def _allowed(limits: Limits, expected: float, usual: tuple[float, ...]) -> float:
    """Return how long a job may run: what a person said, else the usual time by the factor, else for ever (0)."""
    if expected > 0:
        return expected
    if len(usual) < _LEARNED_FROM:
        return 0.0
    ordered = sorted(usual)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return median * limits.overdue_factor
