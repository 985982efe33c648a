"""The lanes, one a channel, and how a channel is opened."""

from __future__ import annotations

import hashlib
import secrets
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
from watcher.deliver import Lane, Manner, Pace
from watcher.loop import Bell
from watcher.model import Failed
from watcher.render import apply

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_STOPPED = "the daemon was stopped while this message was being sent"


class Lanes:
    """Every lane, by its channel's name.  *subject* limits each lane to one subject's news."""

    def __init__(self, parts: Parts, subject: Callable[[str], str] | None = None) -> None:
        self._parts = parts
        self.bells: dict[str, Bell] = {}
        self.lanes: dict[str, Lane] = {}
        self._open: dict[str, AppriseChannel] = {}
        self._paces: dict[str, Pace] = {}
        self.tell = [channel.name for channel in parts.config.channels if "delivery_dead" in channel.on]
        for channel in parts.config.channels:
            self.bells[channel.name] = Bell()
            self.lanes[channel.name] = self._lane(channel, subject(channel.name) if subject else None)

    async def revive(self) -> dict[str, int]:
        """Send again what a channel's old configuration was the death of; return how many messages, by channel."""
        revived = {}
        outbox = self._parts.store.outbox
        for channel in self._parts.config.channels:
            before = await self._parts.transact(outbox.fingerprint, channel.name)
            try:
                fresh = await to_thread.run_sync(_fingerprint, channel, before)
            except SecretUnreadable as error:
                # Not the end: it is read again for each message, and the other channels can be told.
                self._parts.log.warning("channel_unreadable", channel=channel.name, error=error.what)
                continue
            if count := await self._parts.transact(outbox.revive, channel.name, fresh, clock.now()):
                revived[channel.name] = count
        return revived

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
            manner=manner_of(channel, parts.config.timezone, self.tell),
            pace_of=lambda key: self._paces.setdefault(key, Pace()),
            now=clock.now,
            luck=parts.luck,
            log=parts.log,
            on_news=self.ring,
            subject=subject,
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


def manner_of(channel: ChannelConfig, timezone: str | None, tell: list[str]) -> Manner:
    """Return how a channel wants to be told, by the configuration."""
    template = None
    if channel.title is not None or channel.body is not None:
        template = partial(apply, channel.title, channel.body)
    zone = ZoneInfo(timezone) if timezone else None
    return Manner(channel.burst, template, zone, socket.gethostname(), tell)


def _fingerprint(channel: ChannelConfig, before: str) -> str:
    """Return what stands for a channel's configuration: *before* itself when it is the same.

    The URL is a secret, and the database must not help to guess it: scrypt with a salt of its own (RFC 7914).
    Raises SecretUnreadable.
    """
    words = f"{channel.secret()}\n{channel.ca_bundle}".encode()
    salt = bytes.fromhex(before.partition("$")[0]) or secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(words, salt=salt, n=2**14, r=8, p=1).hex()}"
