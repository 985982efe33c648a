"""When to look again, when to try again, who is told.  Pure: time and luck are arguments, durations are seconds.

Not its business: what happened (``diff``), and carrying any of it out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watcher.model import (
    Appeared,
    ChannelTest,
    DeliveryDead,
    FailureExplained,
    FieldChanged,
    Outcome,
    Reminder,
    Severity,
    Snapshot,
    StatusChanged,
    StepChanged,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)

SLOWEST_RETRY = 120.0
"""A failing job or group is asked again after this many seconds at the latest."""

MISSES = 3
"""How many times a job that was seen must be not found before it is called lost sight of."""

VANISHED_RETRY = 1800.0
"""A job that was lost sight of is asked for again after this many seconds."""

LINGER = 600.0
"""How long a Failed job without a failureMessage stays watched for it, in seconds."""

CONFIRM_EVERY = 86_400.0
"""A job that only List has confirmed is confirmed by Get after this many seconds."""

LISTED_FROM = 3
"""From this many due jobs on, one List is cheaper than a Get each."""

GIVE_UP_AFTER = 86_400.0
"""A message that could not be delivered for this long is dead."""

_RETRY_FIRST, _RETRY_SLOWEST = 5.0, 900.0
_BLIND_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Cadence:
    """The configured bounds of polling."""

    fastest: float = 30.0
    slowest: float = 120.0
    blind_after: float = 600.0


@dataclass(frozen=True, slots=True)
class Route:
    """What one channel wants to be told: events by name, and jobs by tag (none: every job)."""

    channel: str
    on: frozenset[str]
    tags: frozenset[str] = frozenset()

    def wants_job(self, tags: Iterable[str]) -> bool:
        """Return whether a job with *tags* is this channel's business."""
        return not self.tags or not self.tags.isdisjoint(tags)


def next_look(cadence: Cadence, quiet: float, luck: float) -> float:
    """Return the delay until the next look: a tenth of the *quiet* time, within bounds, +-10 % by *luck* in [0, 1)."""
    delay = min(max(quiet / 10, cadence.fastest), cadence.slowest)
    return delay * (0.9 + 0.2 * luck)


def retry_look(cadence: Cadence, failures: int, luck: float, asked_to_wait: float = 0.0) -> float:
    """Return the delay after the *failures*-th failure in a row: doubling from the fastest, 2 min at most."""
    delay = min(cadence.fastest * 2.0 ** min(failures - 1, 20), max(SLOWEST_RETRY, cadence.fastest))
    return max(delay * (0.9 + 0.2 * luck), min(asked_to_wait, SLOWEST_RETRY))


def retry_send(attempts: int, luck: float, asked_to_wait: float = 0.0) -> float:
    """Return the delay before a message's next try: doubling, with jitter; ``Retry-After`` counts up to 1 h."""
    delay = min(_RETRY_FIRST * 2.0 ** min(attempts - 1, 20), _RETRY_SLOWEST)
    return max(delay * (0.5 + luck), min(asked_to_wait, 3600.0))


def is_blind(cadence: Cadence, failing_since: float, failures: int, now: float) -> bool:
    """Return whether not being able to look has lasted long enough to be told."""
    return failures >= _BLIND_FAILURES and now - failing_since >= cadence.blind_after


def last_word_is_in(snapshot: Snapshot) -> bool:
    """Return whether nothing more is to be expected of a job that is over."""
    return snapshot.outcome.terminal and (snapshot.outcome is not Outcome.FAILED or bool(snapshot.failure))


def topics(transitions: Iterable[Transition]) -> frozenset[str]:
    """Return the event names (as in a channel's ``on``) of one event's transitions."""
    return frozenset(map(_topic, transitions))


_TOPICS: dict[type[Transition], str] = {
    Appeared: "appeared",
    StepChanged: "step",
    FailureExplained: "failure_message",
    FieldChanged: "field",
    Vanished: "vanished",
    WatchLost: "watch_lost",
    WatchRegained: "watch_regained",
    DeliveryDead: "delivery_dead",
    ChannelTest: "channel_test",
}
_ENDINGS = {Outcome.SUCCEEDED: "completed", Outcome.FAILED: "failed", Outcome.STOPPED: "stopped"}


def _topic(transition: Transition) -> str:
    if isinstance(transition, StatusChanged):
        return _ENDINGS.get(transition.outcome, "status")
    if isinstance(transition, Reminder):
        return transition.what
    return _TOPICS[type(transition)]


def route(transitions: Iterable[Transition], tags: Iterable[str], routes: Iterable[Route]) -> tuple[str, ...]:
    """Return the names of the channels that are told of *transitions* of a job with *tags*."""
    wanted, tags = topics(transitions), frozenset(tags)
    return tuple(one.channel for one in routes if one.wants_job(tags) and not one.on.isdisjoint(wanted))


def severity(transitions: Iterable[Transition]) -> Severity:
    """Return how much an event matters: the worst of its transitions."""
    names = topics(transitions)
    if names & {"failed", "failure_message"}:
        return Severity.FAILURE
    if names & {"stopped", "vanished", "watch_lost", "delivery_dead"}:
        return Severity.WARNING
    if names & {"completed", "watch_regained"}:
        return Severity.SUCCESS
    return Severity.INFO
