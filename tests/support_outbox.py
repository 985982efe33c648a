"""The lanes' part, played by hand."""

from __future__ import annotations

from collections.abc import Sequence

from watcher import clock
from watcher.model import Delivery, Failed, Sent
from watcher.policy import Running
from watcher.store import Store
from watcher.store.outcomes import Times


def claimed(store: Store, channel: str, now: float | None = None) -> Delivery:
    """Take the next message of *channel*; there must be one."""
    (delivery,) = store.outbox.claim(channel, clock.now() if now is None else now).deliveries
    return delivery


def arrived(store: Store, delivery: Delivery, verdict: Sent | None = None) -> None:
    """Mark a message as delivered."""
    store.outbox.sent([delivery], verdict or Sent(), clock.now(), clock.now())


def failed(
    store: Store, delivery: Delivery, verdict: Failed, retry_at: float | None = None, running: Running | None = None
) -> bool:
    """Say that a message was not accepted; return whether it was put back."""
    now = clock.now()
    times = Times(now, now, now if retry_at is None else retry_at, running)
    return not store.outbox.failed([delivery], verdict, times)


def buried(
    store: Store, deliveries: Sequence[Delivery], reason: str, now: float | None = None, tell: Sequence[str] = ()
) -> None:
    """Let messages fail permanently: their channel's URL, which never worked, refuses them."""
    at = clock.now() if now is None else now
    with store.database.transaction() as sql:
        sql.execute("DELETE FROM channels WHERE name = ?", (deliveries[0].channel,))
    assert store.outbox.failed(deliveries, Failed(reason, permanent=True), Times(at, at, at), tell) == list(deliveries)
