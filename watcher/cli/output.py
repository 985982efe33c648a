"""How data is printed: tables for people, JSON for programs, both on stdout; words go to stderr.

Not its business: what is printed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from watcher.cli.words import Cell, plain

if TYPE_CHECKING:
    from typing import Any

    from watcher.cli.context import Context

VERSION = 1
"""Of the JSON documents: it moves when a member changes its meaning or goes away."""

_SGR = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}
"""Select Graphic Rendition (ECMA-48, 8.3.117)."""


_NARROW = 20
"""Columns: a text in fewer is hard to read, and a shorter one is not worth wrapping."""

_INDENT = "      "


def write(text: str, end: str = "\n") -> None:
    """Write a line, or lines, to stdout; what its encoding cannot express becomes a question mark."""
    try:
        sys.stdout.write(text + end)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + end)


def note(text: str) -> None:
    """Say something to the person at the terminal, on stderr."""
    from watcher.cli.invocation import runnable

    sys.stderr.write(f"bedrock-watch: {plain(runnable(text), lines=True)}\n")


def warn_unverified(context: Context) -> None:
    """Warn on stderr when the configuration lets any server pose as AWS."""
    from watcher.config.values import UNVERIFIED

    if not context.config.aws.verify_ssl:
        note(f"warning: {UNVERIFIED}")


def name_database(context: Context) -> None:
    """Say on stderr which database is used."""
    sys.stderr.write(f"database: {plain(str(context.database))}\n")


def paint(cell: Cell, *, colored: bool) -> str:
    """Return a cell's text, in its colour when there is one and *colored*."""
    if isinstance(cell, str):
        return cell
    text, color = cell
    return f"\x1b[{_SGR[color]}m{text}\x1b[0m" if colored and text else text


def print_table(
    context: Context, headers: Sequence[str], rows: Iterable[Sequence[Cell]], spare: Sequence[str] = ()
) -> None:
    """Print aligned columns.  An empty cell is ``-``, so that the columns can be counted.

    Where a terminal is too narrow, the columns are left out that tell nothing, then the *spare* ones, one by one; a
    last column of long texts is wrapped, in its place or, where that is too narrow, under each row.
    """
    table: list[list[Cell]] = [[(header, "dim") for header in headers]]
    table += [[cell or "-" for cell in row] for row in rows]
    widths = [max(map(columns_of, column)) for column in zip(*table, strict=True)]
    shown, over = _fitting(table, widths, [headers.index(name) for name in spare])
    lines, last = [], shown[-1]
    for number, row in enumerate(table):
        cells = [(row[one], widths[one]) for one in shown]
        if over <= 0 or widths[last] < _NARROW:
            lines.append(_line(cells, colored=context.colored))
        elif widths[last] - over >= _NARROW:
            lines += _beside(cells[:-1], row[last], int(widths[last] - over), colored=context.colored)
        else:
            lines += _beneath(cells[:-1], row[last] if number else "-", int(room()), colored=context.colored)
    write("\n".join(lines))


def _fitting(table: Sequence[Sequence[Cell]], widths: Sequence[int], spare: Sequence[int]) -> tuple[list[int], float]:
    """Return the columns to show, and by how much they are wider than the terminal still."""
    columns = room()

    def over() -> float:
        return sum(widths[one] + 2 for one in shown) - 2 - columns

    def saved(*, beneath: bool) -> int:
        """Return what is saved by wrapping the last texts: in their place, or *beneath* each row."""
        width = 0 if shown[-1] in spare else widths[shown[-1]]
        return 0 if width < _NARROW else width + 2 if beneath else width - _NARROW

    shown = list(range(len(widths)))
    if over() > 0 and len(table) > 1:
        shown = [one for one in shown if one == 0 or any(row[one] != "-" for row in table[1:])]
    told = shown
    for beneath in (False, True):
        shown = list(told)
        for column in spare:
            if column in shown and over() > saved(beneath=beneath):
                shown.remove(column)
        if over() <= saved(beneath=beneath):
            break
    return shown, over()


def _beside(cells: Sequence[tuple[Cell, int]], last: Cell, width: int, *, colored: bool) -> Iterator[str]:
    """Yield a row whose *last* cell takes as many lines as it needs."""
    for part in _wrapped(last, width):
        yield _line([*cells, (part, width)], colored=colored)
        cells = [("", width) for _, width in cells]


def _beneath(cells: Sequence[tuple[Cell, int]], last: Cell, columns: int, *, colored: bool) -> Iterator[str]:
    """Yield a row, and under it, if it tells anything, its *last* cell."""
    yield _line(cells, colored=colored)
    if last != "-":
        for part in _wrapped(last, max(columns - len(_INDENT), _NARROW)):
            yield _INDENT + paint(part, colored=colored)


def _wrapped(cell: Cell, width: int) -> list[Cell]:
    from textwrap import wrap

    text, color = (cell, "") if isinstance(cell, str) else cell
    return [(part, color) if color else part for part in wrap(text, width, break_on_hyphens=False)]


def print_json(
    output: str, head: Mapping[str, Any], name: str, items: Iterable[Mapping[str, Any]], left_out: int | None = None
) -> None:
    """Print *items* as they come: for ``json`` as the member *name* of one document with *head*, else one per line.

    *left_out* is how many rows a list that can be cut does not show; if there are any, each line has it too.
    """
    cut = {} if left_out is None else {"left_out": left_out}
    if output != "json":
        for item in items:
            print_document(output, {**item, **cut} if left_out else item)
        return
    import json
    from textwrap import indent

    # The same bytes as one call of dumps would give, without all the items in memory at once.
    opening = json.dumps({"version": VERSION, **head, **cut}, indent=2).removesuffix("\n}")
    write(f"{opening},\n  {json.dumps(name)}: [", end="")
    separator = ""
    for item in items:
        write(f"{separator}\n{indent(json.dumps(item, indent=2), '    ')}", end="")
        separator = ","
    write("\n  ]\n}" if separator else "]\n}")


def say_left_out(left_out: int, what: tuple[str, str], remedy: str) -> None:
    """Report on stderr how many rows a list omits (*what*: singular and plural), and how to see them."""
    if left_out:
        note(f"{left_out} {what[left_out > 1]} not shown; {remedy}")


def print_document(output: str, document: Mapping[str, Any]) -> None:
    """Print one document, with its version; on one line for ``jsonl``.

    What is not ASCII is escaped: a terminal, too, may be what reads it.
    """
    import json

    write(json.dumps({"version": VERSION, **document}, indent=2 if output == "json" else None))


def _line(cells: Sequence[tuple[Cell, int]], *, colored: bool) -> str:
    padded = [paint(cell, colored=colored) + " " * (width - columns_of(cell)) for cell, width in cells]
    return "  ".join(padded).rstrip()


def columns_of(cell: Cell) -> int:
    """Return how many columns of a terminal a cell takes."""
    text = cell if isinstance(cell, str) else cell[0]
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def room() -> float:
    """Return how many columns stdout has; a pipe has all that are needed."""
    if not sys.stdout.isatty():
        return float("inf")
    from shutil import get_terminal_size

    return get_terminal_size().columns
