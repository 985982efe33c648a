"""Attribute failed polls of a group to the account, the scope, or each job.

Not its business: asking (``sweep.gets``), and what follows for a job or a scope (``sweep.decide``, ``sweep.outage``).
"""

from __future__ import annotations

from collections.abc import Callable

from watcher.errors import LookError, LookFault
from watcher.logs import Log
from watcher.sweep.decide import are_alike, miss, shared_fault
from watcher.sweep.edges import Book, Transact
from watcher.sweep.finder import Finder
from watcher.sweep.gets import PROBES
from watcher.sweep.listing import Listing
from watcher.sweep.outage import Outage
from watcher.sweep.roster import Roster
from watcher.sweep.turn import Turn
from watcher.sweep.watched import Watched

KNOWS_US = frozenset({LookFault.DENIED, LookFault.NOT_FOUND, LookFault.INVALID})
"""Errors that AWS returns only for valid credentials."""


class Attribution:
    """The failures of one group's turns.  *works_unlisted*: Gets have worked since List was denied."""

    def __init__(  # noqa: PLR0913 - the group's one call
        self,
        jobs: Roster,
        whole: Outage,
        account: Outage,
        listing: Listing,
        book: Book,
        transact: Transact,
        *,
        now: Callable[[], float],
        on_news: Callable[[], None],
        log: Log,
    ) -> None:
        self.works_unlisted = False
        self._jobs, self._whole, self._account, self._listing = jobs, whole, account, listing
        self._book, self._transact, self._now, self._on_news, self._log = book, transact, now, on_news, log

    def asking(self) -> list[Watched]:
        """Return the jobs that a person has asked to poll."""
        return [job for job in self._jobs.awake.values() if job.asked]

    async def attribute(self, turn: Turn, finder: Finder | None) -> None:
        """Record failures: for the account or scope if they share a cause, else job by job."""
        shared = turn.credentials or turn.scope_error or self.shared(turn)
        if turn.credentials is None and any(error.fault in KNOWS_US for _, error in turn.errors):
            await self._account.works(turn.how, turn.now)
        if shared is not None:
            asking = self.asking()
            outage = self._account if shared is turn.credentials else self._whole
            await outage.miss(turn.how, shared, turn.now)
            await self.answer(asking)
            return
        if turn.list_error is not None:
            await self._listing.miss(turn, turn.list_error, finder)
        for job, error in turn.errors:
            await self._miss_job(turn, job, error)
        if turn.works or turn.listed:
            await self._whole.works(turn.how, turn.now)

    def shared(self, turn: Turn) -> LookError | None:
        """Return the error that all jobs share in this cycle, or None."""
        errors = _errors(turn)
        # A List that works does not prove that Gets work.
        looked = turn.got or (turn.shown and len(errors) < PROBES)
        found = shared_fault(errors, looked=looked, others_work=self._others_work(turn))
        if found is not None and found.fault is LookFault.DENIED and self.works_unlisted:
            return None  # List is denied, and Gets worked: some jobs may be denied as well
        return found

    def is_doubtful(self, turn: Turn) -> bool:
        """Return whether all polled jobs failed alike, so that other jobs must be probed to find the cause."""
        if turn.works or turn.scope_error or turn.credentials or self.shared(turn):
            return False
        return are_alike(_errors(turn))

    def witnesses(self, turn: Turn) -> list[int]:
        """Return a few jobs whose last poll succeeded and that this cycle did not poll; different ones each time."""
        asked = {job.id for job, _ in turn.errors}
        well = [job.id for job in self._jobs.awake.values() if job.works and job.id not in asked]
        quiet, first = self._jobs.ids, int(turn.how.luck * self._jobs.quiet)
        return [*well, *quiet[first : first + PROBES], *quiet[:PROBES]][:PROBES]

    async def answer(self, asking: list[Watched]) -> None:
        """Mark the poll requests for these jobs as answered."""
        if asking:
            await self._transact(self._book.answer, [job.id for job in asking])
        for job in asking:
            job.asked = False

    def _others_work(self, turn: Turn) -> bool:
        well = sum(job.works for job, _ in turn.errors)
        if turn.probed or self._whole.lost or well >= PROBES:
            return False
        failed = {job.id for job, _ in turn.errors}
        others = (job for job in self._jobs.awake.values() if job.id not in failed)
        return bool(self._jobs.quiet) or any(job.works for job in others)

    async def _miss_job(self, turn: Turn, job: Watched, error: LookError) -> None:
        now = self._now()
        state = miss(turn.how, job, error, now)
        await self._transact(self._book.missed, job.id, state, now)
        if not job.failures:
            self._log.warning("job_failing", job=job.identifier, error=error.what, remedy=error.remedy)
        job.misses = job.misses + 1 if error.fault is LookFault.NOT_FOUND else 0
        job.failures, job.failing_since = state.failures, state.failing_since
        job.looked_at, job.due_at = now, state.next_poll_at
        job.state = state.state or job.state
        job.asked = False
        if state.transitions:
            job.blind_since = now
        if state.postings:
            self._on_news()


def _errors(turn: Turn) -> list[LookError]:
    """Return why Gets failed; without any, why List did."""
    return [error for _, error in turn.errors] or ([turn.list_error] if turn.list_error else [])
