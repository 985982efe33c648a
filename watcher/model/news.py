"""What happened: transitions, and the event that holds those of one poll."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from watcher.model.facts import Outcome


@dataclass(frozen=True, slots=True)
class Appeared:
    """First sight of a running job: a baseline, not news."""

    status: str


@dataclass(frozen=True, slots=True)
class StepChanged:
    """A sub-task changed its status; *old* is empty when the sub-task was not known before."""

    step: str
    old: str
    new: str
    started_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The job changed its status; *old* is empty when the job was already over at first sight."""

    old: str
    new: str
    outcome: Outcome
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FailureExplained:
    """AWS gave (or changed) the failureMessage of a job that failed."""

    text: str


@dataclass(frozen=True, slots=True)
class FieldChanged:
    """Any other member of the response changed; *path* is dotted, values are JSON texts."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Vanished:
    """AWS no longer finds a job that was seen."""

    reason: str


@dataclass(frozen=True, slots=True)
class WatchLost:
    """We cannot look, since *since_at*, because of *reason*; *remedy* is what to do."""

    reason: str
    remedy: str
    since_at: datetime


@dataclass(frozen=True, slots=True)
class WatchRegained:
    """We can look again, after having been blind since *since_at*."""

    since_at: datetime


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something lasts too long: *what* is an event name (overdue, stalled, stopping, queued).

    It has lasted since *since_at*, and is told from *limit* seconds on.
    """

    what: str
    since_at: datetime
    limit: float


@dataclass(frozen=True, slots=True)
class DeliveryDead:
    """*count* messages for *channel* are given up, because of *reason*; *about* names their jobs and events."""

    channel: str
    count: int
    reason: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class ChannelStuck:
    """Messages for *channel* fail since *since_at*, because of *reason*; *waiting* of them wait."""

    channel: str
    reason: str
    waiting: int
    since_at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was monitored from *began_at* to *ended_at*.

    *cause* is ``stopped``, ``killed``, ``crashed``, ``rebooted``, ``suspended`` or ``unknown``.
    """

    began_at: datetime
    ended_at: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Crash:
    """bedrock-watch crashed *count* times since *since_at*, the last time because of *error*, a bug.

    *doing* says what the process was doing then, and *quarantined* what it sets aside from now on; empty when nothing.
    """

    count: int
    doing: str
    error: str
    quarantined: str
    since_at: datetime


@dataclass(frozen=True, slots=True)
class Operator:
    """A person, *user*, operated the watch: *action* is the command's name, *target* what it was about.

    *note* says how, or why; it may be empty.
    """

    user: str
    action: str
    target: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What happened was recorded, and cannot be read any more: *reason* says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChannelTest:
    """A person asked whether *channel* works."""

    channel: str


Transition = (
    Appeared
    | StepChanged
    | StatusChanged
    | FailureExplained
    | FieldChanged
    | Vanished
    | WatchLost
    | WatchRegained
    | Reminder
    | DeliveryDead
    | ChannelStuck
    | Gap
    | Crash
    | Operator
    | Unreadable
    | ChannelTest
)


@dataclass(frozen=True, slots=True)
class Event:
    """One poll's news of one subject: one message per channel.

    *subject* is ``job/<id>``, ``scope/<key>``, ``channel/<name>``, or for events about bedrock-watch itself
    ``watch/gap``, ``watch/crash`` or ``watch/operator``; (*subject*, *version*) is unique.
    """

    id: int
    subject: str
    version: int
    transitions: tuple[Transition, ...]
    observed_at: datetime
