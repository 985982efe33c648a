"""When to look again, and when to try again.  Durations are seconds."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.model import Outcome, Snapshot

SLOWEST_RETRY = 120.0
"""A failing job or group is asked again after this many seconds at the latest."""

MISSES = 3
"""How many times a job that was seen must be not found before it is called lost sight of."""

VANISHED_RETRY = 1800.0
"""A job that was lost sight of is asked for again after this many seconds."""

LINGER = 600.0
"""How long a Failed job without a failureMessage stays watched for it, in seconds."""

CONFIRM_EVERY = 86_400.0
"""A job that only List has confirmed is confirmed by Get after this many seconds."""

LISTED_FROM = 3
"""From this many due jobs on, one List is cheaper than a Get each."""

LONGEST_SEND_RETRY = 3600.0
"""A message is tried again after this many seconds at the latest."""

_RETRY_FIRST, _RETRY_SLOWEST = 5.0, 900.0
BLIND_FAILURES = 3
"""Minimum consecutive failures before an outage is reported, however long it lasts."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """The configured bounds of polling."""

    fastest: float = 30.0
    slowest: float = 120.0
    blind_after: float = 600.0


def next_look(cadence: Cadence, quiet: float, luck: float) -> float:
    """Return the delay until the next look: a tenth of the *quiet* time, within bounds, +-10 % by *luck* in [0, 1)."""
    delay = min(max(quiet / 10, cadence.fastest), cadence.slowest)
    return delay * (0.9 + 0.2 * luck)


def retry_look(cadence: Cadence, failures: int, luck: float, asked_to_wait: float = 0.0) -> float:
    """Return the delay after the *failures*-th failure in a row: doubling from the fastest, 2 min at most."""
    delay = min(cadence.fastest * 2.0 ** min(failures - 1, 20), max(SLOWEST_RETRY, cadence.fastest))
    return max(delay * (0.9 + 0.2 * luck), min(asked_to_wait, SLOWEST_RETRY))


def retry_send(attempts: int, luck: float) -> float:
    """Return the delay before a message's next try: doubling, with jitter."""
    return min(_RETRY_FIRST * 2.0 ** min(attempts - 1, 20), _RETRY_SLOWEST) * (0.5 + luck)


def is_blind(cadence: Cadence, failing_since: float, failures: int, now: float) -> bool:
    """Return whether not being able to look has lasted long enough to be told."""
    return failures >= BLIND_FAILURES and now - failing_since >= cadence.blind_after


def last_word_is_in(snapshot: Snapshot) -> bool:
    """Return whether nothing more is to be expected of a job that is over."""
    return snapshot.outcome.terminal and (snapshot.outcome is not Outcome.FAILED or bool(snapshot.failure))
