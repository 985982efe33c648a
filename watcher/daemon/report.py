"""What the daemon says of itself: its status file, its line for the service manager, and its signs of life.

Not its business: what people ask of the database (``store.history``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import anyio

from watcher import __version__, clock, presence
from watcher.config import Config
from watcher.config.values import BUILT_IN
from watcher.daemon.lanes import Lanes
from watcher.daemon.monitoring import signs_of_life
from watcher.daemon.outages import ChannelHealth
from watcher.daemon.parts import Parts
from watcher.daemon.reload import Reload
from watcher.daemon.watch import Watch
from watcher.errors import LookError, StoreError
from watcher.loop import Bell
from watcher.store.outages import Outage
from watcher.systemd import Notifier, own_service

EVERY = 5.0
"""Seconds between two reports."""

_AT_MOST, _LATE = 1.0, 60.0


class Report:
    """Tells how the daemon is, again and again; a ring of the *bell* says that there is something new to tell.

    *queues* returns why a queue cannot be read, by its title.
    """

    def __init__(
        self,
        parts: Parts,
        watch: Watch,
        lanes: Lanes,
        reload: Reload,
        notify: Notifier,
        queues: Callable[[], Mapping[str, LookError]] = dict,
        health: ChannelHealth | None = None,
    ) -> None:
        self._parts, self._watch, self._lanes, self._reload = parts, watch, lanes, reload
        self._notify, self._queues, self._health = notify, queues, health
        self.bell = Bell()
        self._started_at = clock.now()
        self._undelivered = 0
        self._headline = "starting"
        self._late: list[str] = []
        self._service = own_service()

    async def tell(self) -> None:
        """Write the status file and tell the service manager, until cancelled."""
        with self._parts.pulses.of("status", _LATE) as pulse:
            while True:
                pulse.beat()
                try:
                    self._undelivered = await self._parts.attempt(self._parts.store.outbox.undelivered)
                except StoreError as error:
                    self._parts.log.debug("not_counted", error=error.what)
                self.write()
                self._notify.status(self._headline)
                await anyio.sleep(_AT_MOST)
                await self.bell.sleep(EVERY - _AT_MOST)

    async def live(self) -> None:
        """Keep the service manager's watchdog quiet for as long as every loop moves, until cancelled."""
        every = self._notify.watchdog / 2 if self._notify.watchdog else EVERY
        while True:
            late = self._parts.late()
            if late and not self._late:
                self._parts.log.error("standing_still", loops=late, remedy="the watchdog of systemd ends such a daemon")
            elif self._late and not late:
                self._parts.log.info("moving_again", loops=self._late)
            self._late = late
            if self._notify.watchdog and not late:
                self._notify.alive()
            await anyio.sleep(every)

    def write(self, ended: str = "") -> None:
        """Write the status file; *ended* says why it is the last time."""
        self._headline = self.headline()
        presence.write_status(self._parts.config.state_dir, self._status() | signs_of_life(ended))

    def headline(self) -> str:
        """Return how things stand, in one line for people."""
        groups = self._watch.groups.values()
        jobs = sum(len(group.jobs) for group in groups)
        running = sum(group.jobs.running for group in groups)
        words = f"watching {jobs} job{'' if jobs == 1 else 's'}, {running} running"
        turns = [group.next_turn for group in groups if group.next_turn]
        if turns:
            words += f"; next poll {clock.utc(min(turns)).astimezone(self._zone()):%H:%M:%S %Z}"
        words += f"; {self._undelivered} undelivered"
        return "; ".join([words, *self._wrong()])

    def _zone(self) -> ZoneInfo | None:
        name = self._parts.config.timezone
        return ZoneInfo(name) if name else None

    def _wrong(self) -> list[str]:
        """Return what is wrong, each in a few words."""
        blind = sorted({key.rpartition("/")[0] for key, group in self._watch.groups.items() if group.blind})
        failing = [name for name, lane in self._lanes.lanes.items() if lane.failing or name in self._outages()]
        wrong = [
            f"{what}: {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
            for what, names in (
                ("cannot look", blind),
                ("cannot deliver to channel", failing),
                ("cannot read queue", list(self._queues())),
                ("standing still", self._late),
            )
            if names
        ]
        if self._parts.fault is not None:
            wrong.append(self._parts.fault.what)
        if self._reload.error:
            wrong.append("the changed configuration was refused")
        return wrong

    def _outages(self) -> dict[str, Outage]:
        return self._health.current if self._health else {}

    def _status(self) -> dict[str, Any]:
        groups = {
            key: {"jobs": len(group.jobs), "next_poll_at": group.next_turn, "swept_at": group.swept_at}
            for key, group in self._watch.groups.items()
        }
        fault = self._parts.fault
        return {
            "version": 1,
            "program": __version__,
            "pid": os.getpid(),
            "started_at": self._started_at,
            "configured_at": self._reload.configured_at,
            "reloaded_at": self._reload.reloaded_at,
            "reload_error": self._reload.error,
            "written_at": clock.now(),
            "written_monotonic": time.monotonic(),
            "standing_still": self._parts.late(),
            "database_error": fault.what if fault else "",
            "headline": self._headline,
            "groups": groups,
            "queues": {title: error.dump() for title, error in self._queues().items()},
            "channels": list(self._lanes.lanes),
            "outages": [asdict(one) for one in self._outages().values()],
            "service": self._service,
            **places(self._parts.config),
        }


def places(config: Config) -> dict[str, str]:
    """Return the files that a daemon of *config* uses."""
    return {
        "configuration": str(config.path) if config.path else BUILT_IN,
        "database": str(presence.database(config.state_dir)),
    }
