"""Finding jobs that someone else began, in the pages of List by which a group polls.

At first the running jobs are asked for, by their status; from then on a List from a little before the newest job that
was seen shows what is new, however many old jobs there are.  That newest time is remembered over a restart.
Not its business: paging (``sweep.group``), and which rules there are (``policy.discovery``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import anyio

from watcher.bedrock.answers import Summary
from watcher.bedrock.kind import Kind, MalformedResponse, time_of
from watcher.errors import BadIdentifier, LookError, LookFault
from watcher.identifiers import JobArn
from watcher.logs import Log
from watcher.model import Outcome
from watcher.policy import Traits
from watcher.policy.discovery import MARGIN, Found, Rule, bound_of, label_of, tags_of
from watcher.store.findings import Finding, Findings
from watcher.sweep.edges import Eyes, FindingsBook, Transact

AT_ONCE, A_TURN = 8, 200
"""How many jobs' tags are asked for at the same time, and in one turn; the rest waits for the next."""

TAGS_AGAIN = WRITE_EVERY = 3600.0
"""Seconds until tags that were denied are asked for again; and until a newest time that moved is written down."""


class Finder:
    """The rules of one group, and how far its jobs are known.  *traits* are the account and the region looked in."""

    def __init__(
        self,
        key: str,
        kind: Kind,
        traits: Traits,
        book: FindingsBook,
        transact: Transact,
        *,
        now: Callable[[], float],
        log: Log,
    ) -> None:
        self.traits = traits
        self.rules: tuple[Rule, ...] = ()
        self._owner = f":{traits.account}:"
        self.due_at = 0.0
        self._key, self._kind, self._book, self._transact, self._now, self._log = key, kind, book, transact, now, log
        self._state: Findings | None = None
        self._begun_at = self._newest = self._written = 0.0
        self._passed: set[str] = set()
        self._seen: set[str] = set()
        self._candidates: dict[str, Found] = {}
        self._tags_from = 0.0

    def use(self, rules: tuple[Rule, ...]) -> None:
        """Go by these rules from now on; each is first used when it *since* says."""
        if rules != self.rules:
            self.rules, self._passed, self.due_at = rules, set(), 0.0

    async def begin(self) -> None:
        """Read what an earlier process knew, and get ready for the pages of a turn."""
        if self._state is None:
            self._state = await self._transact(self._book.findings, self._key)
            self._begun_at = self._newest = self._written = self._state.newest or self._now()
        self._seen, self._candidates = set(), {}

    @property
    def new_rules(self) -> list[Rule]:
        """The rules for which the running jobs have yet to be asked for."""
        scanned = self._state.scanned if self._state else ()
        return [rule for rule in self.rules if rule.mark not in scanned]

    @property
    def scan_from(self) -> float:
        """From when on jobs are asked for that the new rules may want."""
        return bound_of(self.new_rules, self._now())

    @property
    def listed_from(self) -> float:
        """From when on every job is asked for: a little before the newest one that was seen."""
        return max(self._newest - MARGIN, 0.0)

    @property
    def running(self) -> list[str]:
        """The statuses of jobs that are not over."""
        return [word for word, outcome in self._kind.outcomes.items() if outcome is Outcome.RUNNING]

    def show(self, summary: Summary) -> None:
        """Take note of a job that is not watched."""
        arn = summary.arn
        if self._owner not in arn:
            return  # a caller who sees several accounts, as those of a simulated Bedrock may
        self._seen.add(arn)
        if arn in self._passed or arn in self._candidates:
            return
        with suppress(MalformedResponse, BadIdentifier):
            found = found_of(self._kind, summary)
            self._newest = max(self._newest, found.created_at)
            # What was over by the time of an earlier process is known, if only to be over.
            known = found.over and found.created_at <= self._begun_at and not self.new_rules
            if not known and any(rule.fits(found, self._now()) for rule in self.rules):
                self._candidates[arn] = found
                return
        self._passed.add(arn)

    async def settle(self, eyes: Eyes) -> bool:
        """Write down what the pages showed, and return whether jobs were found."""
        state = self._state
        assert state is not None  # noqa: S101 - begin() has set it
        findings, complete = await self._judge(eyes)
        # What is not listed any more need not be remembered; what waits for its tags is a candidate again.
        self._passed &= self._seen
        scanned = tuple(rule.mark for rule in self.rules) if complete else state.scanned
        moved = self._newest - self._written >= WRITE_EVERY
        if not findings and set(scanned) == set(state.scanned) and not moved:
            return False
        self._state = Findings(self._newest, scanned)
        await self._transact(self._book.find, self._key, self._state, findings, self._now())
        self._written = self._newest
        for finding in findings:
            self._log.info("job_found", job=finding.arn, rule=finding.rule)
        return bool(findings)

    async def _judge(self, eyes: Eyes) -> tuple[list[Finding], bool]:
        """Return the jobs that a rule wants, and whether all candidates were judged."""
        if not self._candidates:
            return [], True
        unknown = await self._transact(self._book.unknown, list(self._candidates))
        self._passed |= self._candidates.keys() - unknown
        asking = [job for arn, job in self._candidates.items() if arn in unknown]
        tags = await self._tags(eyes, asking[:A_TURN])
        findings = []
        for job in asking[:A_TURN]:
            its = tags.get(job.arn)
            if its is None:
                continue  # asked for again with the next List
            self._passed.add(job.arn)
            rule = next((one for one in self.rules if one.fits(job, self._now()) and one.fits_tags(its)), None)
            if rule is not None:
                findings.append(Finding(job.arn, job.name, rule.name, label_of(its), tags_of(its), job.created_at))
        return findings, len(asking) <= A_TURN

    async def _tags(self, eyes: Eyes, jobs: Iterable[Found]) -> dict[str, Mapping[str, str]]:
        """Return the jobs' tags, by ARN; a job whose tags could not be asked for is left out.

        Where tags are denied, every job has none.
        """
        tags: dict[str, Mapping[str, str]] = {}
        limiter = anyio.CapacityLimiter(AT_ONCE)

        async def ask(job: Found) -> None:
            async with limiter:
                if self._now() < self._tags_from:
                    tags[job.arn] = {}
                    return
                try:
                    tags[job.arn] = await eyes.tags(job.arn)
                except LookError as error:
                    self._refused(job, error, tags)

        async with anyio.create_task_group() as tasks:
            for job in jobs:
                tasks.start_soon(ask, job)
        return tags

    def _refused(self, job: Found, error: LookError, tags: dict[str, Mapping[str, str]]) -> None:
        if error.fault in (LookFault.NOT_FOUND, LookFault.INVALID):
            tags[job.arn] = {}
        elif error.fault is LookFault.DENIED:
            tags[job.arn] = {}
            if self._now() >= self._tags_from:
                self._log.warning("tags_denied", scope=self._key, error=error.what, remedy=error.remedy)
            self._tags_from = self._now() + TAGS_AGAIN


def found_of(kind: Kind, summary: Summary) -> Found:
    """Return what a summary tells of a job; raises MalformedResponse or BadIdentifier."""
    outcome = kind.outcomes.get(summary.status, Outcome.RUNNING)
    created = time_of({"t": summary.created or None}, "t")
    changed = time_of({"t": summary.changed}, "t")
    arn = JobArn.parse(summary.arn)
    return Found(
        summary.arn,
        summary.name or arn.id,
        summary.status,
        created.timestamp() if created else 0.0,
        changed.timestamp() if changed else 0.0,
        summary.type,
        outcome.terminal,
    )
