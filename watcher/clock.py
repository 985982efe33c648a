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


def utc(epoch: float) -> datetime:
    """Return *epoch* seconds as an aware UTC datetime."""
    return datetime.fromtimestamp(epoch, UTC)
