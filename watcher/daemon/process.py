"""The process that watches: start, run until told, stop in order.

Not its business: any turn (``sweep``, ``deliver``).
"""

from __future__ import annotations

import os
import signal
from typing import Any

import anyio

from watcher import __version__, clock, presence
from watcher.config import Config
from watcher.daemon.lanes import Lanes
from watcher.daemon.parts import Parts
from watcher.daemon.watch import Watch, limits_of, wanted_jobs
from watcher.errors import ExitCode
from watcher.logs import Log
from watcher.store import Store

GRACE = 10.0
"""Seconds that messages in flight have to be finished and marked when the daemon stops."""

NOTICE = 0.5
"""Seconds between looks at whether another process has changed the database."""

STATUS_EVERY = 5.0


class Daemon:
    """Everything that runs.  Made and used inside one event loop."""

    def __init__(self, config: Config, store: Store, log: Log) -> None:
        self._parts = Parts(config, store, log)
        self._lanes = Lanes(self._parts)
        self._watch = Watch(self._parts, self._on_news)
        self._polling, self._sending = anyio.CancelScope(), anyio.CancelScope()
        self._started_at = clock.now()
        path = config.path
        self._configured_at = path.stat().st_mtime if path is not None and path.exists() else None
        self._stale = False

    async def run(self) -> None:
        """Watch until SIGTERM or SIGINT; then finish what is in flight, for GRACE seconds at most."""
        await self._prepare()
        async with anyio.create_task_group() as listening:
            listening.start_soon(self._listen)
            async with anyio.create_task_group() as working:
                working.start_soon(self._poll)
                working.start_soon(self._send)
            listening.cancel_scope.cancel()
        self._parts.log.info("stopped")

    async def run_once(self) -> int:
        """Poll everything that is due, deliver, and return the exit code."""
        await self._prepare()
        refused = await self._watch.once()
        undelivered = await self._lanes.once()
        await self._watch.close()
        await self._lanes.close()
        if undelivered:
            return ExitCode.DELIVERY_FAILED
        return ExitCode.AWS_REFUSED if refused else ExitCode.DONE

    async def _prepare(self) -> None:
        parts, now = self._parts, clock.now()
        config, store, log = parts.config, parts.store, parts.log
        await parts.transact(store.jobs.configure, wanted_jobs(config), now)
        uncertain = await parts.transact(store.outbox.recover, now)
        names = [channel.name for channel in config.channels]
        retired = await parts.transact(store.outbox.retire, names, now, self._lanes.tell)
        await parts.transact(store.ledger.use_limits, repr(limits_of(config)))
        digesting = [channel.name for channel in config.channels if channel.digest]
        await parts.transact(store.outbox.release, digesting, now)
        revived = await self._lanes.revive()
        await self._watch.refresh()
        log.info("started", version=__version__, pid=os.getpid(), jobs=self._jobs(), channels=names, **_places(config))
        if not names:
            log.warning("no_channel", remedy="nobody is told: add a [[channel]] table to the configuration")
        if uncertain:
            log.info("messages_may_repeat", count=uncertain)
        for channel, count in revived.items():
            log.info("messages_revived", channel=channel, count=count)
        for channel, count in retired.items():
            log.warning("messages_given_up", channel=channel, count=count, error="not in the configuration any more")

    async def _listen(self) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for number in signals:
                self._parts.log.info("stopping", signal=signal.Signals(number).name)
                if self._parts.stopping:
                    self._sending.cancel()
                self._parts.stopping = True
                self._polling.cancel()
                self._sending.deadline = min(self._sending.deadline, anyio.current_time() + GRACE)
                self._lanes.ring()

    async def _poll(self) -> None:
        with self._polling:
            async with anyio.create_task_group() as tasks:
                started: set[str] = set()
                tasks.start_soon(self._tell_status)
                version = -1
                while True:
                    seen = await self._parts.transact(self._parts.store.database.data_version)
                    if seen != version or self._stale:
                        version, self._stale = seen, False
                        await self._watch.refresh()
                        self._lanes.ring()
                    for key in self._watch.groups.keys() - started:
                        started.add(key)
                        tasks.start_soon(
                            self._parts.take_turns, key, self._watch.groups[key].turn, self._watch.bells[key]
                        )
                    await anyio.sleep(NOTICE)
        with anyio.move_on_after(GRACE, shield=True):
            await self._watch.close()

    async def _send(self) -> None:
        with self._sending:
            async with anyio.create_task_group() as tasks:
                for name, lane in self._lanes.lanes.items():
                    tasks.start_soon(self._parts.take_turns, name, lane.turn, self._lanes.bells[name])
                while not self._parts.stopping:
                    await anyio.sleep(NOTICE)
        self._lanes.hang_up()

    def _on_news(self) -> None:
        """After a commit of ours: there may be messages to send, or a job that moved to another row."""
        self._stale = True
        self._lanes.ring()

    async def _tell_status(self) -> None:
        while True:
            presence.write_status(self._parts.config.state_dir, self._status())
            await anyio.sleep(STATUS_EVERY)

    def _status(self) -> dict[str, Any]:
        groups = {
            key: {"jobs": len(group.jobs), "next_poll_at": group.next_turn, "swept_at": group.swept_at}
            for key, group in self._watch.groups.items()
        }
        return {
            "version": 1,
            "program": __version__,
            "pid": os.getpid(),
            "started_at": self._started_at,
            "configured_at": self._configured_at,
            "written_at": clock.now(),
            "slowest_beat_at": min(self._parts.beats.values(), default=clock.now()),
            "groups": groups,
            "channels": list(self._lanes.lanes),
            **_places(self._parts.config),
        }

    def _jobs(self) -> int:
        return sum(len(group.jobs) for group in self._watch.groups.values())


def _places(config: Config) -> dict[str, str]:
    return {
        "configuration": str(config.path) if config.path else "built-in defaults",
        "database": str(presence.database(config.state_dir)),
    }
