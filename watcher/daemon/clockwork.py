"""Notices that the wall clock was set, or that the machine slept: it moved otherwise than the monotonic clock.

Not its business: what follows from it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from watcher import clock

UNNOTICED = 10.0
"""Seconds that the two may differ between two glances: waiting so much longer, or shorter, hurts nobody."""


def _offset() -> float:
    return clock.now() - time.monotonic()


@dataclass
class Clockwork:
    """Remembers by how much the clocks differed at the last glance."""

    _before: float = field(default_factory=_offset)

    def jumped(self) -> float:
        """Return by how many seconds the wall clock was set forward (back: less than 0) since the last glance."""
        before, self._before = self._before, _offset()
        jump = self._before - before
        return jump if abs(jump) > UNNOTICED else 0.0
