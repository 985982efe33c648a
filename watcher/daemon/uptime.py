"""How long this process has run, and whether it has settled: the clock for delivery patience.

Not its business: how long patience lasts (``policy.patience``).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from watcher.policy import SETTLING, Running

LONGEST_GAP = 60.0
"""Seconds; a longer time between two readings means that the process was stopped (SIGSTOP, a paused machine)."""


class Uptime:
    """Counts running time.  Something must call it more often than every LONGEST_GAP seconds.

    The monotonic clock stands still while a Linux machine sleeps (clock_gettime(2)), not while a process is stopped.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._read_at = monotonic()
        self._seconds = self._interrupted_at = 0.0

    def __call__(self) -> Running:
        """Return the running time until now."""
        now = self._monotonic()
        gap, self._read_at = now - self._read_at, now
        self._seconds += min(gap, LONGEST_GAP)
        if gap > LONGEST_GAP:
            self.interrupt()
        return Running(self._seconds, self._seconds - self._interrupted_at >= SETTLING)

    def interrupt(self) -> None:
        """Note that the machine slept or its clock was set: as after a start, the network may need a while."""
        self._interrupted_at = self._seconds
