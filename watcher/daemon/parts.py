"""What the parts of the daemon share: the store's one thread, the luck, the log, and the beats of the loops."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar, TypeVarTuple

import anyio
from anyio import to_thread

from watcher import clock
from watcher.config import Config
from watcher.logs import Log
from watcher.loop import Bell, take_turns
from watcher.store import Store

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass
class Parts:
    """Made once, inside the event loop.  *on_news* is set by the process: it wakes the lanes."""

    config: Config
    store: Store
    log: Log
    luck: Callable[[], float] = field(default_factory=lambda: random.SystemRandom().random)
    limiter: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))
    beats: dict[str, float] = field(default_factory=dict)
    stopping: bool = False

    async def transact(self, verb: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run one of the store's verbs in its thread; a cancellation waits for the transaction."""
        return await to_thread.run_sync(verb, *args, limiter=self.limiter)

    async def take_turns(self, name: str, turn: Callable[[], Awaitable[float | None]], bell: Bell) -> None:
        """Let *turn* be taken until the daemon stops."""

        def beat() -> None:
            self.beats[name] = clock.now()

        await take_turns(turn, now=clock.now, bell=bell, beat=beat, stopping=lambda: self.stopping)
