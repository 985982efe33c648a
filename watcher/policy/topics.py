"""An event's names, as a channel's ``on`` lists them, and how much it matters."""

from __future__ import annotations

from collections.abc import Iterable

from watcher.model import (
    Appeared,
    ChannelStuck,
    ChannelTest,
    Crash,
    DeliveryDead,
    FailureExplained,
    FieldChanged,
    Gap,
    Operator,
    Outcome,
    Reminder,
    Severity,
    StatusChanged,
    StepChanged,
    Transition,
    Unreadable,
    Vanished,
    WatchLost,
    WatchRegained,
)


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
    ChannelStuck: "channel_stuck",
    Gap: "gap",
    Crash: "crash",
    Operator: "operator",
    Unreadable: "field",  # the event's type is unknown; its messages were routed when it was recorded
    ChannelTest: "channel_test",
}
_ENDINGS = {
    Outcome.SUCCEEDED: "completed",
    Outcome.PARTIAL: "partially_completed",
    Outcome.FAILED: "failed",
    Outcome.EXPIRED: "expired",
    Outcome.STOPPED: "stopped",
}
_FAILURES = frozenset({"failed", "expired", "failure_message"})
_WARNINGS = frozenset(
    {
        "partially_completed",
        "stopped",
        "vanished",
        "watch_lost",
        "delivery_dead",
        "channel_stuck",
        "gap",
        "crash",
        "overdue",
        "stalled",
        "queued",
        "stopping",
    }
)


def _topic(transition: Transition) -> str:
    if isinstance(transition, StatusChanged):
        return _ENDINGS.get(transition.outcome, "status")
    if isinstance(transition, Reminder):
        return transition.what
    return _TOPICS[type(transition)]


def severity(transitions: Iterable[Transition]) -> Severity:
    """Return how much an event matters: the worst of its transitions."""
    names = topics(transitions)
    if names & _FAILURES and "partially_completed" not in names:
        return Severity.FAILURE
    if names & _WARNINGS:
        return Severity.WARNING
    if names & {"completed", "watch_regained"}:
        return Severity.SUCCESS
    return Severity.INFO
