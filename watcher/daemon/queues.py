"""The queues whose messages make jobs due, each with a loop of its own, as the configuration in use has them.

Not its business: what a message leads to (``hints``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from watcher import clock
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.queue import Queue
from watcher.bedrock.settings import Settings
from watcher.config import QueueConfig
from watcher.daemon.chosen import keeper_of, settings_of
from watcher.daemon.parts import Parts
from watcher.errors import LookError
from watcher.hints import PATIENCE, Hints
from watcher.loop import Bell
from watcher.model import JobArn
from watcher.store.quarantine import MESSAGE

_NOTICE = 0.5


@dataclass
class _Open:
    """A queue that is being read."""

    hints: Hints
    whose: Credentials
    settings: Settings
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)


class Queues:
    """Every queue.  *on_hint* wakes whoever looks at jobs, *on_stranger* whoever looks for some."""

    def __init__(self, parts: Parts, on_hint: Callable[[], None], on_stranger: Callable[[JobArn], None]) -> None:
        self._parts, self._on_hint, self._on_stranger = parts, on_hint, on_stranger
        self._open: dict[QueueConfig, _Open] = {}

    def failing(self) -> dict[str, LookError]:
        """Return why a queue cannot be read, by its title."""
        return {one.hints.name: one.hints.failing for one in self._open.values() if one.hints.failing}

    async def serve(self) -> None:
        """Read the queues of the configuration in use, until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                settings = settings_of(self._parts.config)
                whose = {one: keeper_of(self._parts.config, one) for one in self._parts.config.queues}
                for config, one in tuple(self._open.items()):
                    if whose.get(config) != one.whose or one.settings != settings:
                        one.scope.cancel()
                        del self._open[config]
                for config in self._parts.config.queues:
                    if config not in self._open:
                        tasks.start_soon(self._read, config, whose[config], settings)
                await anyio.sleep(_NOTICE)

    async def _read(self, config: QueueConfig, whose: Credentials, settings: Settings) -> None:
        parts = self._parts
        queue = Queue(config.url, config.region, whose, settings)
        hints = Hints(
            config.title,
            queue,
            parts.store.jobs,
            parts.transact,
            now=clock.now,
            on_hint=self._on_hint,
            on_stranger=self._on_stranger,
            log=parts.log,
            set_aside=lambda: parts.transact(parts.store.quarantine.keys, MESSAGE),
        )
        one = self._open[config] = _Open(hints, whose, settings)
        limit = 2 * (queue.longest_try + PATIENCE)
        with one.scope:
            await parts.take_turns(f"queue {config.title}", limit, hints.turn, Bell())
        with anyio.move_on_after(2, shield=True):
            await queue.close()
