"""The signs of life of the daemon's loops: each has a limit, and one that is late is known by its name.

Measured on the monotonic clock: a wall clock that jumps makes nobody late.  Not its business: what follows from it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Pulse:
    """One loop's; *limit* is the longest time, in seconds, that may lie between two of its beats."""

    name: str
    limit: float
    beaten_at: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        """Give a sign of life."""
        self.beaten_at = time.monotonic()


class Pulses:
    """Those of every loop that runs."""

    def __init__(self) -> None:
        self._pulses: set[Pulse] = set()

    @contextmanager
    def of(self, name: str, limit: float) -> Iterator[Pulse]:
        """Count a loop in, for as long as it runs."""
        pulse = Pulse(name, limit)
        self._pulses.add(pulse)
        token = _CURRENT.set(pulse)
        try:
            yield pulse
        finally:
            _CURRENT.reset(token)
            self._pulses.discard(pulse)

    def beat_all(self) -> None:
        """Count anew for everybody: they had to wait, and it was not their fault."""
        for pulse in self._pulses:
            pulse.beat()

    def late(self) -> list[str]:
        """Return the names of the loops that have stood still for longer than they may."""
        now = time.monotonic()
        return sorted(pulse.name for pulse in self._pulses if now - pulse.beaten_at > pulse.limit)


_CURRENT: ContextVar[Pulse | None] = ContextVar("bedrock_watch_pulse", default=None)


def beat() -> None:
    """Give a sign of life for the loop that this is called in, if any: a long turn is not a late one while it moves."""
    pulse = _CURRENT.get()
    if pulse is not None:
        pulse.beat()
