"""The values that flow through the house.  All are frozen; none knows where it came from or where it goes.

Every datetime is timezone-aware UTC and its field's name ends in ``_at``.
Not its business: reading AWS's words (``bedrock``), deciding (``diff``, ``policy``), wording (``render``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from watcher.identifiers import (
    ARN_HINT,
    CUSTOMIZATION,
    DEFAULT_EVENTS,
    EVENTS,
    QUIET_EVENTS,
    JobArn,
    parse_identifier,
)

__all__ = [
    "ARN_HINT",
    "CUSTOMIZATION",
    "DEFAULT_EVENTS",
    "EVENTS",
    "QUIET_EVENTS",
    "Appeared",
    "ChannelTest",
    "Delivery",
    "DeliveryDead",
    "Event",
    "Failed",
    "FailureExplained",
    "Family",
    "FieldChanged",
    "Job",
    "JobArn",
    "Message",
    "Outcome",
    "Posting",
    "Reminder",
    "Sent",
    "Severity",
    "Sighting",
    "Snapshot",
    "StatusChanged",
    "Step",
    "StepChanged",
    "Transition",
    "Vanished",
    "Verdict",
    "WatchLost",
    "WatchRegained",
    "parse_identifier",
]


class Outcome(StrEnum):
    """How we class AWS's status word; an unknown word is RUNNING."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def terminal(self) -> bool:
        """Whether the job is over."""
        return self is not Outcome.RUNNING


class Family(StrEnum):
    """How a channel's receiver reads text, and so how a message for it must be written."""

    SLACK = "slack"
    EMAIL = "email"
    CHAT = "chat"  # Mattermost, Discord, Teams: markdown that can ping people
    JSON = "json"  # a generic webhook: people's own automation
    TEXT = "text"  # all the rest


class Severity(StrEnum):
    """How much a message matters."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Step:
    """One sub-task of ``statusDetails``: its name in words, AWS's status word, and AWS's times.

    *started_at* is AWS's ``creationTime`` of the sub-task, *changed_at* its ``lastModifiedTime``.
    """

    name: str
    status: str
    started_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of a job at one moment, in AWS's own words and times.

    *facts* is the whole (merged) response, *rest* what it holds beside status, sub-tasks and failureMessage;
    *changed_at* is the latest of AWS's change times.
    """

    status: str
    outcome: Outcome
    steps: tuple[Step, ...] = ()
    failure: str = ""
    name: str = ""
    created_at: datetime | None = None
    changed_at: datetime | None = None
    ended_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the job, or one of its sub-tasks, has Failed: only then is a failureMessage a failure."""
        return self.outcome is Outcome.FAILED or any(step.status == "Failed" for step in self.steps)

    @property
    def queued(self) -> bool:
        """Whether AWS has accepted the job and begun none of its sub-tasks."""
        waiting = [step.status == "NotStarted" for step in self.steps]
        return self.status == "InProgress" and bool(waiting) and all(waiting)


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
    | ChannelTest
)


@dataclass(frozen=True, slots=True)
class Event:
    """One poll's news of one subject: one message per channel.

    *subject* is ``job/<id>``, ``scope/<key>`` or ``channel/<name>``; (*subject*, *version*) is unique.
    """

    id: int
    subject: str
    version: int
    transitions: tuple[Transition, ...]
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one channel; *attempts* counts the tries that were begun.

    *uncertain*: an earlier try may have arrived.  *revived*: it was dead and a person asked for it again.
    """

    id: int
    event: Event
    channel: str
    attempts: int
    uncertain: bool = False
    revived: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: every text in it is already safe for the channel's family.

    *body* is the text in the family's markup (for e-mail the plain part, beside *html*); *payload* is what is sent
    in place of Apprise's own object where a family has one (Slack, JSON).  *conversation* names what the message is
    about: messages that share it are one thread; *thread* is what the receiver last answered to one of them, and
    *broadcast* shows a reply outside its thread too.
    """

    title: str
    body: str
    severity: Severity
    html: str = ""
    payload: Mapping[str, Any] | None = None
    conversation: str = ""
    thread: Mapping[str, str] = field(default_factory=dict)
    broadcast: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver accepted the message; *receiver_data* is what it answered that later messages need."""

    receiver_data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The message was not accepted, or that is not known.

    *permanent*: trying again cannot help.  *uncertain*: it may have arrived.  *retry_after*: seconds that the
    receiver asked us to wait.  *reason* holds the receiver's own words where it gave some, and never a secret.
    """

    reason: str
    permanent: bool = False
    uncertain: bool = False
    retry_after: float | None = None


Verdict = Sent | Failed


@dataclass(frozen=True, slots=True)
class Job:
    """One watched job as the store knows it.

    *identifier* is what AWS is asked for: the ARN, or the name that a person gave; *arn* is empty until it is
    known.  *state* is ``new`` (never seen), ``running``, ``closing`` (over, but its last word is awaited),
    ``ended`` or ``vanished``.  *mark* is a fingerprint of what List would show.  *expected* is how many seconds a
    person expects it to run, *reminded* the episodes told of (``policy.reminders``), *remind_at* when the next one may
    be due.  Times are epoch seconds; 0 means never.
    """

    id: int
    identifier: str
    arn: str
    name: str
    kind: str
    account: str
    region: str
    profile: str
    label: str
    tags: tuple[str, ...]
    state: str
    from_cli: bool
    from_config: bool
    added_at: float
    asked_at: float
    next_poll_at: float
    confirmed_at: float
    created_at: float
    changed_at: float
    ended_at: float
    closing_at: float
    failures: int
    failing_since: float
    blind_since: float
    last_error: str
    mark: int
    version: int
    revision: int
    base_model: str = ""
    customization: str = ""
    expected: float = 0.0
    reminded: tuple[str, ...] = ()
    remind_at: float = 0.0

    @property
    def title(self) -> str:
        """What people call it: its label, else its name, else its id."""
        return self.label or self.name or self.identifier.rpartition("/")[2]

    @property
    def scope(self) -> str:
        """The key of the jobs that share credentials, account, region and kind; a name tells no account."""
        account = self.account if self.identifier == self.arn else "-"
        return f"{self.profile or 'default'}@{account}/{self.region}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Posting:
    """One message to queue: for whom, and how long it is held back (epoch seconds; 0: not at all) for which *fold*."""

    channel: str
    hold_until: float = 0.0
    fold: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one successful Get changed about one job; recorded in one transaction.

    *version* is the snapshot's version that the diff started from; *transitions* may be empty, *postings* are
    the messages that they make.  *facts* is the merged response, *response* the text as AWS sent it.  Times are epoch
    seconds.
    """

    job: int
    version: int
    facts: Mapping[str, Any]
    response: str
    snapshot: Snapshot
    transitions: tuple[Transition, ...]
    postings: tuple[Posting, ...]
    state: str
    arn: str
    account: str
    mark: int
    base_model: str
    customization: str
    reminded: tuple[str, ...]
    remind_at: float
    seen_at: float
    next_poll_at: float
    closing_at: float
