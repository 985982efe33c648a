"""One List for all that want one: the polling of watched jobs, and the finding of others.

It is read from the newest job on.  Where most of what it shows is not ours, old jobs are in the way: then those that
are still missing are asked for by their status, and an account with thousands of old jobs costs what its running ones
cost.  Not its business: what to do with the jobs that moved (``sweep.group``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from watcher.bedrock.answers import Page, Summary
from watcher.bedrock.kind import Kind, MalformedResponse, time_of
from watcher.model import Outcome
from watcher.policy import LISTED_FROM, next_look
from watcher.sweep.edges import Eyes
from watcher.sweep.finder import Finder
from watcher.sweep.reading import Reading
from watcher.sweep.roster import Roster
from watcher.sweep.turn import Turn
from watcher.sweep.watched import mark_of_summary, summary_hash


class Pages:
    """The reading of one turn.  *saw* is called after each answer."""

    def __init__(
        self,
        turn: Turn,
        eyes: Eyes,
        kind: Kind,
        jobs: Roster,
        saw: Callable[[Turn], Awaitable[None]],
    ) -> None:
        self._turn, self._eyes, self._kind, self._jobs, self._saw = turn, eyes, kind, jobs, saw
        self._awake = {job.arn for job in jobs.awake.values()}
        self._finder: Finder | None = None
        self._words = [word for word, outcome in kind.outcomes.items() if outcome is Outcome.RUNNING]

    async def read(self, finder: Finder | None) -> list[int]:
        """Return which of the watched jobs moved, and which of the wanted ones List does not show."""
        self._finder = finder
        created_after = self._jobs.oldest_wanted() - 1
        if finder is not None:
            await finder.begin()
            await self._scan(finder.scans())
            created_after = min(created_after, finder.listed_from)
        if not await self._all(created_after) and self._missing >= LISTED_FROM:
            await self._by_status(self._jobs.oldest_wanted() - 1)
        return [*self._turn.summaries, *self._jobs.missing()]

    @property
    def _missing(self) -> int:
        return self._jobs.wanted.count(True)

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
            if self._missing < LISTED_FROM:
                return
            await self._follow(created_after, word)

    async def _follow(self, created_after: float, status: str) -> None:
        reading = Reading()
        while not reading.ended:
            await self._page(reading, created_after, status)

    async def _all(self, created_after: float, *, to_the_end: bool = False) -> bool:
        """Read until nothing is missing; return False when it is given up because old jobs are in the way."""
        newest_wanted = self._finder.listed_from if self._finder else float("inf")
        reading = Reading()
        while True:
            page = await self._page(reading, created_after)
            if reading.ended:
                return True
            if to_the_end:
                continue
            found = _created(page) <= newest_wanted
            if found and not self._missing:
                return True
            ours = sum(self._is_ours(summary) for summary in page.summaries)
            if found and self._kind.list_members.status_equals and 2 * ours < len(page.summaries):
                return False

    async def _page(self, reading: Reading, created_after: float, status: str = "") -> Page:
        turn, jobs = self._turn, self._jobs
        page = await self._eyes.page(created_after, reading.token, status)
        await self._saw(turn)
        turn.shown = turn.shown or bool(page.summaries)
        reading.turn(page)
        turn.unreadable += page.unreadable
        for summary in page.summaries:
            row = jobs.rows.get(summary.arn)
            if row is None:
                if self._finder is not None and not self._is_ours(summary):
                    self._finder.show(summary)
            elif jobs.get_at[row] > turn.now:
                jobs.wanted[row] = False
                if not self._unmoved(row, summary):
                    turn.summaries[jobs.ids[row]] = summary
        return page

    def _is_ours(self, summary: Summary) -> bool:
        return summary.arn in self._jobs.rows or summary.arn in self._awake

    def _unmoved(self, row: int, summary: Summary) -> bool:
        """Return whether a quiet job is shown as it was; then that was its look."""
        jobs, turn = self._jobs, self._turn
        seen = summary_hash(summary)
        if not self._kind.listed:
            # It tells too little to settle anything: each job keeps its time, unless even List has something new.
            before, jobs.listed[row] = jobs.listed[row], seen
            return before in (0, seen)
        if seen != jobs.listed[row]:
            if mark_of_summary(summary) != jobs.mark[row]:
                return False
            jobs.listed[row] = seen
        quiet_for = max(turn.now - jobs.changed_at[row], 0.0)
        jobs.due_at[row] = turn.now + next_look(turn.how.cadence, quiet_for, turn.how.luck)
        jobs.looked_at[row] = turn.now
        return True


def _created(page: Page) -> float:
    """Return when the last job of a page was created: the oldest; infinity where that cannot be told."""
    last = page.summaries[-1].created if page.summaries else ""
    try:
        moment = time_of({"t": last or None}, "t")
    except MalformedResponse:
        moment = None
    return moment.timestamp() if moment else float("inf")
