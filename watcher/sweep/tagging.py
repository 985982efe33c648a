"""Asking for the tags that jobs have in AWS, of those that a rule may want.

Where tags are denied, a rule without tags goes on without them; one by tags cannot, and its jobs wait.
Not its business: which jobs (``sweep.finder``), and telling people that some wait (``sweep.listing``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import anyio

from watcher.errors import LookError, LookFault
from watcher.logs import Log
from watcher.policy.discovery import Found, Rule
from watcher.sweep.edges import Eyes

AT_ONCE = 8
"""How many jobs' tags are asked for at the same time."""

TAGS_AGAIN = 300.0
"""Seconds until tags that were denied are asked for again."""

_NONE: Mapping[str, str] = {}


class Candidate(NamedTuple):
    """A job, and the rules that want it if its tags fit."""

    job: Found
    rules: tuple[Rule, ...]

    @property
    def needs_tags(self) -> bool:
        """Whether no rule wants it whatever its tags are."""
        return all(rule.tags for rule in self.rules)


class Tagging:
    """The tags of one scope's jobs.  *refused* is why jobs wait that were asked about the last time; None: none do."""

    def __init__(self, key: str, now: Callable[[], float], log: Log) -> None:
        self.refused: LookError | None = None
        self._key, self._now, self._log = key, now, log
        self._from = 0.0
        self._doing_without = False

    def try_again(self) -> None:
        """Ask at once: something was changed that may help."""
        self._from = 0.0

    async def read(self, eyes: Eyes, candidates: Iterable[Candidate]) -> dict[str, Mapping[str, str]]:
        """Return the jobs' tags, by ARN; one that has to wait for them is left out.

        All are asked for even if one is denied: IAM can allow the tags of some jobs, and not those of others.
        """
        tags: dict[str, Mapping[str, str]] = {}
        self.refused = None
        limiter = anyio.CapacityLimiter(AT_ONCE)
        denied = self._now() < self._from <= self._now() + TAGS_AGAIN  # further off: the clock was set back

        async def ask(one: Candidate) -> None:
            if denied:
                if not one.needs_tags:
                    tags[one.job.arn] = _NONE
                return
            async with limiter:
                try:
                    tags[one.job.arn] = await eyes.tags(one.job.arn)
                except LookError as error:
                    self._miss(one, error, tags)
                else:
                    self._works()

        async with anyio.create_task_group() as tasks:
            for one in candidates:
                tasks.start_soon(ask, one)
        return tags

    def _miss(self, one: Candidate, error: LookError, tags: dict[str, Mapping[str, str]]) -> None:
        if error.fault in (LookFault.NOT_FOUND, LookFault.INVALID):
            tags[one.job.arn] = _NONE
            return
        if error.fault is LookFault.DENIED:
            self._from = self._now() + TAGS_AGAIN
            if not one.needs_tags:
                self._do_without(error)
                tags[one.job.arn] = _NONE
                return
        if error.fault is not LookFault.CREDENTIALS:  # which is told for the whole account
            self.refused = error

    def _do_without(self, error: LookError) -> None:
        if not self._doing_without:
            self._log.warning("tags_denied", scope=self._key, error=error.what, remedy=error.remedy)
        self._doing_without = True

    def _works(self) -> None:
        if self._doing_without:
            self._log.info("tags_work_again", scope=self._key)
        self._doing_without = False
