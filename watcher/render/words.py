"""Times, durations and other values as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

# C0 and C1 controls except tab and newline, line and paragraph separators, the marks that turn text around, and lone
# surrogates, which no server can be sent.  Joiners stay: words of several scripts need them.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def duration(span: timedelta | float) -> str:
    """Return a span of time as ``3h12m``, ``12m``, ``45s`` or ``2d4h``; a negative one as ``0s``."""
    seconds = int(max(span.total_seconds() if isinstance(span, timedelta) else span, 0))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        return f"{days}d{hours}h" if hours else f"{days}d"
    if hours:
        return f"{hours}h{minutes:02}m"
    if minutes:
        return f"{minutes}m{secs:02}s" if minutes < 10 and secs else f"{minutes}m"
    return f"{secs}s"


def moment(at: datetime | None, zone: tzinfo | None = UTC) -> str:
    """Return a time as ``2026-11-24 14:02:10 UTC`` or ``... +01:00``, or ``unknown``; *zone* None is the machine's."""
    return "unknown" if at is None else f"{plain_moment(at, zone)} {offset(at, zone)}"


def plain_moment(at: datetime, zone: tzinfo | None) -> str:
    """Return a time without its offset, for a column whose heading tells it."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def offset(at: datetime, zone: tzinfo | None) -> str:
    """Return the offset of *zone* at that time, as ``UTC`` or ``+01:00``."""
    digits = f"{at.astimezone(zone):%z}"
    return "UTC" if digits == "+0000" else f"{digits[:3]}:{digits[3:5]}"


def between(start: datetime | None, end: datetime | None) -> str:
    """Return the duration between two times, empty when one is not known."""
    return "" if start is None or end is None else duration(end - start)


def numbers(several: Sequence[int], most: int) -> str:
    """Return ascending numbers as ``3, 5 and 7 to 9``; as ``90 between 3 and 200`` if that is longer than *most*."""
    runs: list[list[int]] = []
    for number in several:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [word for run in runs for word in (map(str, run) if len(run) < 3 else [f"{run[0]} to {run[-1]}"])]
    text = " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    return text if len(text) <= most else f"{len(several)} between {several[0]} and {several[-1]}"


def clean(text: str, *, lines: bool = False) -> str:
    """Return *text* without control characters; with *lines* False on one line.

    A carriage return becomes a line break, so that nothing is lost and no header can be injected.
    """
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if lines else " ".join(text.split())


def cut(text: str, most: int) -> str:
    """Return *text* in at most *most* characters, its head and its tail kept."""
    if len(text) <= most:
        return text
    gap = f" [... {len(text) - most} characters left out ...] "
    room = most - len(gap)
    if room < len(gap):
        return shorten(text, most)
    return text[: room * 2 // 3] + gap + text[len(text) - (room - room * 2 // 3) :]


def shorten(text: str, most: int) -> str:
    """Return *text* in at most *most* characters, an ellipsis for what is cut."""
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"
