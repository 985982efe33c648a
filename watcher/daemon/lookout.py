"""The daemon's eyes without its mouth: jobs are polled as the daemon polls them, into a database in memory.

For whoever waits where no daemon watches.  Not its business: telling anybody, and keeping anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, TypeVarTuple

import anyio

from watcher import clock
from watcher.config import Config
from watcher.daemon.parts import Parts
from watcher.daemon.watch import Watch
from watcher.store import Store
from watcher.store.database import IN_MEMORY
from watcher.store.jobs import Wanted

_NOTICE = 0.2
"""Seconds between looks at whether there are new jobs."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Silence:
    """A log that nobody reads: whoever waits reads the database."""

    def debug(self, event: str, **fields: Any) -> None:  # noqa: ANN401
        """Say nothing."""

    info = warning = error = debug


class Lookout:
    """Polls jobs by *config*, its channels and jobs left out.  Made and used inside one event loop."""

    def __init__(self, config: Config) -> None:
        self.store = Store.open(IN_MEMORY)
        self._parts = Parts(replace(config, channels=(), jobs=(), rules=()), self.store, _Silence())
        self._watch = Watch(self._parts, self._on_news)
        self._stale = False

    async def transact(self, verb: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run one of the store's verbs in its thread."""
        return await self._parts.transact(verb, *args)

    async def add(self, wanted: Wanted) -> int:
        """Poll a job; return the store's number of it."""
        job, _ = await self.transact(lambda: self.store.jobs.add(wanted, clock.now(), ask=True))
        self._stale = True
        return job.id

    async def run(self) -> None:
        """Poll until cancelled."""
        try:
            async with anyio.create_task_group() as tasks:
                while True:
                    if self._stale:
                        self._stale = False
                        for key in await self._watch.refresh():
                            tasks.start_soon(self._watch.run, key)
                    await anyio.sleep(_NOTICE)
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(2):
                await self._watch.close()

    def _on_news(self) -> None:
        self._stale = True
