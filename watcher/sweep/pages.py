"""One List for all that want one: the polling of watched jobs, and the finding of others.

It is read from the newest job on.  Where most of what it shows is not ours, old jobs are in the way: then those that
are still missing are asked for by their status, and an account with thousands of old jobs costs what its running ones
cost.  Not its business: what to do with the jobs that moved (``sweep.group``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from watcher.bedrock.answers import Page, Summary
from watcher.bedrock.kind import Kind, MalformedResponse, time_of
from watcher.model import Outcome
from watcher.policy import LISTED_FROM
from watcher.sweep.edges import Eyes
from watcher.sweep.finder import Finder
from watcher.sweep.turn import Turn
from watcher.sweep.watched import Watched

_MOST_PAGES = 1000


class Pages:
    """The reading of one turn.  *unmoved* says of a watched job whether a summary shows it as it was.

    *saw* is called after each answer.
    """

    def __init__(
        self,
        turn: Turn,
        eyes: Eyes,
        kind: Kind,
        jobs: Mapping[int, Watched],
        unmoved: Callable[[Turn, Watched, Summary], bool],
        saw: Callable[[Turn], Awaitable[None]],
    ) -> None:
        self._turn, self._eyes, self._kind, self._unmoved, self._saw = turn, eyes, kind, unmoved, saw
        self._by_arn = {job.arn: job for job in jobs.values()}
        self._moved: dict[int, Watched] = {}
        self._missing: set[int] = set()
        self._finder: Finder | None = None
        self._words = [word for word, outcome in kind.outcomes.items() if outcome is Outcome.RUNNING]

    async def read(self, wanted: Sequence[Watched], finder: Finder | None) -> list[Watched]:
        """Return which of the watched jobs moved, and which of the *wanted* ones List does not show."""
        self._missing = {job.id for job in wanted}
        self._finder = finder
        bounds = [job.created_at - 1 for job in wanted]
        if finder is not None:
            await finder.begin()
            await self._scan(finder.scans())
            bounds.append(finder.listed_from)
        if not await self._all(min(bounds)) and len(self._missing) >= LISTED_FROM:
            await self._by_status(min(job.created_at for job in wanted if job.id in self._missing) - 1)
        return [*self._moved.values(), *(job for job in wanted if job.id in self._missing)]

    async def _scan(self, scans: Mapping[str, float]) -> None:
        """Show the finder every job of some statuses, by the time from which on it was created."""
        if not self._kind.list_members.status_equals:
            if scans:
                await self._all(min(scans.values()), to_the_end=True)
            return
        for word, created_after in scans.items():
            await self._follow(created_after, word)

    async def _by_status(self, created_after: float) -> None:
        """Look for the missing ones among the jobs that run."""
        for word in self._words:
            if len(self._missing) < LISTED_FROM:
                return
            await self._follow(created_after, word)

    async def _follow(self, created_after: float, status: str) -> None:
        token: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._page(created_after, token, status)
            token = page.token
            if not token:
                return

    async def _all(self, created_after: float, *, to_the_end: bool = False) -> bool:
        """Read until nothing is missing; return False when it is given up because old jobs are in the way."""
        newest_wanted = self._finder.listed_from if self._finder else float("inf")
        token: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._page(created_after, token)
            token = page.token
            if not token:
                return True
            if to_the_end:
                continue
            found = _created(page) <= newest_wanted
            if found and not self._missing:
                return True
            ours = sum(summary.arn in self._by_arn for summary in page.summaries)
            if found and self._kind.list_members.status_equals and 2 * ours < len(page.summaries):
                return False
        return True

    async def _page(self, created_after: float, token: str | None, status: str = "") -> Page:
        turn = self._turn
        page = await self._eyes.page(created_after, token, status)
        await self._saw(turn)
        for summary in page.summaries:
            job = self._by_arn.get(summary.arn)
            if job is None:
                if self._finder is not None:
                    self._finder.show(summary)
            elif not job.needs_get(turn.now):
                self._missing.discard(job.id)
                if not self._unmoved(turn, job, summary):
                    turn.summaries[job.id] = summary
                    self._moved[job.id] = job
        return page


def _created(page: Page) -> float:
    """Return when the last job of a page was created: the oldest; infinity where that cannot be told."""
    last = page.summaries[-1].created if page.summaries else ""
    try:
        moment = time_of({"t": last or None}, "t")
    except MalformedResponse:
        moment = None
    return moment.timestamp() if moment else float("inf")
