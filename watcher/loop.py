"""Take turns until told to stop: the one place that sleeps.

Not its business: what a turn does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

LONGEST_NAP = 5.0
"""Seconds; so that a clock that jumps delays nobody for longer."""


@dataclass(slots=True)
class Bell:
    """Wakes one sleeper.  A ring while nobody sleeps is kept for the next sleep."""

    _event: anyio.Event = field(default_factory=anyio.Event)

    def ring(self) -> None:
        """Wake the sleeper, now or as soon as it sleeps."""
        self._event.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep until rung, for *seconds* at most."""
        with anyio.move_on_after(max(seconds, 0.0)):
            await self._event.wait()
        if self._event.is_set():
            self._event = anyio.Event()


async def take_turns(
    turn: Callable[[], Awaitable[float | None]],
    *,
    now: Callable[[], float],
    bell: Bell,
    beat: Callable[[], None],
    stopping: Callable[[], bool],
) -> None:
    """Call *turn* again and again: when it says it wants to be (epoch seconds), or when the bell rings.

    A turn handles the errors that it has names for; any other ends the process, and systemd begins it again.
    """
    while not stopping():
        beat()
        due = await turn()
        if stopping():
            return
        # A turn that is due at once still lets the others run.
        nap = LONGEST_NAP if due is None else min(due - now(), LONGEST_NAP)
        await bell.sleep(nap)
