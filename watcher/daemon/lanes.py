"""The lanes, one a channel, and how a channel is opened."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import TypeVar, TypeVarTuple
from zoneinfo import ZoneInfo

import anyio
from anyio import to_thread

from watcher import clock
from watcher.channels import AppriseChannel, BadChannel, open_channel
from watcher.config import ChannelConfig, SecretUnreadable
from watcher.daemon.parts import Parts
from watcher.deliver import Lane
from watcher.loop import Bell
from watcher.model import Failed

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_STOPPED = "the daemon was stopped while this message was being sent"


class Lanes:
    """Every lane, by its channel's name."""

    def __init__(self, parts: Parts, subject: Callable[[str], str] | None = None) -> None:
        self._parts = parts
        self.bells: dict[str, Bell] = {}
        self.lanes: dict[str, Lane] = {}
        self._open: dict[str, AppriseChannel] = {}
        self.tell = [channel.name for channel in parts.config.channels if "delivery_dead" in channel.on]
        for channel in parts.config.channels:
            self.bells[channel.name] = Bell()
            self.lanes[channel.name] = self._lane(channel, subject(channel.name) if subject else None)

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

    def _lane(self, channel: ChannelConfig, subject: str | None) -> Lane:
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
            now=clock.now,
            luck=parts.luck,
            host=socket.gethostname(),
            log=parts.log,
            on_news=self.ring,
            tell=self.tell,
            subject=subject,
            zone=ZoneInfo(parts.config.timezone) if parts.config.timezone else None,
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
