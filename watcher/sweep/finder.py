"""Finding jobs that someone else began, in the pages of List by which a group polls.

At first the running jobs are asked for, by their status; from then on a List from a little before the newest job that
was seen shows what is new, however many old jobs there are.  That newest time is remembered over a restart.  The
statuses that a rule names are asked for each time: a job may come to one long after it began.
Not its business: paging (``sweep.pages``), and which rules there are (``policy.discovery``).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from watcher.bedrock.answers import Summary
from watcher.bedrock.kind import Kind, MalformedResponse, time_of
from watcher.errors import BadIdentifier, LookError
from watcher.identifiers import JobArn
from watcher.logs import Log
from watcher.model import Outcome
from watcher.policy import Traits
from watcher.policy.discovery import MARGIN, Found, Rule, bound_of, label_of, tags_of
from watcher.store.findings import Finding, Findings
from watcher.sweep.edges import Eyes, FindingsBook, Transact
from watcher.sweep.tagging import Candidate, Tagging

A_TURN = 200
"""How many jobs' tags are asked for in one turn; the others wait for the next."""

WRITE_EVERY = 3600.0
"""Seconds until a newest time that moved is written down."""

LONGEST_JOB = 30 * 86_400.0
"""What a rule wants of jobs that are over is looked for among those that were created so many seconds ago at most."""


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
        self._tagging = Tagging(key, now, log)
        self._state: Findings | None = None
        self._scanned: tuple[str, ...] = ()
        self._begun_at = self._newest = self._newer = self._written = 0.0
        self._passed: set[str] = set()
        self._seen: set[str] = set()
        self._candidates: dict[str, Candidate] = {}

    def use(self, rules: tuple[Rule, ...]) -> None:
        """Go by these rules from now on; each is first used when it *since* says."""
        if rules == self.rules:
            return
        self.rules, self._passed, self.due_at = rules, set(), 0.0
        still = [(job, tuple(one for one in its if one in rules)) for job, its in self._candidates.values()]
        self._candidates = {job.arn: Candidate(job, its) for job, its in still if its}

    def try_again(self) -> None:
        """Ask at once: something was changed that may help."""
        self.due_at = 0.0
        self._tagging.try_again()

    async def begin(self) -> None:
        """Read what an earlier process knew, and get ready for the pages of a turn."""
        if self._state is None:
            self._state = await self._transact(self._book.findings, self._key)
            self._scanned = self._state.scanned
            self._begun_at = self._newest = self._written = self._state.newest or self._now()
        self._seen, self._newer = set(), self._newest

    @property
    def new_rules(self) -> list[Rule]:
        """The rules for which the running jobs have yet to be asked for."""
        return [rule for rule in self.rules if rule.mark not in self._scanned]

    @property
    def listed_from(self) -> float:
        """From when on every job is asked for: a little before the newest one of the last reading that was whole."""
        return max(self._newest - MARGIN, 0.0)

    @property
    def waiting(self) -> bool:
        """Whether jobs that a rule may want wait until they can be asked about."""
        return bool(self._candidates)

    @property
    def refused(self) -> LookError | None:
        """Why the jobs that were asked about in this turn wait; None when they do not, or were not asked about."""
        return self._tagging.refused

    def scans(self) -> dict[str, float]:
        """Return the statuses of which every job is asked for, and from when on (epoch seconds) it was created.

        Those of jobs that run, where a rule is new; and those that rules name.
        """
        now, new, scans = self._now(), self.new_rules, dict[str, float]()
        for word, outcome in self._kind.outcomes.items():
            running = outcome is Outcome.RUNNING
            naming = [rule for rule in self.rules if word in rule.status]
            bounds = [bound_of(new, now)] if new and running else []
            if naming:
                bounds.append(max(bound_of(naming, now), 0.0 if running else now - LONGEST_JOB))
            if bounds:
                scans[word] = min(bounds)
        return scans

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
            self._newer = max(self._newer, found.created_at)
            # What was over by the time of an earlier process is known, if only to be over.
            known = found.over and found.created_at <= self._begun_at and not self.new_rules
            rules = [one for one in self.rules if one.may_fit(found, self._now()) and (one.status or not known)]
            if fitting := tuple(one for one in rules if one.fits_status(found)):
                self._candidates[arn] = Candidate(found, fitting)
                return
            if rules and not found.over:
                return  # its status may fit another time
        self._passed.add(arn)

    async def settle(self, eyes: Eyes) -> bool:
        """Write down what the pages showed, now that all were read, and return whether jobs were found."""
        state = self._state
        assert state is not None  # noqa: S101 - begin() has set it
        findings = await self._judge(eyes)
        # What is not listed any more need not be remembered.
        self._passed &= self._seen
        self._newest, self._scanned = self._newer, tuple(rule.mark for rule in self.rules)
        # What waits would be forgotten by a restart: another process has to find it again.
        newest = min([self._newest, *(job.created_at - 1 for job, _ in self._candidates.values())])
        scanned = state.scanned if self.waiting else self._scanned
        moved = newest - self._written >= WRITE_EVERY
        if not findings and set(scanned) == set(state.scanned) and not moved:
            return False
        self._state, self._written = Findings(newest, scanned), newest
        await self._transact(self._book.find, self._key, self._state, findings, self._now())
        for finding in findings:
            self._log.info("job_found", job=finding.arn, rule=finding.rule)
        return bool(findings)

    async def _judge(self, eyes: Eyes) -> list[Finding]:
        """Return the jobs that a rule wants; one whose tags could not be asked for stays a candidate."""
        unknown: set[str] = set()
        if self._candidates:
            unknown = await self._transact(self._book.unknown, list(self._candidates))
        for arn in self._candidates.keys() - unknown:
            self._pass(arn)
        asking = list(self._candidates.values())[:A_TURN]
        tags = await self._tagging.read(eyes, asking)
        findings = []
        for job, rules in asking:
            its = tags.get(job.arn)
            if its is None:
                self._candidates[job.arn] = self._candidates.pop(job.arn)  # others have their turn first
                continue
            self._pass(job.arn)
            rule = next((one for one in rules if one.fits_tags(its)), None)
            if rule is not None:
                findings.append(Finding(job.arn, job.name, rule.name, label_of(its), tags_of(its), job.created_at))
        return findings

    def _pass(self, arn: str) -> None:
        del self._candidates[arn]
        self._passed.add(arn)


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
        summary.type or "",
        outcome.terminal,
    )
