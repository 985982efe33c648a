"""Lengths of time as people write them: ``30s``, ``2m``, ``1h30m``, ``500ms``.

Not its business: which lengths make sense for what (``sections``).
"""

from __future__ import annotations

import math
import re

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
# A text, not a compiled pattern, here and beside: most runs of a short command never need it.
_DURATION = (
    rf"(?:(?P<d>{_NUMBER})d)?(?:(?P<h>{_NUMBER})h)?(?:(?P<m>{_NUMBER})m(?!s))?(?:(?P<s>{_NUMBER})s)?"
    rf"(?:(?P<ms>{_NUMBER})ms)?"
)
_DAYS = 2 * 86_400
"""Seconds from which on whole days are counted as days: 48h is the longest that people write in hours."""
_IN_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def parse_duration(text: str | float) -> float:
    """Return the seconds that *text* means; a number is a number of seconds.

    The units d, h, m, s and ms go from large to small, each at most once; spaces do not matter.
    Raises ValueError, with a reason for people, when it is none, is negative or is not finite.
    """
    seconds = _read(text) if isinstance(text, str) else _number(text)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError("a length of time is a number from 0 up")
    return seconds


def format_duration(seconds: float) -> str:
    """Return the text that ``parse_duration`` reads back as exactly *seconds* (which are finite, from 0 up)."""
    if seconds == 0:
        return "0s"
    if seconds % 1:
        millis = round(seconds * 1000)
        return f"{millis}ms" if seconds < 1 and millis / 1000 == seconds else f"{seconds!r}s"
    if seconds >= _DAYS and seconds % 86_400 == 0:
        return f"{int(seconds) // 86_400}d"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return "".join(f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if count)


def _read(text: str) -> float:
    match = re.fullmatch(_DURATION, text.replace(" ", ""))
    given = {unit: float(count) for unit, count in match.groupdict().items() if count} if match else {}
    if not given:
        raise ValueError('a length of time is written like "30s", "2m", "1h30m" or "500ms"')
    # Divided, not multiplied by 0.001, so that 100ms is the same float as 0.1.
    millis = given.pop("ms", 0.0)
    return math.fsum(count * _IN_SECONDS[unit] for unit, count in given.items()) + millis / 1000


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
