"""How the sections of a table are drawn, in boxes of ASCII.  Not its business: what they hold (``table``)."""

from __future__ import annotations

import fcntl
import struct
import termios
from collections.abc import Iterator, Sequence
from typing import TextIO

from watcher.cli.get.table import Section, width

_PADDING = 4
_BORDER = 2
_ROOM = 80
"""Columns, where the output is no terminal."""

_CELL, _FRAME, RESET = "\x1b[1m\x1b[34m", "\x1b[2m\x1b[33m", "\x1b[0m"
"""Bright blue, dim yellow, neither (ECMA-48)."""


def room(stream: TextIO) -> int:
    """Return how many columns *stream* has; 80 when it is no terminal."""
    try:
        size = fcntl.ioctl(stream, termios.TIOCGWINSZ, b"\0" * 8)
    except (OSError, ValueError):
        return _ROOM
    return int(struct.unpack("hhhh", size)[1])


def draw(sections: Sequence[Section], columns: int, *, colored: bool) -> str:
    """Return the picture of *sections*.  What is wider than *columns* is turned by a quarter where it can be.

    With *colored* every piece ends with a reset, so that it is the AWS CLI's to the byte.
    """
    if not sections:
        return ""
    across = _across(sections)
    if across > columns:
        sections = [section.upright() for section in sections]
        across = _across(sections)
    pieces = ["-" * across + "\n"]
    for section in sections:
        frame = (f"{_FRAME}|{RESET}" if colored else "|") * section.depth
        for line in _lines(section, across - 2 * section.depth, colored=colored):
            pieces += [frame, line, frame, "\n"]
    return "".join(piece + RESET for piece in pieces) if colored else "".join(pieces)


def _across(sections: Sequence[Section]) -> int:
    """Return the width of the widest section."""
    return max(
        2 * section.depth
        + max(width(str(section.title)) + _BORDER, sum(wide + _PADDING for wide in section.widths()) + _BORDER)
        for section in sections
    )


def _lines(section: Section, across: int, *, colored: bool) -> Iterator[str]:
    if section.title:
        yield _centred(section.title, across, "|")
        if not section.headers and not section.rows:
            yield f"+{'-' * (across - 2)}+"
    widths = _fitted(section.widths(), across)
    rule = "+" + "".join(f"{'-' * (wide - 2 + bool(place))}+" for place, wide in enumerate(widths))
    if section.headers:
        yield rule
        yield "".join(
            _centred(header, wide, "" if place else "|")
            for place, (header, wide) in enumerate(zip(section.headers, widths, strict=True))
        )
    if widths and section.rows:
        yield rule
        for row in section.rows:
            yield "".join(
                _cell(text, wide, "" if place else "|", colored=colored)
                for place, (text, wide) in enumerate(zip(row, widths, strict=True))
            )
        yield rule


def _fitted(widths: Sequence[int], across: int) -> list[int]:
    """Return the columns' *widths*, padded and stretched until together they are *across*."""
    padded = [wide + _PADDING for wide in widths]
    if not padded:
        return []
    stretch = across / sum(padded)
    fitted = [round(stretch * wide) for wide in padded]
    over = sum(fitted) - across
    # What rounding gave too much is taken from the first columns; what it gave too little goes to the last.
    places = range(len(fitted)) if over > 0 else range(len(fitted) - 1, -1, -1)
    for turn in range(abs(over)):
        fitted[places[turn % len(fitted)]] += -1 if over > 0 else 1
    return fitted


def _centred(text: str, across: int, left: str) -> str:
    long = width(text)
    start = left + " " * (across // 2 - long // 2 - 1)
    return f"{start}{text}{' ' * (across - 1 - len(start) - long)}|"


def _cell(text: str, across: int, left: str, *, colored: bool) -> str:
    start = left + "  " * (across - width(text) - len(left) - 3 >= 0)
    rest = " " * (across - len(start) - width(text) - 1)
    return f"{start}{_CELL}{text}{RESET}{rest}|" if colored else f"{start}{text}{rest}|"
