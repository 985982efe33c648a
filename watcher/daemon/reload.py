"""How a configuration comes into use: at the start, and in the place of another one by SIGHUP.

All of it is checked first, then what follows from it is written in one transaction, then every part goes by it; so that
one that cannot be used changes nothing.  Not its business: what a part makes of it (``watch``, ``lanes``).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from anyio import to_thread

from watcher import clock
from watcher.channels import open_channel
from watcher.config import ChannelConfig, Config, SecretUnreadable
from watcher.daemon.chosen import limits_of, routes_of, wanted_jobs
from watcher.daemon.lanes import Lanes
from watcher.daemon.parts import Parts
from watcher.daemon.watch import Watch
from watcher.doctor.choices import shared_key
from watcher.errors import BadConfig, WatchError
from watcher.render import check_template
from watcher.store.store import Settings

_CHECKED = ("url", "url_file", "url_credential", "ca_bundle", "title", "body")
"""What of a channel can be wrong without the reading of the file finding it."""


@dataclass
class Reload:
    """Takes configurations into use.  *load* reads the file anew, and raises BadConfig.

    *error* is why the last reload was refused, empty when it was not; *configured_at* is the change time of the file in
    use (None: there is none), *reloaded_at* when the last reload took place; both are epoch seconds.
    """

    parts: Parts
    watch: Watch
    lanes: Lanes
    load: Callable[[], Config]
    error: str = ""
    reloaded_at: float = 0.0
    configured_at: float | None = None

    async def start(self) -> dict[str, int]:
        """Take over the configuration that the daemon began with; return how many messages it revives, by channel.

        A channel that cannot be opened is not the end: it is tried anew for each message, and the others can be told.
        """
        config = self.parts.config
        self.configured_at = _changed_at(config)
        prints, closed = await self._fingerprints(config)
        for channel, error in closed.items():
            self.parts.log.warning("channel_unreadable", channel=channel, error=error.what)
        return await self._write(config, prints)

    async def again(self) -> None:
        """Read the configuration anew and go by it; one that cannot be used is refused, and changes nothing."""
        try:
            await self._replace()
        except BadConfig as mistake:
            self.error = str(mistake)
            self.parts.log.error("reload_refused", error=mistake.what, remedy=mistake.remedy or "correct the file")

    async def _replace(self) -> None:
        """Raises BadConfig."""
        before = self.parts.config
        config = await to_thread.run_sync(self.load)
        # A first file, where there was none, is what the daemon has been waiting for.
        if before.path is not None and config.path != before.path:
            raise BadConfig(
                f"the configuration is {before.path} no more, but {config.path or 'the built-in defaults'}",
                "restart the daemon to use another file, or put the old one back",
            )
        if config.state_dir != before.state_dir:
            raise BadConfig(
                f"state_dir is {config.state_dir}, and was {before.state_dir}",
                "a daemon cannot change its database: restart it, or put the old one back",
            )
        changed_at = _changed_at(config)
        prints, closed = await self._fingerprints(config)
        changed = await self._check(config, prints, closed)
        revived = await self._write(config, prints)
        self.parts.config = config
        self.watch.reconfigure()
        self.lanes.reconfigure(changed)
        await self.watch.refresh()  # before it is said: what was taken away is not looked at any more
        self.error, self.configured_at, self.reloaded_at = "", changed_at, clock.now()
        # In a thread: the SDK reads its files.
        unwise = await to_thread.run_sync(lambda: [*config.warnings, *shared_key(config)])
        self._tell(before, changed, revived, unwise)

    async def _fingerprints(self, config: Config) -> tuple[dict[str, str], dict[str, SecretUnreadable]]:
        """Return, by channel, what stands for its URL now, and why it could not be read."""
        prints, closed = {}, {}
        for channel in config.channels:
            before = await self.parts.transact(self.parts.store.dead_letters.fingerprint, channel.name)
            try:
                prints[channel.name] = await to_thread.run_sync(_fingerprint, channel, before)
            except SecretUnreadable as error:
                closed[channel.name] = error
        return prints, closed

    async def _check(self, config: Config, prints: dict[str, str], closed: dict[str, SecretUnreadable]) -> list[str]:
        """Return the channels that are new or changed; raises BadConfig when one of them cannot be used."""
        running = {channel.name: channel for channel in self.parts.config.channels}
        changed, wrong = [], []
        for channel in config.channels:
            name, known = channel.name, running.get(channel.name)
            before = await self.parts.transact(self.parts.store.dead_letters.fingerprint, name)
            moved = known is None or any(getattr(known, key) != getattr(channel, key) for key in _CHECKED)
            if not moved and prints.get(name, before) == before:
                continue
            try:
                if name in closed:
                    raise closed[name]
                await to_thread.run_sync(_try_out, channel)
            except WatchError as error:
                wrong.append(f"{error.what}\n  {error.remedy}" if error.remedy else error.what)
            changed.append(name)
        if config.heartbeat and config.heartbeat != self.parts.config.heartbeat:
            try:
                await to_thread.run_sync(config.heartbeat.secret)
            except SecretUnreadable as error:
                wrong.append(f"{error.what}\n  {error.remedy}")
        if wrong:
            raise BadConfig("\n".join(wrong))
        return changed

    async def _write(self, config: Config, prints: dict[str, str]) -> dict[str, int]:
        now = clock.now()
        digests = {
            route.channel: route.digest.next_after(clock.utc(now)).timestamp()
            for route in routes_of(config)
            if route.digest
        }
        # In a thread: for a name without a region the SDK reads its files.
        jobs = await to_thread.run_sync(wanted_jobs, config)
        settings = Settings(jobs, repr(limits_of(config)), digests, prints)
        return await self.parts.transact(self.parts.store.adopt, settings, now)

    def _tell(self, before: Config, changed: list[str], revived: dict[str, int], unwise: list[str]) -> None:
        log, config = self.parts.log, self.parts.config
        names = [channel.name for channel in config.channels]
        gone = [channel.name for channel in before.channels if channel.name not in names]
        log.info("reloaded", channels=names, changed=changed, removed=gone)
        for warning in unwise:
            log.warning("configuration", warning=warning)
        for channel, count in revived.items():
            log.info("messages_revived", channel=channel, count=count)
        if kept := list(_credentials(config)):
            log.info("credentials_kept", of=kept, remedy="systemd hands out changed credentials by a restart")


def _credentials(config: Config) -> Iterator[str]:
    """Yield whose URL is what systemd handed out when the process began (systemd.exec(5))."""
    if config.heartbeat.url_credential:
        yield "heartbeat"
    yield from (f"channel {channel.name}" for channel in config.channels if channel.url_credential)


def _changed_at(config: Config) -> float | None:
    """Return when the file of a configuration was changed last."""
    try:
        return config.path.stat().st_mtime if config.path else None
    except OSError:
        return None


def _try_out(channel: ChannelConfig) -> None:
    """Open a channel and close it; raises BadChannel, SecretUnreadable or TemplateMistake.  Nothing is sent."""
    for template in filter(None, (channel.title, channel.body)):
        check_template(template)
    bundle = str(channel.ca_bundle) if channel.ca_bundle else None
    open_channel(channel.name, channel.secret(), ca_bundle=bundle).close()


def _fingerprint(channel: ChannelConfig, before: str) -> str:
    """Return what stands for a channel's configuration: *before* itself when it is the same.

    That is its URL, and whom it trusts.  The URL is a secret, and the database must not help to guess it: scrypt with a
    salt of its own (RFC 7914).  Raises SecretUnreadable.
    """
    words = f"{channel.secret()}\n{channel.ca_bundle}".encode()
    if channel.ca_bundle:
        with suppress(OSError):  # whoever opens the channel says so
            words += channel.ca_bundle.read_bytes()
    salt = bytes.fromhex(before.partition("$")[0]) or secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(words, salt=salt, n=2**14, r=8, p=1).hex()}"
