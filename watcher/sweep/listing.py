"""Whether a scope's List can be asked, and what follows when it cannot.

Polling goes on without it, by a Get for each job; but a rule finds nothing then, and that is told.
Not its business: reading what List answers (``sweep.pages``).
"""

from __future__ import annotations

from collections.abc import Sequence

from watcher.errors import LookError, LookFault
from watcher.logs import Log
from watcher.policy import retry_look
from watcher.sweep.finder import Finder
from watcher.sweep.outage import Outage
from watcher.sweep.roster import Roster
from watcher.sweep.turn import Turn

LIST_AGAIN = 3600.0
"""When List is denied, it is tried again after this many seconds."""

FIND_AGAIN = 300.0
"""The same where a rule looks for jobs: nothing else finds them."""


BY_GET = 200
"""Maximum number of jobs per cycle to poll by Get if List failed but was not denied."""


class Listing:
    """The List of the scope *key*.  *finding* keeps, and tells, that no rule can find jobs there."""

    def __init__(self, key: str, finding: Outage, log: Log) -> None:
        self._key, self._finding, self._log = key, finding, log
        self.denied = False
        self._from = 0.0
        self._failures = 0
        self._failing = self._odd = False

    def waits(self, now: float) -> bool:
        """Return whether List failed recently and is not yet due for a retry."""
        # A later time means that the clock was set back.
        return now < self._from <= now + LIST_AGAIN

    def try_again(self) -> None:
        """Ask it at once: something was changed that may help."""
        self._from = 0.0

    def fail(self, turn: Turn, error: LookError, *, finds: bool) -> None:
        """Record that List failed; *finds*: a rule needs it."""
        self._failures += 1
        self.denied = error.fault is LookFault.DENIED
        delay = retry_look(turn.how.cadence, self._failures, turn.how.luck, error.retry_after)
        if self.denied:
            delay = FIND_AGAIN if finds else LIST_AGAIN
        self._from = turn.now + delay

    def unlisted(self, jobs: Roster) -> list[int]:
        """Return the jobs to poll by Get in place of List; the others become due when List is retried.

        If List is denied, these are all due jobs; a temporary failure does not justify that many Gets.
        """
        return jobs.missing() if self.denied else jobs.longest_missing(BY_GET, self._from)

    async def miss(self, turn: Turn, error: LookError, finder: Finder | None) -> None:
        """Go on without it; with a *finder*, what it cannot find is told when that has lasted."""
        if finder is not None:
            finder.due_at = max(finder.due_at, self._from)
            await self._cannot_find(turn, error, "no rule can find new jobs")
        elif not self._failing:
            self._log.warning("list_failed", scope=self._key, error=error.what, remedy=error.remedy)
        self._failing = True

    async def works(self, turn: Turn, finder: Finder | None) -> None:
        """It has answered, and the *finder* has seen it: what could not be asked for is over."""
        if finder is not None:
            if finder.refused is not None:
                await self._cannot_find(turn, finder.refused, "new jobs wait until their tags can be read")
            elif not finder.waiting:
                await self._finding.load()
                await self._finding.works(turn.how, turn.now)
        elif self._failing:
            self._log.info("list_works_again", scope=self._key)
        self._failing = self.denied = False
        self._failures = 0
        self._note_unreadable(turn.unreadable)

    def _note_unreadable(self, rows: Sequence[str]) -> None:
        """Log once when rows of List are skipped, and once when none are skipped any more."""
        if rows and not self._odd:
            remedy = "watched jobs among them are polled one by one; no rule can find the others"
            self._log.warning("list_rows_unreadable", scope=self._key, rows=len(rows), first=rows[0], remedy=remedy)
        elif self._odd and not rows:
            self._log.info("list_rows_readable_again", scope=self._key)
        self._odd = bool(rows)

    async def _cannot_find(self, turn: Turn, error: LookError, what: str) -> None:
        told = LookError(error.fault, error.code, f"{what}: {error.reason}", error.remedy)
        await self._finding.load()
        await self._finding.miss(turn.how, told, turn.now)
