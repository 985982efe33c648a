"""Test messages through the same queue, lane and renderer as real news.

Not its business: which channels are tried, and how the results are printed (``channel``).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from watcher import clock, presence
from watcher.cli import service
from watcher.model import ChannelTest

if TYPE_CHECKING:
    from watcher.cli.context import Context
    from watcher.config import Config
    from watcher.store import Store
    from watcher.store.history import Told

PATIENCE = 45.0
"""Seconds that the daemon is waited for: longer than a send may take (``channels.LIMITS``)."""

_GLANCE = 0.1
_WAITING = ("pending", "uncertain")

_LATE = f"not tried within {PATIENCE:g} s; if it is new, reload the daemon"


def try_channels(context: Context, store: Store, names: Sequence[str]) -> dict[str, str]:
    """Send each channel of *names* a test message; return why it failed, by the names of those where it did.

    The daemon sends them when it runs, else they are sent here.  A test that failed is not left in the queue: nobody
    wants it hours later.  Raises WatchError when a daemon starts at this very moment.
    """
    pid = service.daemon_pid(context)
    if pid is not None:
        own = service.own_words(context, pid)
        strangers = {name: _reload(name, own) for name in names if name not in own.get("channels", names)}
        with _tests(store, [name for name in names if name not in strangers]) as ids:
            _await(context, store, ids)
            gone = service.daemon_pid(context) is None
            why = "the daemon ended meanwhile; it may have arrived" if gone else _LATE
            return strangers | _failures(store, ids, why)
    with presence.only_one(context.state_dir):
        store.outbox.recover(clock.now())
        with _tests(store, names) as ids:
            channels = tuple(one for one in context.config.channels if one.name in names)
            _send(replace(context.config, channels=channels), store)
            return _failures(store, ids, "not tried")


@contextmanager
def _tests(store: Store, names: Sequence[str]) -> Iterator[Mapping[str, int]]:
    """Put a test message into the queue for each channel; yield their ids by the names; leave none behind."""
    for left in store.history.deliveries(_WAITING):
        # An earlier test that was interrupted would be sent first.
        if left.subject == f"channel/{left.channel}" and left.channel in names:
            store.dead_letters.drop(left.id, clock.now())
    ids = {name: store.outbox.put(name, ChannelTest(name), clock.now()) for name in names}
    try:
        yield ids
    finally:
        for one in _told(store, ids):
            if one.state in _WAITING:
                store.dead_letters.drop(one.id, clock.now(), one.last_error or "the test was not waited for")


def _await(context: Context, store: Store, ids: Mapping[str, int]) -> None:
    """Return when each message was tried, when the daemon has ended, or when PATIENCE is over."""
    end = time.monotonic() + PATIENCE
    while not all(map(_is_tried, _told(store, ids))):
        if time.monotonic() > end or service.daemon_pid(context) is None:
            return
        time.sleep(_GLANCE)


def _send(config: Config, store: Store) -> None:
    """Be the daemon's lanes for one turn, of nothing but the tests."""
    import anyio

    from watcher.daemon.lanes import Lanes
    from watcher.daemon.parts import Parts

    async def send() -> None:
        lanes = Lanes(Parts(config, store, _Silence()), subject=lambda name: f"channel/{name}")
        try:
            await lanes.once()
        finally:
            await lanes.close()

    anyio.run(send)


def _failures(store: Store, ids: Mapping[str, int], untried: str) -> dict[str, str]:
    failures = {}
    for one in _told(store, ids):
        if one.state != "sent":
            failures[one.channel] = one.last_error if _is_tried(one) else untried
    return failures


def _told(store: Store, ids: Mapping[str, int]) -> list[Told]:
    return store.history.deliveries(ids=tuple(ids.values()))


def _is_tried(one: Told) -> bool:
    return one.state in ("sent", "dead") or (one.state != "sending" and bool(one.last_error))


def _reload(name: str, own: Mapping[str, Any]) -> str:
    return f"the daemon does not know channel {name}; {service.how_to_reload(own)}"


class _Silence:
    """A log that nobody reads: the results are printed."""

    def debug(self, event: str, **fields: Any) -> None:  # noqa: ANN401
        """Say nothing."""

    info = warning = error = debug
