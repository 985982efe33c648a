"""The lanes' part, played by hand."""

from __future__ import annotations

from watcher import clock
from watcher.model import Delivery, Failed, Sent
from watcher.store import Store
from watcher.store.outbox import Times


def claimed(store: Store, channel: str, now: float | None = None) -> Delivery:
    """Take the next message of *channel*; there must be one."""
    (delivery,) = store.outbox.claim(channel, clock.now() if now is None else now).deliveries
    return delivery


def arrived(store: Store, delivery: Delivery, verdict: Sent | None = None) -> None:
    """Mark a message as delivered."""
    store.outbox.sent([delivery], verdict or Sent(), clock.now(), clock.now())


def failed(
    store: Store, delivery: Delivery, verdict: Failed, retry_at: float | None = None, patient_since: float = 0.0
) -> bool:
    """Say that a message was not accepted; return whether it was put back."""
    now = clock.now()
    return not store.outbox.failed(
        [delivery], verdict, Times(now, now, now if retry_at is None else retry_at, patient_since)
    )
