"""Run one group's Gets: their order, their concurrency, and slow ones aside from the rest.

While nothing of a turn has worked yet, a few jobs are asked for first: when these fail alike, the others would, too.
A Get that takes much longer than those of its group is left behind: it goes on beside the turns, one at a time.
Not its business: what an answer means (``sweep.group``), and whose fault an error is (``sweep.decide``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

import anyio
from anyio.abc import TaskGroup

from watcher.bedrock.answers import Answer
from watcher.doing import Cause, doing
from watcher.errors import LookError
from watcher.policy import SLOWEST_RETRY
from watcher.sweep.turn import Turn
from watcher.sweep.watched import Watched

AT_ONCE = 8
"""Maximum connections of one group; one is for slow jobs, if there are any."""

PROBES = 8
"""Number of jobs to poll until one succeeds."""

HASTE = 3.0
"""Minimum seconds after which a Get is left behind, if others of the cycle have succeeded."""

SLOWER = 4.0
"""A Get is left behind if it takes this many times longer than the slowest recent success."""

_GLANCE = 0.1
_GOLDEN = 0.6180339887


class Gets:
    """The Gets of one group.

    *fetch* asks AWS, *take* deals with its answer; both raise LookError.  *is_watched* tells whether a job is watched
    still, *is_closed* whether asking on is in vain; *judge* writes what came of a turn.  *beside* runs what is left
    behind; without it a turn waits for that.
    """

    def __init__(
        self,
        fetch: Callable[[Watched], Awaitable[Answer]],
        take: Callable[[Turn, Watched, Answer], Awaitable[None]],
        *,
        is_watched: Callable[[Watched], bool],
        is_closed: Callable[[Turn], bool],
        judge: Callable[[Turn], Awaitable[None]],
        now: Callable[[], float],
    ) -> None:
        self.beside: TaskGroup | None = None
        self._is_watched = is_watched
        self._fetch, self._take, self._is_closed, self._judge, self._now = fetch, take, is_closed, judge, now
        self._behind: set[int] = set()
        self._waiting: dict[int, tuple[anyio.CancelScope, float]] = {}
        self._slowest = 0.0
        self._alone = anyio.Lock()

    async def all(self, turn: Turn, jobs: Iterable[Watched]) -> None:
        """Get *jobs*; until one of them succeeds, only a few whose last poll succeeded."""
        prompt: list[Watched] = []
        slow: list[Watched] = []
        for job in jobs:
            if job.id in self._behind:
                job.due_at = self._now() + SLOWEST_RETRY
            else:
                (slow if job.hung else prompt).append(job)
        prompt.sort(key=lambda job: _order(job, turn.how.luck))
        first = len(prompt) if turn.works else PROBES
        slow += await self._some(turn, prompt[:first])
        if prompt[first:]:
            if self._is_closed(turn):
                return
            slow += await self._some(turn, prompt[first:])
        for job in slow:
            await self._leave(turn, job)

    async def _some(self, turn: Turn, jobs: Sequence[Watched]) -> list[Watched]:
        """Get *jobs*; return those that were left behind."""
        left: list[Watched] = []
        limiter = anyio.CapacityLimiter(AT_ONCE - 1 if self._behind else AT_ONCE)

        async def ask(job: Watched) -> None:
            async with limiter:
                with doing(_cause(job)):
                    if self._is_watched(job) and not await self._ask(turn, job):
                        left.append(job)

        async def ask_all() -> None:
            async with anyio.create_task_group() as asking:
                for job in jobs:
                    asking.start_soon(ask, job)
            tasks.cancel_scope.cancel()

        if jobs:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask_all)
                tasks.start_soon(self._hurry, turn)
        return left

    async def _hurry(self, turn: Turn) -> None:
        """Cancel Gets that take much longer than the successful ones."""
        while True:
            await anyio.sleep(_GLANCE)
            late = anyio.current_time() - max(HASTE, SLOWER * self._slowest)
            for scope, began in tuple(self._waiting.values()):
                if turn.got and began < late:
                    scope.cancel()

    async def _ask(self, turn: Turn, job: Watched) -> bool:
        """Get one job; return False if it has to be left behind."""
        began, answer = anyio.current_time(), None
        with anyio.CancelScope() as scope:
            self._waiting[job.id] = scope, began
            try:
                answer = await self._fetch(job)
            except LookError as error:
                turn.errors.append((job, error))
                return True
            finally:
                del self._waiting[job.id]
        if answer is None:
            job.hung = True
            return False
        await self._deal(turn, job, answer)
        self._slowest = max(0.9 * self._slowest, anyio.current_time() - began)
        return True

    async def _deal(self, turn: Turn, job: Watched, answer: Answer) -> None:
        try:
            await self._take(turn, job, answer)
        except LookError as error:
            turn.errors.append((job, error))

    async def _leave(self, turn: Turn, job: Watched) -> None:
        """Get a slow job outside the poll cycle."""
        self._behind.add(job.id)
        job.due_at = self._now() + SLOWEST_RETRY
        if self.beside is None:
            await self._late(turn, job)
        else:
            self.beside.start_soon(self._late, turn, job)

    async def _late(self, turn: Turn, job: Watched) -> None:
        try:
            async with self._alone:
                if not self._is_watched(job):
                    return
                own = Turn(self._now(), turn.how)
                with doing(_cause(job)):
                    await self._ask_patiently(own, job)
                await self._judge(own)
        finally:
            self._behind.discard(job.id)

    async def _ask_patiently(self, turn: Turn, job: Watched) -> None:
        try:
            answer = await self._fetch(job)
        except LookError as error:
            turn.errors.append((job, error))
        else:
            job.hung = False
            await self._deal(turn, job, answer)


def _cause(job: Watched) -> Cause:
    """Return the current activity, for a crash report."""
    return Cause(f"polling job {job.title}", "job", str(job.id), f"job {job.title}")


def _order(job: Watched, luck: float) -> tuple[int, float]:
    """Sort jobs so that those whose last poll succeeded come first, rotating among them."""
    rank = 2 if job.failures else 1 if job.state == "new" else 0
    return rank, (job.id * _GOLDEN + luck) % 1.0
