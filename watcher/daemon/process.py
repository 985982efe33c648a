"""The process that watches: start, run until told, stop in order.

Not its business: any turn (``sweep``, ``deliver``), how a configuration comes into use (``reload``), what the daemon
says of itself (``report``).
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable

import anyio

from watcher import __version__, clock, presence
from watcher.config import Config
from watcher.daemon import errands
from watcher.daemon.aftermath import report_crashes, set_damage_aside
from watcher.daemon.clockwork import Clockwork
from watcher.daemon.errands import Errands
from watcher.daemon.heart import Heart
from watcher.daemon.keeping import Keeping
from watcher.daemon.lanes import Lanes, given_up
from watcher.daemon.monitoring import Continuity
from watcher.daemon.outages import ChannelHealth
from watcher.daemon.parts import Parts
from watcher.daemon.queues import Queues
from watcher.daemon.reload import Reload
from watcher.daemon.report import Report, places
from watcher.daemon.uptime import Uptime
from watcher.daemon.watch import Watch
from watcher.errors import ExitCode
from watcher.logs import Log
from watcher.store import Store
from watcher.store.quarantine import SUBJECT
from watcher.systemd import Notifier

GRACE = 10.0
"""Seconds that messages in flight have to be finished and marked when the daemon stops."""

NOTICE = 0.5
"""Seconds between looks at whether another process has changed the database."""

LONGEST_RELOAD = 120.0
"""Seconds that a reload may stand still: it reads files, which may be on a file system that does not answer."""

FIRST = 20.0
"""Seconds that a start waits until the event about crashes is sent."""

_LATE = 60.0


class Daemon:
    """Everything that runs.  Made and used inside one event loop.

    *load* reads the configuration anew, for a reload; it raises BadConfig.
    """

    def __init__(
        self, config: Config, store: Store, log: Log, load: Callable[[], Config], notify: Notifier | None = None
    ) -> None:
        self._parts = Parts(config, store, log)
        self._notify = notify or Notifier()
        self._lanes = Lanes(self._parts)
        self._health = ChannelHealth(self._parts, self._lanes.ring)
        self._watch = Watch(self._parts, self._on_news)
        self._queues = Queues(self._parts, self._on_hint, self._watch.look_for)
        self._keeping, self._errands = Keeping(self._parts), Errands(self._parts)
        self._reload = Reload(self._parts, self._watch, self._lanes, load)
        self._report = Report(
            self._parts, self._watch, self._lanes, self._reload, self._notify, self._queues.failing, self._health
        )
        self._continuity = Continuity(self._parts, self._on_news)
        self._heart = Heart(self._parts, self._lanes, self._health)
        self._starting, self._polling, self._sending = anyio.CancelScope(), anyio.CancelScope(), anyio.CancelScope()
        self._told_to_reload = anyio.Event()
        self._clockwork = Clockwork()
        self._stale = False
        self._damaged: set[str] = set()

    async def run(self) -> None:
        """Watch until SIGTERM or SIGINT; then finish what is in flight, for GRACE seconds at most.

        SIGHUP has the configuration read anew.
        """
        self._parts.uptime = Uptime()
        async with anyio.create_task_group() as listening:
            await listening.start(self._listen)
            with self._starting:
                before = presence.read_status(self._parts.config.state_dir) or {}
                await self._prepare()
                await self._continuity.begin(before)
            if not self._parts.stopping:
                listening.start_soon(self._report.tell)
                listening.start_soon(self._report.live)
                listening.start_soon(self._heart.beat)
                listening.start_soon(self._continuity.watch)
                listening.start_soon(self._reload_when_told)
                self._notify.ready(self._report.headline())
                async with anyio.create_task_group() as working:
                    working.start_soon(self._poll)
                    working.start_soon(self._send)
                    working.start_soon(self._parts.take_turns, "outages", _LATE, self._health.turn, self._health.bell)
            listening.cancel_scope.cancel()
        self._report.write(ended="stopped")
        self._parts.log.info("stopped")

    async def run_once(self) -> int:
        """Poll everything that is due, deliver, and return the exit code."""
        await self._prepare()
        began = clock.now()
        refused = await self._watch.once()
        undelivered = await self._lanes.once()
        if await self._health.check():
            undelivered = await self._lanes.once() or undelivered
        await self._keeping.once()
        if refused:
            await self._watch.say_what_still_fails(began)
        await self._watch.close()
        await self._lanes.close()
        if undelivered:
            return ExitCode.DELIVERY_FAILED
        return ExitCode.AWS_REFUSED if refused else ExitCode.DONE

    def reload(self) -> None:
        """Have the configuration read anew, as soon as the daemon has begun."""
        self._told_to_reload.set()

    async def _prepare(self) -> None:
        parts, now = self._parts, clock.now()
        config, store, log = parts.config, parts.store, parts.log
        if await report_crashes(parts):
            await self._send_first()
        uncertain = await parts.transact(store.outbox.recover, now)
        names = [channel.name for channel in config.channels]
        retired = await parts.transact(store.dead_letters.retire, names, now, self._lanes.tell)
        revived = await self._reload.start()
        await self._watch.refresh()
        # The jobs are here to stay: looking through them all for garbage would hold up everything, again and again.
        gc.freeze()
        jobs = sum(len(group.jobs) for group in self._watch.groups.values())
        log.info("started", version=__version__, pid=os.getpid(), jobs=jobs, channels=names, **places(config))
        if not names:
            log.warning("no_channel", remedy="nobody is told: add a [[channel]] table to the configuration")
        if uncertain:
            log.info("messages_may_repeat", count=uncertain)
        for channel, count in revived.items():
            log.info("messages_revived", channel=channel, count=count)
        given_up(parts, retired)

    async def _send_first(self) -> None:
        """Send the event about crashes before anything else, because later steps may crash again."""
        lanes = Lanes(self._parts, subject=lambda _: SUBJECT)
        with anyio.move_on_after(FIRST):
            await lanes.once()
        with anyio.move_on_after(GRACE, shield=True):
            await lanes.close()

    async def _listen(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            task_status.started()
            terminal = sys.stderr.isatty()
            async for number in signals:
                # A terminal that goes away hangs up, too; then nobody is there who could end us.
                if number == signal.SIGHUP and not (terminal and not sys.stderr.isatty()):
                    self.reload()
                else:
                    self._stop(signal.Signals(number).name)

    def _stop(self, why: str) -> None:
        self._parts.log.info("stopping", signal=why)
        self._notify.stopping("finishing what is in flight")
        if self._parts.stopping:
            self._sending.cancel()
        self._parts.stopping = True
        self._starting.cancel()
        self._polling.cancel()
        self._sending.deadline = min(self._sending.deadline, anyio.current_time() + GRACE)
        self._lanes.ring()
        self._health.bell.ring()

    async def _reload_when_told(self) -> None:
        while True:
            await self._told_to_reload.wait()
            self._told_to_reload = anyio.Event()
            self._notify.reloading()
            with self._parts.pulses.of("reload", LONGEST_RELOAD):
                await self._reload.again()
            self._on_news()
            self._report.write()
            self._notify.ready(self._report.headline())

    async def _poll(self) -> None:
        with self._polling:
            async with anyio.create_task_group() as tasks:
                started: set[str] = set()
                tasks.start_soon(self._queues.serve)
                history = self._keeping.turn, self._keeping.bell
                tasks.start_soon(self._parts.take_turns, "history", _LATE, *history)
                asked = self._errands.turn, self._errands.bell
                tasks.start_soon(self._parts.take_turns, "errands", errands.LIMIT, *asked)
                version = -1
                with self._parts.pulses.of("database", _LATE) as pulse:
                    while True:
                        pulse.beat()
                        await self._mind_the_clock()
                        seen = await self._parts.transact(self._parts.store.database.data_version)
                        if seen != version or self._stale:
                            version, self._stale = seen, False
                            await self._watch.refresh()
                            await self._lanes.retire()
                            self._lanes.ring()
                            self._errands.bell.ring()
                        for key in self._watch.groups.keys() - started:
                            started.add(key)
                            tasks.start_soon(self._watch.run, key)
                        await self._watch.tidy()
                        await set_damage_aside(self._parts, self._damaged)
                        await anyio.sleep(NOTICE)
        with anyio.move_on_after(GRACE, shield=True):
            await self._watch.close()

    async def _mind_the_clock(self) -> None:
        self._parts.running()  # counted at each glance, so that a stop of the process is noticed as one
        jump = self._clockwork.jumped()
        if not jump:
            return
        if self._parts.uptime:
            self._parts.uptime.interrupt()
        self._parts.log.warning("clock_jumped", seconds=round(jump), remedy="was it set, or did the machine sleep?")
        if jump < 0:
            await self._parts.transact(self._parts.store.outbox.hurry_all, clock.now())
        self._watch.clock_was_set()
        self._stale = True

    async def _send(self) -> None:
        with self._sending:
            await self._lanes.serve()
        self._lanes.hang_up()

    def _on_hint(self) -> None:
        """After a hint: a job is due that was not."""
        self._stale = True

    def _on_news(self) -> None:
        """After a commit of ours: there may be messages to send, or a job that moved to another row."""
        self._stale = True
        self._lanes.ring()
        self._report.bell.ring()
