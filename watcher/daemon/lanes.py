"""The lanes, one a channel: how a channel is opened, and what becomes of a lane when the configuration changes.

Not its business: a lane's turn (``deliver``), whether a changed channel can be used (``channels``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TypeVar, TypeVarTuple

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from watcher import clock
from watcher.channels import LIMITS, AppriseChannel, BadChannel, open_channel, prepare
from watcher.config import ChannelConfig, SecretUnreadable
from watcher.daemon.manners import manner_of
from watcher.daemon.parts import Parts
from watcher.deliver import Lane, Manner, Pace
from watcher.loop import Bell
from watcher.model import Failed

LONGEST_TURN = LIMITS.total + 150.0
"""Seconds that a lane may stand still: a send, and the system's resolver, which nothing of ours bounds."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_STOPPED = "the daemon was stopped while this message was being sent"


class Lanes:
    """Every lane, by its channel's name.  *subject* limits each lane to one subject's news.

    *gone* are the channels that a reload has taken away, and whose lanes have ended.
    """

    def __init__(self, parts: Parts, subject: Callable[[str], str] | None = None) -> None:
        self._parts, self._subject = parts, subject
        self.bells: dict[str, Bell] = {}
        self.lanes: dict[str, Lane] = {}
        self.tell: list[str] = []
        self._tasks: TaskGroup | None = None
        self.gone: set[str] = set()
        self._open: dict[str, AppriseChannel] = {}
        self._paces: dict[str, Pace] = {}
        self.reconfigure()

    def reconfigure(self, changed: Collection[str] = ()) -> None:
        """Go by the configuration that has come into use; the channels of *changed* are opened anew.

        A lane goes on through it with the message that it is sending.  One whose channel is no more ends after it.
        """
        config = self._parts.config
        self.tell = [channel.name for channel in config.channels if "delivery_dead" in channel.on]
        for name in self.lanes.keys() - {channel.name for channel in config.channels}:
            self.lanes.pop(name).leave()
            self.bells.pop(name).ring()
        for channel in config.channels:
            manner = manner_of(channel, config.timezone, self.tell)
            known = self.lanes.get(channel.name)
            if known is None:
                self._begin(channel, manner)
            else:
                known.reconfigure(manner, partial(self._open_post, channel) if channel.name in changed else None)
        self.ring()

    async def serve(self) -> None:
        """Let every lane take turns, those too that a reload brings, until cancelled or all have stopped."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            if self.lanes:
                tasks.start_soon(self._import_early)
            for name, lane in self.lanes.items():
                tasks.start_soon(self._run, name, lane, self.bells[name])
            while not self._parts.stopping:
                await anyio.sleep(0.5)
            self._tasks = None

    async def _import_early(self) -> None:
        """Import what channels need now: the program's files may be replaced before the first message."""
        try:
            await to_thread.run_sync(prepare, abandon_on_cancel=True)
        except Exception as error:  # noqa: BLE001 - foreign modules; whoever opens a channel tries again, and reports it
            self._parts.log.warning("channels_not_prepared", error=type(error).__name__)

    async def retire(self) -> None:
        """Give up what was left, or posted meanwhile, for channels that a reload took away."""
        for name in sorted(self.gone):
            if count := await self._parts.transact(
                self._parts.store.dead_letters.retire_one, name, clock.now(), self.tell
            ):
                given_up(self._parts, {name: count})
                self.ring()

    def ring(self) -> None:
        """Wake every lane."""
        for bell in self.bells.values():
            bell.ring()

    def hang_up(self) -> None:
        """End the sends that are under way: what becomes of them is uncertain."""
        for channel in self._open.values():
            channel.hang_up(_STOPPED)

    async def once(self) -> bool:
        """Send all that is due now; return whether a message could not be delivered."""
        failed: list[str] = []

        async def drain(lane: Lane) -> None:
            while (due := await lane.turn()) is not None and due <= clock.now() + 2.0:
                await anyio.sleep(max(due - clock.now(), 0.0))
            if lane.failing:
                failed.append(lane.channel)

        async with anyio.create_task_group() as tasks:
            for lane in self.lanes.values():
                tasks.start_soon(drain, lane)
        return bool(failed)

    async def close(self) -> None:
        """Let go of every channel's connections."""
        for lane in self.lanes.values():
            await lane.close()

    def _begin(self, channel: ChannelConfig, manner: Manner) -> None:
        name = channel.name
        self.gone.discard(name)
        lane, bell = self.lanes[name], self.bells[name] = self._lane(channel, manner), Bell()
        if self._tasks is not None:
            self._tasks.start_soon(self._run, name, lane, bell)

    async def _run(self, name: str, lane: Lane, bell: Bell) -> None:
        """Let *lane* take turns until its channel is no more; then close it, and give up what waits for it."""

        def over() -> bool:
            return self.lanes.get(name) is not lane

        await self._parts.take_turns(f"channel {name}", LONGEST_TURN, lane.turn, bell, over)
        if self._parts.stopping:
            return
        await lane.close()
        if name not in self.lanes:
            self.gone.add(name)
            await self.retire()

    def _lane(self, channel: ChannelConfig, manner: Manner) -> Lane:
        parts = self._parts
        limiter = anyio.CapacityLimiter(1)

        async def in_thread(call: Callable[[*Ts], T], *args: *Ts) -> T:
            return await to_thread.run_sync(call, *args, limiter=limiter, abandon_on_cancel=True)

        return Lane(
            channel.name,
            partial(self._open_post, channel),
            parts.store.outbox,
            parts.store.history,
            parts.transact,
            in_thread,
            manner=manner,
            pace_of=lambda key: self._paces.setdefault(key, Pace()),
            now=clock.now,
            luck=parts.luck,
            log=parts.log,
            on_news=self.ring,
            running=parts.running,
            subject=self._subject(channel.name) if self._subject else None,
        )

    def _open_post(self, channel: ChannelConfig) -> AppriseChannel | Failed:
        """Open a channel, in its lane's thread.  One that cannot be opened is tried again: its file may be mended."""
        try:
            bundle = str(channel.ca_bundle) if channel.ca_bundle else None
            post = open_channel(channel.name, channel.secret(), ca_bundle=bundle)
        except (SecretUnreadable, BadChannel) as error:
            return Failed(error.what if not error.remedy else f"{error.what}; {error.remedy}")
        self._open[channel.name] = post
        return post


def given_up(parts: Parts, counts: dict[str, int]) -> None:
    """Log how many messages were given up, by the names of channels that are no more."""
    for channel, count in counts.items():
        parts.log.warning("messages_given_up", channel=channel, count=count, error="not in the configuration any more")
