"""A Story into a Doc: which words, in which order.

First line first: what happened, to which job, where, after how long; then AWS's reason verbatim; then the timeline;
then facts; then the footer.  Not its business: any channel's markup (``families``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any

from watcher.model import (
    Appeared,
    ChannelTest,
    DeliveryDead,
    FailureExplained,
    FieldChanged,
    Outcome,
    Snapshot,
    StatusChanged,
    Step,
    StepChanged,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.policy import severity
from watcher.render.story import Doc, Row, Story
from watcher.render.words import between, clean, cut, duration, moment, offset, plain_moment, shorten

TITLE = 80
"""A title's characters at most."""

FAILURE = 2500
"""A failureMessage's characters at most; AWS's own limit is 2048."""

_VERBS = {"InProgress": "STARTED", "Completed": "FINISHED", "Failed": "FAILED", "Stopped": "STOPPED"}


def compose(story: Story) -> Doc:
    """Return what is to be said about *story*, in plain text."""
    transitions = story.event.transitions
    return Doc(
        title=_title(story),
        severity=severity(transitions),
        lines=tuple(clean(line) for one in _worth_a_line(transitions) for line in _lines(one, story.zone)),
        failure=cut(clean(_failure(story), lines=True), FAILURE),
        timeline=tuple(_row(story, step) for step in story.steps),
        timeline_zone=offset(story.event.observed_at, story.zone),
        facts=tuple((name, clean(value)) for name, value in _facts(story) if value),
        notices=tuple(_notices(story)),
        footer=tuple(_footer(story)),
    )


def _worth_a_line(transitions: tuple[Transition, ...]) -> tuple[Transition, ...]:
    """Leave out the fields that moved together with a status: the facts below show them."""
    moved = tuple(one for one in transitions if not isinstance(one, FieldChanged))
    return moved or transitions


def _title(story: Story) -> str:
    outcome, where, after = _headline(story)
    tail = (f" ({clean(where)})" if where else "") + after
    head = f"[bedrock] {outcome} "
    return head + shorten(clean(_subject(story)), max(TITLE - len(head) - len(tail), 8)) + tail


def _headline(story: Story) -> tuple[str, str, str]:
    """Return a title's outcome, sub-task and duration, from the transition that matters most."""
    changes = story.event.transitions
    for change in changes:
        if isinstance(change, StatusChanged):
            step = "" if change.outcome is Outcome.SUCCEEDED else _step_at(story, change.new)
            took = between(story.snapshot.created_at, change.changed_at) if story.snapshot else ""
            return change.new.upper(), step, f" after {took}" if took else ""
    if any(isinstance(change, FailureExplained) for change in changes):
        return "FAILED", _step_at(story, "Failed"), ": AWS says why"
    if any(isinstance(change, StepChanged) for change in changes):
        return _step_headline(story)
    return _watch_headline(story, changes[0])


def _watch_headline(story: Story, change: Transition) -> tuple[str, str, str]:
    match change:
        case WatchLost():
            return "CANNOT WATCH", "", f" since {_clock(change.since_at, story.zone)}"
        case WatchRegained():
            return "WATCHING AGAIN", "", f" after {between(change.since_at, story.event.observed_at)}"
        case Appeared():
            return "WATCHING", change.status, ""
        case _:
            return _PLAIN_HEADLINES.get(type(change), "CHANGED"), "", ""


def _clock(at: datetime, zone: tzinfo | None) -> str:
    return f"{at.astimezone(zone):%H:%M} {offset(at, zone)}"


_PLAIN_HEADLINES: dict[type[Transition], str] = {
    Vanished: "LOST SIGHT OF",
    DeliveryDead: "UNDELIVERED to channel",
    ChannelTest: "TEST of channel",
}


def _step_headline(story: Story) -> tuple[str, str, str]:
    last = [change for change in story.event.transitions if isinstance(change, StepChanged)][-1]
    took = between(last.started_at, last.changed_at) if last.new in ("Completed", "Failed", "Stopped") else ""
    return _VERBS.get(last.new, last.new.upper()), last.step, f" after {took}" if took else ""


def _step_at(story: Story, status: str) -> str:
    """Return the sub-task in *status*, else the last one that ran: where the job was."""
    there = [step.name for step in story.steps if step.status == status]
    ran = [step.name for step in story.steps if step.status not in ("NotStarted", "Completed")]
    return (there or ran or [""])[-1]


def _subject(story: Story) -> str:
    if story.job is not None:
        return story.job.title
    kind, _, rest = story.event.subject.partition("/")
    return rest if kind == "channel" else f"jobs of {rest}"


