"""How data is printed: tables for people, JSON for programs, both on stdout; words go to stderr.

Not its business: what is printed.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from watcher.cli.words import Cell, plain

if TYPE_CHECKING:
    from typing import Any

    from watcher.cli.context import Context

VERSION = 1
"""Of the JSON documents: it moves when a member changes its meaning or goes away."""

_SGR = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}
"""Select Graphic Rendition (ECMA-48, 8.3.117)."""


def write(text: str, end: str = "\n") -> None:
    """Write a line, or lines, to stdout; what its encoding cannot express becomes a question mark."""
    try:
        sys.stdout.write(text + end)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + end)


def note(text: str) -> None:
    """Say something to the person at the terminal, on stderr."""
    sys.stderr.write(f"bedrock-watch: {plain(text, lines=True)}\n")


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
    context: Context, headers: Sequence[str], rows: Iterable[Sequence[Cell]], spare: Collection[str] = ()
) -> None:
    """Print aligned columns.  An empty cell is ``-``, so that the columns can be counted.

    The *spare* columns are left out where a terminal is too narrow for them, the last one first.
    """
    table: list[list[Cell]] = [[(header, "dim") for header in headers]]
    table += [[cell or "-" for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    shown = list(range(len(headers)))
    columns = room()
    for column in reversed(range(len(headers))):
        if headers[column] in spare and sum(widths[one] + 2 for one in shown) - 2 > columns:
            shown.remove(column)
    colored = context.colored
    write("\n".join(_line([(row[one], widths[one]) for one in shown], colored=colored) for row in table))


def print_json(output: str, head: Mapping[str, Any], name: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Print *items*: for ``json`` as the member *name* of one document with *head*, for ``jsonl`` one a line."""
    if output == "json":
        print_document(output, {**head, name: items})
        return
    for item in items:
        print_document(output, item)


def print_document(output: str, document: Mapping[str, Any]) -> None:
    """Print one document, with its version; on one line for ``jsonl``.

    What is not ASCII is escaped: a terminal, too, may be what reads it.
    """
    import json

    write(json.dumps({"version": VERSION, **document}, indent=2 if output == "json" else None))


def _line(cells: Sequence[tuple[Cell, int]], *, colored: bool) -> str:
    padded = [paint(cell, colored=colored) + " " * (width - _width(cell)) for cell, width in cells]
    return "  ".join(padded).rstrip()


def _width(cell: Cell) -> int:
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
