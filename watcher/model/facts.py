"""What is known of a job, and how it is classed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How we class AWS's status word; an unknown word is RUNNING."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partially_completed"  # over, and some of its work failed
    FAILED = "failed"
    EXPIRED = "expired"  # over because its time was up
    STOPPED = "stopped"

    @property
    def terminal(self) -> bool:
        """Whether the job is over."""
        return self is not Outcome.RUNNING


_UNWELL = frozenset({Outcome.FAILED, Outcome.PARTIAL, Outcome.EXPIRED})
_QUEUED = frozenset({"Submitted", "Scheduled"})  # AWS's words for a batch inference job that waits for its turn


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
        """Whether the job, or a part of it, has failed: only then is a failureMessage a failure."""
        return self.outcome in _UNWELL or any(step.status == "Failed" for step in self.steps)

    @property
    def queued(self) -> bool:
        """Whether AWS has accepted the job and begun none of it."""
        return is_queued(self.status, self.steps)


def is_queued(status: str, steps: Collection[Step]) -> bool:
    """Return whether a job of that status and these sub-tasks waits for its turn.

    AWS says so of a batch inference job; a customization job it calls InProgress, with each sub-task NotStarted.
    """
    waits = bool(steps) and all(step.status == "NotStarted" for step in steps)
    return status in _QUEUED or (waits and status == "InProgress")
