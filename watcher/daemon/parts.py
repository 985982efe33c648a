"""What the parts of the daemon share: the store's one thread, the luck, the log, and the beats of the loops.

A disk that is full, or a database that another process holds, is met in one place, ``transact``: whoever needs the
database waits until it can be used again, so that nothing is lost, and nothing is sent that could not be marked.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar, TypeVarTuple

import anyio
from anyio import to_thread

from watcher import clock
from watcher.config import Config
from watcher.daemon.clockwork import ClockTrust
from watcher.daemon.pulses import Pulses, beat
from watcher.daemon.uptime import Uptime
from watcher.doing import Cause, doing
from watcher.errors import StoreError
from watcher.logs import Log
from watcher.loop import Bell, take_turns
from watcher.policy import Running
from watcher.store import Store
from watcher.store.database import explained

RETRY = 2.0
"""Seconds between two tries of a database that cannot be used."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass
class Parts:
    """Made once, inside the event loop; *config* is the one in use, and is replaced by a reload.

    *fault* is what keeps the database from being used at present.  *uptime* counts the running time; None in a process
    that does not stay.
    """

    config: Config
    store: Store
    log: Log
    luck: Callable[[], float] = field(default_factory=lambda: random.SystemRandom().random)
    pulses: Pulses = field(default_factory=Pulses)
    trust: ClockTrust = field(default_factory=ClockTrust)
    stopping: bool = False
    fault: StoreError | None = None
    uptime: Uptime | None = None
    _limiter: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))
    _waiting: anyio.Lock = field(default_factory=anyio.Lock)

    async def transact(self, verb: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run one of the store's verbs in its thread; a cancellation waits for the transaction.

        It is run again until it succeeds, while what hinders it may pass by itself.  Raises StoreError when not.
        """
        try:
            return await self.attempt(verb, *args)
        except StoreError as error:
            self._begin(error)
        # One at a time tries again: the others wait for the same disk.
        async with self._waiting:
            while True:
                try:
                    done = await self.attempt(verb, *args)
                except StoreError as error:
                    self._begin(error)
                    await anyio.sleep(RETRY)
                else:
                    self._end()
                    return done

    def running(self) -> Running | None:
        """Return how long this process has run; None when it does not stay."""
        return self.uptime() if self.uptime else None

    async def take_turns(
        self,
        name: str,
        limit: float,
        turn: Callable[[], Awaitable[float | None]],
        bell: Bell,
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Let *turn* be taken until the daemon stops, or it is *over*; *limit* is how long a turn may stand still."""
        with doing(Cause(f"running {name}")), self.pulses.of(name, limit) as pulse:
            await take_turns(turn, now=clock.now, bell=bell, beat=pulse.beat, stopping=lambda: self.stopping or over())

    def late(self) -> list[str]:
        """Return the names of the loops that stand still; one that waits for the database does not."""
        return [] if self.fault else self.pulses.late()

    async def attempt(self, verb: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run one of the store's verbs in its thread, once.  Raises StoreError."""
        try:
            with explained(self.store.database.path):
                return await to_thread.run_sync(verb, *args, limiter=self._limiter)
        finally:
            beat()

    def _begin(self, error: StoreError) -> None:
        if not error.passing:
            raise error
        if self.fault is None:
            self.log.error("database_failing", error=error.what, remedy=error.remedy)
        self.fault = error

    def _end(self) -> None:
        if self.fault is not None:
            self.log.info("database_works_again")
            self.pulses.beat_all()
        self.fault = None
