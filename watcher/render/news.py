"""What changed, a line each.

Not its business: the failureMessage, which stands in a block of its own, and the title (``headline``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watcher.model import (
    CUSTOMIZATION,
    DEPLOYMENT,
    EVALUATION,
    INVOCATION,
    NOUNS,
    PROMPT,
    PROVISIONED,
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
    StatusChanged,
    StepChanged,
    Transition,
    Unreadable,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.render.facts import usual
from watcher.render.own import own_lines
from watcher.render.particulars import committed_until, text
from watcher.render.story import Story
from watcher.render.words import between, clean, duration, moment, shorten


def news(story: Story) -> Iterator[str]:
    """Yield what changed, in the order in which it is told."""
    for change in _worth_a_line(story.event.transitions):
        yield from map(clean, _lines(change, story))
    if story.queued and not any(isinstance(change, Reminder) for change in story.event.transitions):
        created = story.snapshot.created_at if story.snapshot else None
        yield f"Queued{f' since {moment(created, story.zone)}' if created else ''}: {_not_begun(story)}."


def failure(story: Story) -> str:
    """Return AWS's reason as the event tells it, verbatim; empty when it tells none."""
    said = [change.text for change in story.event.transitions if isinstance(change, FailureExplained)]
    return said[-1] if said else ""


def why(story: Story) -> str:
    """Return why things are bad, in one text: AWS's reason, or why we cannot look or tell; empty when nothing is."""
    lost = (one.reason for one in story.event.transitions if isinstance(one, (WatchLost, DeliveryDead, ChannelStuck)))
    return failure(story) or next(lost, "")


def _worth_a_line(transitions: tuple[Transition, ...]) -> tuple[Transition, ...]:
    """Leave out the fields that moved together with a status: the facts below show them."""
    moved = tuple(one for one in transitions if not isinstance(one, FieldChanged))
    return moved or transitions


def _lines(change: Transition, story: Story) -> Iterator[str]:  # noqa: C901 - one line a case is the point
    zone = story.zone
    match change:
        case Appeared():
            yield f"First sight: {change.status}"
        case StepChanged():
            yield _step(change, story)
        case StatusChanged():
            when = f" at {moment(change.changed_at, zone)}" if change.changed_at else ""
            yield f"Job: {change.old or 'first seen'} -> {change.new}{when}"
            yield from _meaning(change, story)
        case FieldChanged():
            yield f"{change.path}: {shorten(change.old or 'absent', 200)} -> {shorten(change.new or 'absent', 200)}"
        case Vanished():
            yield f"AWS finds this job no more: {change.reason}"
            yield _whither(story)
            yield "It stays watched, and is asked for every half hour."
        case WatchLost():
            yield f"Could not look since {moment(change.since_at, zone)}: {change.reason}"
            if change.remedy:
                yield f"What to do: {change.remedy}"
        case WatchRegained():
            yield f"Looking works again; blind since {moment(change.since_at, zone)}."
        case Reminder():
            yield from _reminder(change, story)
        case Gap() | Crash() | Operator() | DeliveryDead() | ChannelStuck() | ChannelTest() | Unreadable():
            yield from own_lines(change, zone)
        case FailureExplained():
            pass  # it stands in its own block


def _step(change: StepChanged, story: Story) -> str:
    ended = change.new not in ("InProgress", "NotStarted")
    took = between(change.started_at, change.changed_at) if ended else ""
    at = change.started_at if change.new == "InProgress" else change.changed_at
    when = f" at {moment(at, story.zone)}" if at else ""
    return f"{change.step}: {change.old or 'new'} -> {change.new}{when}" + (f", after {took}" if took else "")


def _reminder(change: Reminder, story: Story) -> Iterator[str]:
    since, limit = moment(change.since_at, story.zone), duration(change.limit)
    match change.what:
        case "overdue":
            yield f"Running since {since}; it was expected to take {limit} at most."
            if known := usual(story.earlier):
                yield f"{known[0].upper()}{known[1:]}."
        case "stalled":
            yield f"AWS has shown no change since {since} (reminder after {limit})."
        case "stopping":
            yield f"Stopping since {since} (reminder after {limit})."
        case "queued":
            yield f"Queued since {since}: {_not_begun(story)} (reminder after {limit})."
            yield _WAITING.get(_kind(story), _WAITING[CUSTOMIZATION])
        case _:
            yield f"{change.what} since {since} (reminder after {limit})."


def _meaning(change: StatusChanged, story: Story) -> Iterator[str]:
    """Yield what a status means for those who do not know the kind by heart."""
    kind, now = _kind(story), story.snapshot
    if (kind, change.new) in _MEANINGS:
        yield _MEANINGS[kind, change.new]
    if kind == PROVISIONED and change.outcome is Outcome.SUCCEEDED:
        begins = change.old == "Creating"
        yield f"{'Billing has begun:' if begins else 'It is billed'} by the hour, until it is deleted."
        if now is not None:
            yield _commitment(now.facts, story)


def _commitment(facts: Mapping[str, Any], story: Story) -> str:
    until, term = committed_until(PROVISIONED, facts), shorten(text(facts.get("commitmentDuration")), 60)
    if until is not None:
        return f"It is committed until {moment(until, story.zone)}, and cannot be deleted before."
    if term:
        return f"It is committed ({term}), and cannot be deleted before that is over."
    return "There is no commitment: it can be deleted at any time."


def _whither(story: Story) -> str:
    """Return why a job may be found no more."""
    kind = _kind(story)
    if kind in _DELETABLE:
        return "It may have been deleted; if not, credentials, account or region have changed."
    noun = NOUNS.get(kind, "job")
    return f"{noun[0].upper()}{noun[1:]}s cannot be deleted: most likely credentials, account or region have changed."


def _not_begun(story: Story) -> str:
    return "no sub-task has started yet" if story.steps else "AWS has not begun it yet"


def _kind(story: Story) -> str:
    return story.job.kind if story.job is not None else CUSTOMIZATION


# Amazon Bedrock API reference: there are operations that delete these.
_DELETABLE = frozenset({EVALUATION, DEPLOYMENT, PROVISIONED, PROMPT})
# Amazon Bedrock API reference, GetModelInvocationJob, status.
_MEANINGS = {
    (
        INVOCATION,
        "PartiallyCompleted",
    ): "Not all of its records could be processed in time; the output has those that were.",
    (INVOCATION, "Expired"): "It timed out in the queue, before it had begun.",
    (PROMPT, "PartiallyCompleted"): "Not all of its prompts could be optimized; the output has those that were.",
    (DEPLOYMENT, "Active"): "It takes requests now: its ARN is their modelId.",
}
_WAITING = {
    CUSTOMIZATION: "AWS runs only a few customization jobs of an account at a time; the others wait.",
    INVOCATION: "One that has not begun when its time limit is up expires.",
}
