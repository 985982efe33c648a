"""Checks which channels do not deliver, reports each outage once, and keeps the result.

Not its business: what an outage is (``store.outages``).
"""

from __future__ import annotations

from collections.abc import Callable

from watcher import clock
from watcher.daemon.parts import Parts
from watcher.loop import Bell
from watcher.store.outages import Outage

EVERY = 5.0
"""Seconds between two checks."""


class ChannelHealth:
    """Channels that do not deliver, by name, as of the latest check; calls *on_news* after a new event."""

    def __init__(self, parts: Parts, on_news: Callable[[], None]) -> None:
        self._parts, self._on_news = parts, on_news
        self.bell = Bell()
        self.current: dict[str, Outage] = {}

    async def turn(self) -> float:
        """Check every channel; return when the next check is (epoch seconds)."""
        await self.check()
        return clock.now() + EVERY

    async def check(self) -> bool:
        """Check every channel; return whether there is a new event to send."""
        parts, config = self._parts, self._parts.config
        names = [channel.name for channel in config.channels]
        tell = [channel.name for channel in config.channels if "channel_stuck" in channel.on]
        found = await parts.transact(parts.store.outages.check, names, parts.running(), clock.now(), tell)
        self.current = {one.channel: one for one in found.current}
        for one in found.begun:
            parts.log.warning("channel_stuck", channel=one.channel, error=one.reason, waiting=one.waiting)
        for name in found.ended:
            parts.log.info("channel_recovered", channel=name)
        if found.begun:
            self._on_news()
        return bool(found.begun)