def _lines(change: Transition, zone: tzinfo | None) -> Iterator[str]:  # noqa: C901 - one line a case is the point
    match change:
        case Appeared():
            yield f"First sight: {change.status}"
        case StepChanged():
            took = (
                between(change.started_at, change.changed_at) if change.new not in ("InProgress", "NotStarted") else ""
            )
            at = change.started_at if change.new == "InProgress" else change.changed_at
            when = f" at {moment(at, zone)}" if at else ""
            yield f"{change.step}: {change.old or 'new'} -> {change.new}{when}" + (f", after {took}" if took else "")
        case StatusChanged():
            when = f" at {moment(change.changed_at, zone)}" if change.changed_at else ""
            yield f"Job: {change.old or 'first seen'} -> {change.new}{when}"
        case FieldChanged():
            yield f"{change.path}: {shorten(change.old or 'absent', 200)} -> {shorten(change.new or 'absent', 200)}"
        case Vanished():
            yield f"AWS finds this job no more: {change.reason}"
            yield "Customization jobs cannot be deleted: most likely credentials, account or region have changed."
            yield "It stays watched, and is asked for every half hour."
        case WatchLost():
            yield f"Could not look since {moment(change.since_at, zone)}: {change.reason}"
            if change.remedy:
                yield f"What to do: {change.remedy}"
        case WatchRegained():
            yield f"Looking works again; blind since {moment(change.since_at, zone)}."
        case DeliveryDead():
            count = f"{change.count} messages" if change.count > 1 else "A message"
            yield f"{count} for channel {change.channel} could not be delivered: {change.reason}"
            yield "See them: bedrock-watch deliveries --state dead; send them again: bedrock-watch deliveries retry"
        case ChannelTest():
            yield f"This is a test of channel {change.channel}: its alerts arrive."
        case FailureExplained():
            pass  # it stands in its own block


def _failure(story: Story) -> str:
    said = [change.text for change in story.event.transitions if isinstance(change, FailureExplained)]
    return said[-1] if said else ""


def _row(story: Story, step: Step) -> Row:
    running = step.status in ("InProgress", "Stopping")
    end = story.event.observed_at if running else step.changed_at
    began = step.status != "NotStarted"
    return Row(
        name=clean(step.name),
        status=clean(step.status),
        started=plain_moment(step.started_at, story.zone) if began and step.started_at else "",
        duration=between(step.started_at, end) if began else "",
        current=running,
    )


def _facts(story: Story) -> Iterator[tuple[str, str]]:
    job, now = story.job, story.snapshot
    if job is None:
        if story.jobs_in_scope:
            yield "jobs", ", ".join(shorten(title, 60) for title in story.jobs_in_scope)
        return
    if job.label and job.name and job.label != job.name:
        yield "job name", job.name
    if now is not None:
        yield from _facts_of_response(now, story.zone)
    yield "region", job.region
    yield "account", job.account
    yield "tags", ", ".join(job.tags)
    yield "ARN", job.arn


def _facts_of_response(now: Snapshot, zone: tzinfo | None) -> Iterator[tuple[str, str]]:
    facts = now.facts
    yield "base model", _tail(facts.get("baseModelArn"))
    yield "type", _words(facts.get("customizationType"))
    if now.outcome.terminal:
        yield "output model", _words(facts.get("outputModelName"))
        yield "output model ARN", _words(facts.get("outputModelArn"))
        yield "training loss", _loss(facts.get("trainingMetrics"), "trainingLoss")
        losses = facts.get("validationMetrics")
        many = losses if isinstance(losses, list) else []
        yield "validation loss", ", ".join(filter(None, (_loss(one, "validationLoss") for one in many)))
    output = facts.get("outputDataConfig")
    yield "output", _words(output.get("s3Uri")) if isinstance(output, dict) else ""
    yield "created", moment(now.created_at, zone)


def _notices(story: Story) -> Iterator[str]:
    if story.uncertain:
        yield "This may be a repeat: an earlier try may have arrived."
    if story.revived:
        seen = moment(story.event.observed_at, story.zone)
        yield f"Late: this was given up and is sent again; it was seen at {seen}."


def _footer(story: Story) -> Iterator[str]:
    event, zone = story.event, story.zone
    aws = max((at for change in event.transitions if (at := getattr(change, "changed_at", None))), default=None)
    if aws is not None:
        late = duration(event.observed_at - aws)
        yield f"AWS's time {moment(aws, zone)}, seen {moment(event.observed_at, zone)} ({late} later)"
    else:
        yield f"seen {moment(event.observed_at, zone)}"
    yield f"event {event.id}, bedrock-watch on {clean(story.host)}"


def _tail(arn: Any) -> str:  # noqa: ANN401 - AWS may send anything
    return arn.rpartition("foundation-model/")[2] or arn if isinstance(arn, str) else ""


def _words(value: Any) -> str:  # noqa: ANN401 - AWS may send anything
    return value if isinstance(value, str) else ""


def _loss(metrics: Any, name: str) -> str:  # noqa: ANN401 - AWS may send anything
    value = metrics.get(name) if isinstance(metrics, dict) else None
    return f"{value:g}" if isinstance(value, (int, float)) else ""
