"""Which jobs that someone else began are watched: rules, and what a List tells of a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import blake2b

MARGIN = 3600.0
"""A new job may be listed late: what was created so long (s) before the newest one that was seen may still be new."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a List tells of a job.  Times are epoch seconds; 0 where it does not tell."""

    arn: str
    name: str
    status: str
    created_at: float
    changed_at: float
    type: str
    over: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """Jobs to watch: all of it has to fit, and what is empty fits every job.

    *names* are globs, *tags* globs of AWS's tags as ``key=value`` or ``key``; *within* is how old (s) a job may be when
    it is found, 0 for any age.  *since* is when the rule was first in use: what was over before is not its business.
    """

    name: str
    account: str
    region: str
    kind: str
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    within: float = 0.0
    since: float = 0.0

    @property
    def mark(self) -> str:
        """What tells a rule from another one: one that is changed is a new one."""
        words = (self.account, self.region, self.kind, self.names, self.types, self.tags, self.status, self.within)
        return blake2b(repr(words).encode(), digest_size=9).hexdigest()

    def may_fit(self, job: Found, now: float) -> bool:
        """Return whether *job* fits but for its status, which changes, and its tags, which take another question."""
        if job.over and (job.changed_at or job.created_at) < self.since:
            return False
        return (
            (not self.names or any(fnmatchcase(job.name, glob) for glob in self.names))
            and (not self.types or job.type in self.types)
            and (not self.within or now - job.created_at <= self.within)
        )

    def fits_status(self, job: Found) -> bool:
        """Return whether *job* has one of the statuses that are wanted."""
        return not self.status or job.status in self.status

    def fits_tags(self, tags: Mapping[str, str]) -> bool:
        """Return whether AWS's *tags* fit: each wish one of them."""
        said = [(key, f"{key}={value}") for key, value in tags.items()]
        return all(any(fnmatchcase(pair if "=" in glob else key, glob) for key, pair in said) for glob in self.tags)


def tags_of(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return AWS's tags as ours, by which channels choose."""
    return tuple(sorted(f"{key}={value}" if value else key for key, value in tags.items() if key.lower() != "name"))


def label_of(tags: Mapping[str, str]) -> str:
    """Return what people call a job by AWS's custom: its tag ``Name``."""
    return next((value for key, value in tags.items() if key.lower() == "name"), "")


def bound_of(rules: Iterable[Rule], now: float) -> float:
    """Return from when on (epoch seconds) a job must have been created for any of *rules* to take it; 0: whenever."""
    ages = [rule.within for rule in rules]
    return now - max(ages) if ages and all(ages) else 0.0
