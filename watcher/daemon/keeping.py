"""Letting go of what is older than the configuration keeps: at the start, every few hours, and little by little.

Not its business: what may go (``store.retention``).
"""

from __future__ import annotations

from watcher import clock
from watcher.daemon.parts import Parts
from watcher.loop import Bell

EVERY = 6 * 3600.0
"""Seconds between two rounds."""

UNCONFIRMED = 5.0
"""Seconds between two checks of whether AWS has confirmed the clock; nothing old is deleted before."""

PAUSE = 0.2
"""Seconds between two steps of one, in which the others use the database."""


class Keeping:
    """One round after the other."""

    def __init__(self, parts: Parts) -> None:
        self.bell = Bell()
        self._parts = parts
        self._due = 0.0
        self._after: int | None = 0
        self._events = 0

    async def turn(self) -> float:
        """Take one step of a round; return when (epoch seconds) the next one is."""
        now = clock.now()
        if now < self._due <= now + EVERY:  # a later one is of a clock that was set back
            return self._due
        if not self._parts.trust.is_confirmed():
            self._due = now + UNCONFIRMED
            return self._due
        self._due = now + (PAUSE if await self._step(now) else EVERY)
        return self._due

    async def once(self) -> None:
        """Delete old history once, if the clock is confirmed."""
        if not self._parts.trust.is_confirmed():
            return
        while await self._step(clock.now()):
            pass

    async def _step(self, now: float) -> bool:
        """Return whether the round goes on."""
        retention, keep = self._parts.store.retention, self._parts.config.keep
        if keep and self._after is not None:
            pruned = await self._parts.transact(retention.prune, now, keep, self._after)
            self._after, self._events = pruned.after, self._events + pruned.events
            return True
        if await self._parts.transact(retention.give_back):
            return True
        if self._events:
            self._parts.log.info("history_let_go", events=self._events)
        self._after, self._events = 0, 0
        return False
