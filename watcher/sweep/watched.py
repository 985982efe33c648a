"""One job that a turn asks for, and the fingerprint by which a List page tells whether it moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from watcher.bedrock.answers import Summary
from watcher.bedrock.kind import Kind, MalformedResponse, member, time_of
from watcher.model import Job
from watcher.policy import CONFIRM_EVERY, Traits

_AHEAD = 0.2
"""A turn takes along what is due within this part of its own delay: one List serves many."""

_MEMBERS_THAT_MOVE = ("status", "lastModifiedTime")  # of a sub-task


@dataclass(slots=True)
class Watched:
    """What a turn must know of a job.  Times are epoch seconds; 0 means never.

    *listed* is the hash of the summary that the last Get was at least as new as: while List shows the same,
    nothing has happened.  *misses* counts ResourceNotFound in a row.  *hung*: its last Get took much longer than those
    of other jobs.
    """

    id: int
    identifier: str
    arn: str
    name: str
    label: str
    tags: tuple[str, ...]
    account: str
    region: str
    state: str
    asked: bool
    due_at: float
    confirmed_at: float
    created_at: float
    changed_at: float
    closing_at: float
    failures: int
    failing_since: float
    blind_since: float
    mark: int
    expected: float
    reminded: tuple[str, ...]
    remind_at: float
    looked_at: float = 0.0
    listed: int = 0
    misses: int = 0
    hung: bool = False

    @classmethod
    def of(cls, job: Job) -> Watched:
        """Return the working copy of a stored job."""
        return cls(
            id=job.id,
            identifier=job.identifier,
            arn=job.arn,
            name=job.name,
            label=job.label,
            tags=job.tags,
            account=job.account,
            region=job.region,
            state=job.state,
            asked=job.asked_at > 0,
            due_at=job.next_poll_at,
            confirmed_at=job.confirmed_at,
            created_at=job.created_at,
            changed_at=job.changed_at,
            closing_at=job.closing_at,
            failures=job.failures,
            failing_since=job.failing_since,
            blind_since=job.blind_since,
            mark=job.mark,
            expected=job.expected,
            reminded=job.reminded,
            remind_at=job.remind_at,
        )

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.label or self.name or (self.arn or self.identifier).rpartition("/")[2]

    @property
    def traits(self) -> Traits:
        """What a channel can choose it by."""
        return Traits.of(self)

    def update(self, job: Job) -> None:
        """Take over what a person has changed."""
        self.identifier, self.name, self.label, self.tags = job.identifier, job.name, job.label, job.tags
        self.asked, self.expected, self.remind_at = job.asked_at > 0, job.expected, job.remind_at
        self.due_at = min(self.due_at, job.next_poll_at)

    @property
    def works(self) -> bool:
        """Whether the job was found, and its last poll succeeded."""
        return self.state != "new" and not self.failures and not self.hung

    @property
    def quiet(self) -> bool:
        """Whether List can answer for it: it was seen running, is in no trouble, and nobody asks for it."""
        well = not self.failures and not self.hung
        return self.state == "running" and not self.asked and well and bool(self.arn)

    @property
    def get_at(self) -> float:
        """When only a Get will do for a quiet one: to remind of it, or to confirm it."""
        # Spread evenly: each job has its own hour of the day.
        spread = (self.id * 0.6180339887 % 1.0) * CONFIRM_EVERY
        confirm_at = spread + ((self.confirmed_at - spread) // CONFIRM_EVERY + 1) * CONFIRM_EVERY
        return min(confirm_at, self.remind_at) if self.remind_at > 0 else confirm_at


def is_time(due_at: float, looked_at: float, now: float, longest: float) -> bool:
    """Return whether a job is due; a due time further off than *longest* is a clock that was set back."""
    if due_at - now > longest:
        return True
    return due_at - _AHEAD * max(due_at - looked_at, 0.0) * (looked_at > 0) <= now


def summary_hash(summary: Summary) -> int:
    """Return a cheap hash of what a summary says; any difference at all changes it."""
    return hash((summary.status, summary.changed, bytes(summary.steps)))


def mark_of_summary(summary: Summary) -> int:
    """Return the fingerprint of a summary, comparable with mark_of_facts; 0 if it has none."""
    try:
        return _mark(summary.status, summary.changed, _steps_of(summary))
    except (ValueError, RecursionError):
        return 0


def mark_of_facts(kind: Kind, facts: Mapping[str, Any]) -> int:
    """Return the fingerprint of a response: its status, change time, and what else moves, in a fixed order; never 0."""
    members = kind.members
    return _mark(facts.get(members.status), member(facts, members.changed), member(facts, kind.list_members.steps))


def _steps_of(summary: Summary) -> object:
    """Return the job's changing values from a summary; None if it has none.  Raises for what cannot be read."""
    return msgspec.json.decode(summary.steps) if summary.steps else None


def _mark(status: object, changed: object, details: object) -> int:
    steps = sorted(details.items()) if isinstance(details, dict) else []
    told = [(key, [value.get(name) for name in _MEMBERS_THAT_MOVE]) for key, value in steps if isinstance(value, dict)]
    # A number may have more digits than Python writes.
    counted = [details % 2**63] if isinstance(details, int) else []
    text = repr(([status, changed], told + counted))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True) or 1


def is_settled(kind: Kind, facts: Mapping[str, Any], summary: Summary) -> bool:
    """Return whether a Get is at least as new as a summary, so that the summary needs no other Get.

    A summary that shows neither a change time nor sub-tasks could hide a change, and settles nothing, unless jobs of
    that *kind* have none of the two.
    """
    members = kind.members
    if summary.changed is None:
        enough = bytes(summary.steps) not in (b"", b"null") or not members.changed
        return enough and mark_of_summary(summary) == mark_of_facts(kind, {**facts, members.changed: None})
    try:
        got, listed = time_of(facts, members.changed), time_of({"t": summary.changed}, "t")
    except MalformedResponse:
        return False
    if got is None or listed is None or got < listed:
        return False
    return got > listed or facts.get(members.status) == summary.status
