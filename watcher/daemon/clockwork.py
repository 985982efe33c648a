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


AGREED = 300.0
"""Seconds by which a correct clock may differ from AWS's, as for signed requests."""

WITHOUT_AWS = 3600.0
"""Seconds after which alerts no longer wait for AWS to confirm the clock."""


def _since_boot() -> float:
    """Return the wall clock minus the boot-time clock, which also counts while the machine sleeps."""
    return clock.now() - time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass
class ClockTrust:
    """Whether a signed AWS response has confirmed the wall clock, and it has not been set since.

    Until then nothing is deleted for its age, and no job is called stalled or overdue: a clock that is wrong by years
    would do that to all of them.  It is asked at each use, so that a step of the clock counts from its first moment.
    """

    _agreed: float | None = None
    _doubted_at: float = field(default_factory=time.monotonic)

    def hear(self, at: float) -> None:
        """Record the time (epoch seconds) in the Date header of an AWS response."""
        if abs(at - clock.now()) <= AGREED:
            self._agreed = _since_boot()

    def is_confirmed(self) -> bool:
        """Return whether AWS has confirmed the clock's current setting."""
        if self._agreed is not None and abs(_since_boot() - self._agreed) <= AGREED:
            return True
        if self._agreed is not None:
            self._agreed, self._doubted_at = None, time.monotonic()
        return False

    def may_remind(self) -> bool:
        """Return whether alerts about jobs that take too long are allowed."""
        return self.is_confirmed() or time.monotonic() - self._doubted_at >= WITHOUT_AWS
