"""How findings are printed: one line each, and under it what to do.

Not its business: finding anything (``watcher.doctor``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from watcher.cli.context import Context
from watcher.cli.output import paint, print_json, room, write
from watcher.cli.words import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watcher.doctor.finding import Finding

_MARKS = {
    "ok": ("ok", "green"),
    "warn": ("warn", "yellow"),
    "fail": ("FAIL", "red"),
    "not checkable here": ("?", "dim"),
}
_INDENT = 6


def print_findings(context: Context, findings: Sequence[Finding], output: str, head: Mapping[str, Any]) -> None:
    """Print *findings*, as a document with *head* for ``json``."""
    if output != "table":
        print_json(output, head, "findings", [document(one) for one in findings])
        return
    column = _INDENT + max((len(one.check) for one in findings), default=0) + 2
    for one in findings:
        word, color = _MARKS[one.grade]
        mark = paint((word, color), colored=context.colored) + " " * (_INDENT - len(word))
        what = f"not checkable here: {one.what}" if word == "?" else one.what
        named = not one.subject or (one.subject.startswith("/") and one.subject in what)
        first, *more = _wrapped(what if named else f"{one.subject}: {what}", column)
        write(mark + one.check.ljust(column - _INDENT) + first)
        for line in more:
            write(" " * column + line)
        if one.grade != "ok":
            for line in one.remedy.splitlines():
                for part in _wrapped(line, column + 2):
                    write(" " * (column + 2) + part)


def _wrapped(text: str, column: int) -> list[str]:
    """Return *text* in lines that fit a terminal from that column on; words, which may be paths, are left whole."""
    from textwrap import wrap

    columns = room()
    if columns == float("inf"):
        return [plain(text)]
    width = max(int(columns) - column, 40)
    return wrap(plain(text), width, break_long_words=False, break_on_hyphens=False) or [""]


def document(one: Finding) -> dict[str, Any]:
    """Return a finding as JSON values."""
    return {
        "check": one.check,
        "subject": one.subject,
        "severity": str(one.grade),
        "finding": one.what,
        "remedy": one.remedy or None,
    }
