"""The task that feeds the dead-man's switch, beside everything else and in nobody's way.

Not its business: the request itself (``heartbeat``).
"""

from __future__ import annotations

import time

import anyio
from anyio import to_thread

from watcher import clock, heartbeat
from watcher.config import HeartbeatConfig, SecretUnreadable
from watcher.daemon.lanes import Lanes
from watcher.daemon.outages import ChannelHealth
from watcher.daemon.parts import Parts
from watcher.errors import StoreError
from watcher.store.blindness import unseen

_GLANCE = 1.0
_LATE = 60.0


class Heart:
    """Requests the URL once in so long: as it is, or as the one for failures, with the reason."""

    def __init__(self, parts: Parts, lanes: Lanes, health: ChannelHealth) -> None:
        self._parts, self._lanes, self._health = parts, lanes, health
        self._failing = False

    async def beat(self) -> None:
        """Feed the switch until cancelled.

        The first time is when a whole interval has passed: a daemon that ends again and again is not well.
        """
        last = time.monotonic()
        with self._parts.pulses.of("heartbeat", _LATE) as pulse:
            while True:
                pulse.beat()
                config = self._parts.config.heartbeat
                if config and time.monotonic() - last >= config.every:
                    last = time.monotonic()
                    await self._tell(config)
                await anyio.sleep(min(_GLANCE, config.every))

    async def _tell(self, config: HeartbeatConfig) -> None:
        try:
            url = await to_thread.run_sync(config.secret)
            await heartbeat.tell(url, await self.ailment(), config.ca_bundle)
        except (heartbeat.Unanswered, SecretUnreadable) as error:
            if not self._failing:
                self._parts.log.warning("heartbeat_failing", error=str(error))
            self._failing = True
            return
        if self._failing:
            self._parts.log.info("heartbeat_works_again")
        self._failing = False

    async def ailment(self) -> str:
        """Return why the daemon does not do its work, in a few words; empty when it does."""
        parts = self._parts
        if parts.fault is not None:
            return parts.fault.what
        if late := parts.late():
            return f"standing still: {', '.join(late)}"
        lanes = self._lanes.lanes
        if lanes and all(lane.failing or name in self._health.current for name, lane in lanes.items()):
            return f"no alert can be delivered: {', '.join(lanes)} failing"
        try:
            rows = await parts.attempt(unseen, parts.store.database, parts.config.rule_scopes)
        except StoreError as error:
            return error.what
        patience = clock.now() - parts.config.poll.blind_after
        blind = [row for row in rows if row["blind_since"] or row["failing_since"] < patience]
        if not blind:
            return ""
        names = (row["scope"] or row["label"] or row["name"] or row["identifier"] for row in blind)
        return f"cannot look: {', '.join(names)}"
