"""The one place that knows what time it is.

Wall time is epoch seconds (float, UTC); sleeping uses the event loop's monotonic clock, in short naps, so that a
clock that jumps delays nobody for long.  Not its business: what the time is used for.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> float:
    """Return the wall time in seconds since the epoch."""
    return time.time()


_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0
"""First and last second of a datetime: years 1 and 9999."""


def utc(epoch: float) -> datetime:
    """Return *epoch* seconds as an aware UTC datetime, clamped to the valid range."""
    return datetime.fromtimestamp(min(max(epoch, _FIRST), _LAST), UTC)
