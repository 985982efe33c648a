"""The title: outcome, job, sub-task, duration, in 80 characters, and never an ARN.

Not its business: everything below it (``news``, ``facts``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo

from watcher.model import (
    CUSTOMIZATION,
    FINDING,
    NOUNS,
    PROVISIONED,
    Appeared,
    ChannelStuck,
    ChannelTest,
    Crash,
    DeliveryDead,
    FailureExplained,
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
from watcher.render.own import own_subject, own_title
from watcher.render.story import Story
from watcher.render.words import between, clean, offset, shorten

TITLE = 80
"""A title's characters at most."""

PREFIX = "[bedrock] "

_VERBS = {"InProgress": "STARTED", "Completed": "FINISHED", "Failed": "FAILED", "Stopped": "STOPPED"}
_PLAIN: dict[type[Transition], str] = {
    Vanished: "LOST SIGHT OF",
    DeliveryDead: "UNDELIVERED to channel",
    ChannelStuck: "STUCK channel",
    ChannelTest: "TEST of channel",
    Unreadable: "UNREADABLE EVENT about",
}
_STILL = {"stopping": "STILL STOPPING", "queued": "STILL QUEUED"}


@dataclass(frozen=True, slots=True)
class Headline:
    """A title by its parts: ``OUTCOME noun subject (step)tail``; a customization job needs no noun."""

    outcome: str
    subject: str
    step: str = ""
    tail: str = ""
    noun: str = ""

    def within(self, most: int) -> str:
        """Return the title in at most *most* characters: the subject is what gets shorter, then the sub-task."""
        outcome, subject = " ".join(filter(None, (shorten(self.outcome, 24), self.noun))), self.subject
        step = f" ({shorten(self.step, 24)})" if self.step else ""
        room = most - len(outcome) - 1 - len(step) - len(self.tail)
        return f"{outcome} {shorten(subject, room)}{step}{self.tail}"


def headline(story: Story) -> Headline:
    """Return the title's parts, from the transition that matters most."""
    outcome, step, tail = _parts(story)
    noun = NOUNS[story.job.kind] if story.job is not None and story.job.kind != CUSTOMIZATION else ""
    return Headline(clean(outcome), clean(_subject(story)), clean(step), tail, noun)


def _parts(story: Story) -> tuple[str, str, str]:
    changes = story.event.transitions
    for change in changes:
        if isinstance(change, StatusChanged):
            step = "" if change.outcome is Outcome.SUCCEEDED else _step_at(story, change.new)
            took = between(story.snapshot.created_at, change.changed_at) if story.snapshot else ""
            tail = f" after {took}" if took else ""
            if _is_billed(story):
                tail = ": billed from now on" if change.old == "Creating" else ": it is billed"
            return _spaced(change.new).upper(), step, tail
    if any(isinstance(change, FailureExplained) for change in changes):
        ended = story.status if story.outcome in (Outcome.PARTIAL, Outcome.EXPIRED) else "Failed"
        return _spaced(ended).upper(), _step_at(story, "Failed"), ": AWS says why"
    if any(isinstance(change, StepChanged) for change in changes):
        return _of_a_step(story)
    reminders = (change for change in changes if isinstance(change, Reminder))
    return _of_the_watch(story, next(reminders, changes[0]))


def _of_a_step(story: Story) -> tuple[str, str, str]:
    last = [change for change in story.event.transitions if isinstance(change, StepChanged)][-1]
    took = between(last.started_at, last.changed_at) if last.new in ("Completed", "Failed", "Stopped") else ""
    return _VERBS.get(last.new, last.new.upper()), last.step, f" after {took}" if took else ""


def _of_the_watch(story: Story, change: Transition) -> tuple[str, str, str]:
    match change:
        case WatchLost():
            return "CANNOT WATCH", "", f" since {_clock(change.since_at, story.zone)}"
        case WatchRegained():
            return "WATCHING AGAIN", "", f" after {between(change.since_at, story.event.observed_at)}"
        case Gap() | Crash() | Operator():
            return own_title(change)
        case Appeared():
            return "WATCHING", "queued" if story.queued else change.status, ""
        case Reminder():
            return _of_a_reminder(story, change)
        case _:
            return _PLAIN.get(type(change), "CHANGED"), "", ""


def _of_a_reminder(story: Story, change: Reminder) -> tuple[str, str, str]:
    lasted = between(change.since_at, story.event.observed_at)
    if change.what in _STILL:
        return _STILL[change.what], "", f" after {lasted}"
    where = _step_at(story, "InProgress")
    tail = f": no change for {lasted}" if change.what == "stalled" else f" after {lasted}"
    return change.what.upper(), where, tail


def _step_at(story: Story, status: str) -> str:
    """Return the sub-task in *status*, else the last one that ran: where the job was."""
    there = [step.name for step in story.steps if step.status == status]
    ran = [step.name for step in story.steps if step.status not in ("NotStarted", "Completed")]
    return (there or ran or [""])[-1]


def _subject(story: Story) -> str:
    if story.job is not None:
        title = story.job.title
        return title.rpartition("/")[2] if title.startswith("arn:") else title
    kind, _, rest = story.event.subject.partition("/")
    if kind == "channel":
        return rest
    if kind == "watch":
        return own_subject(story)
    return _scope(rest)


def _scope(key: str) -> str:
    """Return a scope by its *key*, in words."""
    account = key.removesuffix("/*/*")
    if account != key:  # model.account_scope
        return f"jobs of {account.replace('default@', 'account ')}" if account != "default@-" else "jobs given by name"
    whose, _, kind = key.rpartition("/")
    if kind.endswith(FINDING):
        return f"new {NOUNS.get(kind.removesuffix(FINDING), 'job')}s of {whose}"
    if kind not in NOUNS:
        return f"jobs of {key}"
    return f"jobs of {whose}" if kind == CUSTOMIZATION else f"{NOUNS[kind]}s of {whose}"


def _spaced(word: str) -> str:
    """Return AWS's ``PartiallyCompleted`` as ``Partially Completed``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word)


def _is_billed(story: Story) -> bool:
    """Whether the event is the end of the setting up of provisioned throughput: it costs from then on."""
    return story.job is not None and story.job.kind == PROVISIONED and story.outcome is Outcome.SUCCEEDED


def _clock(at: datetime, zone: tzinfo | None) -> str:
    return f"{at.astimezone(zone):%H:%M} {offset(at, zone)}"
