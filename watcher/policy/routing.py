"""Who is told of what, when, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from fnmatch import fnmatchcase
from typing import Protocol

from watcher.model import Posting, Severity, Transition
from watcher.policy.topics import severity, topics

DIGEST = "digest"
"""The fold of a message that waits for its channel's daily digest."""

_URGENT = frozenset({Severity.FAILURE, Severity.WARNING})


class Called(Protocol):
    """A job, as far as channels choose by it."""

    @property
    def tags(self) -> tuple[str, ...]:
        """What people have tagged it with."""

    @property
    def account(self) -> str:
        """Whose it is; empty when that is not known yet."""

    @property
    def region(self) -> str:
        """Where it is."""

    @property
    def label(self) -> str:
        """Its name for people."""

    @property
    def name(self) -> str:
        """What AWS calls it."""

    @property
    def identifier(self) -> str:
        """What AWS is asked for."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a channel can choose jobs by; *names* are all that a job is called.

    *unseen*: these are of jobs that nobody has seen yet, which may have any tags and names.
    """

    tags: frozenset[str] = frozenset()
    account: str = ""
    region: str = ""
    names: tuple[str, ...] = ()
    unseen: bool = False

    @classmethod
    def of(cls, job: Called) -> Traits:
        """Return the traits of a job."""
        names = (job.label, job.name, job.identifier, job.identifier.rpartition("/")[2])
        return cls(frozenset(job.tags), job.account, job.region, tuple(filter(None, dict.fromkeys(names))))


@dataclass(frozen=True, slots=True)
class Digest:
    """A time of day at which what is not urgent is told in one message; *zone* None is the machine's."""

    hour: int
    minute: int
    zone: tzinfo | None = None

    def next_after(self, now: datetime) -> datetime:
        """Return the next such time after *now*, by the zone's own offset on that day.

        The machine's zone is asked by way of a naive datetime: ``astimezone()`` alone gives one with today's offset,
        which is an hour off across a change to or from summer time.
        """
        local = now.astimezone(self.zone).replace(tzinfo=None)
        at = local.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        if at <= local:
            at += timedelta(days=1)
        return at.astimezone() if self.zone is None else at.replace(tzinfo=self.zone)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a channel is told, and the reason, in words."""

    told: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Route:
    """What one channel wants to be told: events by name, jobs by their traits; an empty choice means every job."""

    channel: str
    on: frozenset[str]
    tags: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    digest: Digest | None = None

    def wants_job(self, job: Traits) -> Verdict:
        """Return whether *job* is this channel's business, and why."""
        tagged = job.unseen or not self.tags.isdisjoint(job.tags)
        choices = (
            ("tags", self.tags, tagged, ", ".join(sorted(job.tags)) or "none"),
            ("accounts", self.accounts, job.account in self.accounts, job.account or "none that is known yet"),
            ("regions", self.regions, job.region in self.regions, job.region),
            ("names", self.names, job.unseen or self._named(job), ", ".join(job.names)),
        )
        for key, chosen, fits, has in choices:
            if chosen and not fits:
                return Verdict(False, f"{key} = {', '.join(sorted(chosen))}; the job has {has}")
        limits = ", ".join(key for key, chosen, _, _ in choices if chosen)
        return Verdict(True, f"the job fits its {limits}" if limits else "it is told of every job")

    def _named(self, job: Traits) -> bool:
        return any(fnmatchcase(name, glob) for glob in self.names for name in job.names)


def post(
    transitions: Iterable[Transition], jobs: Iterable[Traits], routes: Iterable[Route], now: datetime
) -> tuple[Posting, ...]:
    """Return the messages that *transitions* make: one for each channel that any of *jobs* is the business of."""
    changes, traits = tuple(transitions), tuple(jobs)
    names, urgent = topics(changes), severity(changes) in _URGENT
    postings = []
    for route in routes:
        if route.on.isdisjoint(names) or not any(route.wants_job(job).told for job in traits):
            continue
        if route.digest is None or urgent:
            postings.append(Posting(route.channel))
        else:
            postings.append(Posting(route.channel, route.digest.next_after(now).timestamp(), DIGEST))
    return tuple(postings)
