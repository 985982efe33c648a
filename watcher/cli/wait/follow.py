"""Following jobs until they are where they are wanted: what changes is printed as it comes.

Not its business: what that means (``goals``), and where it is known from (``sources``).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from watcher.cli import values
from watcher.cli.add import CODES
from watcher.cli.events import worded
from watcher.cli.output import note, print_document, write
from watcher.cli.wait.goals import Goal, worst
from watcher.cli.wait.progress import Progress, standing
from watcher.cli.wait.sources import Source, Standing
from watcher.cli.wait.sources import standing as look
from watcher.cli.words import span
from watcher.errors import ExitCode
from watcher.model import Appeared, FailureExplained, FieldChanged

if TYPE_CHECKING:
    from watcher.cli.context import Context
    from watcher.cli.jobview import JobView

GLANCE = 0.2
"""Seconds between looks at a database."""

LAST_WORD = 30.0
"""Seconds that the failureMessage of a job that has Failed is waited for: AWS may give it later."""

_UNSAID = (Appeared, FieldChanged, FailureExplained)
"""What is no line of its own: the first sight, what is not news by default, and the reason, which comes at the end."""


@dataclass(slots=True)
class Followed:
    """A job that is waited for.

    *job* is its number in *source*, *after* the last event that was printed, *version* the source's at the last look.
    *code* is its exit code once it is decided, *met* whether it came where it was wanted.
    """

    source: Source
    job: int
    after: int = 0
    version: int | None = None
    view: JobView | None = None
    code: int | None = None
    met: bool = False
    failing: bool = False
    over_since: float = 0.0


@dataclass
class Follower:
    """Follows *jobs* to the *goal*.  *events* are all that were printed."""

    context: Context
    jobs: Sequence[Followed]
    goal: Goal
    output: str
    any_one: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)

    async def run(self, until: float, tend: Callable[[Callable[[str], None]], Any]) -> int:
        """Return the exit code when it is decided, or when *until* (of the monotonic clock) is past.

        *tend* is awaited between looks, and given what says something to the person.
        """
        try:
            while (code := await self._turn()) is None:
                if time.monotonic() >= until:
                    return self._late()
                self.progress.show(self._views(), sum(job.code is not None for job in self.jobs))
                await tend(self._say)
                await anyio.sleep(min(GLANCE, max(until - time.monotonic(), 0.0)))
        finally:
            self.progress.clear()
        return code

    async def _turn(self) -> int | None:
        for job in self.jobs:
            if job.code is None:
                await self._look(job)
            if self.any_one and job.met:
                return job.code
        codes = [job.code for job in self.jobs]
        return None if None in codes else worst(code for code in codes if code is not None)

    async def _look(self, job: Followed) -> None:
        version = await job.source.version()
        if version is not None and version == job.version and not job.over_since:
            return
        job.version = version
        now = await job.source.read(look, job.job, job.after)
        for event, of in now.events:
            job.after = event.id
            self._tell(
                now.view.title,
                values.event(event, of),
                [
                    worded(event, change, self.context.zone, of)
                    for change in event.transitions
                    if not isinstance(change, _UNSAID)
                ],
            )
        first = job.view is None or job.view.snapshot is None
        job.view = now.view
        job.code = self._decided(job, now)
        if job.code is not None:
            job.met = now.view.snapshot is not None and self.goal.met(now.view.snapshot)
            self._say_end(job, now.view)
        elif now.view.snapshot is not None and first:
            self._say(f"{now.view.title}: {standing(now.view)}; waiting for {self.goal.words}")

    def _decided(self, job: Followed, now: Standing) -> int | None:
        """Return the exit code of a job, or None when it is not decided yet."""
        snapshot = now.view.snapshot
        if snapshot is not None and (code := self.goal.code(snapshot)) is not None:
            job.over_since = job.over_since or time.monotonic()
            unsaid = code == ExitCode.JOB_FAILED and not snapshot.failure and now.view.job.state == "closing"
            return None if unsaid and time.monotonic() - job.over_since < LAST_WORD else code
        error = now.view.error
        if error is None:
            if job.failing:
                self._say(f"{now.view.title}: can be looked at again")
            job.failing = False
            return None
        code = CODES.get(error.fault)
        if code is not None and (now.view.job.state == "new" or now.blind):
            return code
        if not job.failing:
            said_already = "asked again" in error.remedy
            self._say(f"{now.view.title}: {error}" + ("" if said_already else "\n  it is asked for again"))
        job.failing = True
        return None

    def _say_end(self, job: Followed, view: JobView) -> None:
        snapshot = view.snapshot
        if job.code in (ExitCode.UNKNOWN_JOB, ExitCode.AWS_REFUSED):
            self._say(f"{view.title}: {view.error}")
        elif snapshot is not None and job.code == ExitCode.FAILED:
            self._say(f"{view.title}: {snapshot.status}, and it never came to {self.goal.text}")
        elif snapshot is not None and job.code != ExitCode.DONE:
            why = f":\n{snapshot.failure}" if snapshot.failure else ""
            self._say(f"{view.title}: {snapshot.status} after {span(view.job.ended_at - view.job.created_at)}{why}")

    def _late(self) -> int:
        for job in self.jobs:
            if job.code is None:
                name = f"{job.view.title}: {standing(job.view)}" if job.view else "a job"
                self._say(f"timed out: {name}; still waiting for {self.goal.words}")
        return ExitCode.TIMED_OUT

    def _views(self) -> Iterable[JobView]:
        return (job.view for job in self.jobs if job.code is None and job.view is not None)

    def _tell(self, title: str, document: dict[str, Any], lines: Sequence[str]) -> None:
        """Print an event, at once: whoever reads may wait for it."""
        self.events.append(document)
        self.progress.clear()
        if self.output == "jsonl":
            print_document("jsonl", document)
        elif self.output == "table":
            for line in lines:
                write(f"{title}: {line}")
        sys.stdout.flush()

    def _say(self, text: str) -> None:
        self.progress.clear()
        note(text)
        sys.stderr.flush()
