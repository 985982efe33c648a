"""The sub-task timeline in words, for the families that show it as a list rather than a table.

Not its business: markup.
"""

from __future__ import annotations

from watcher.render.story import Row

SYMBOLS = {"Completed": "✓", "Failed": "✗", "InProgress": "▶", "Stopping": "▶", "Stopped": "■"}
"""A sub-task's state at a glance; colour alone would not reach everybody."""

WAITS = "○"
"""The symbol of a sub-task that has not begun, or whose state is new to us."""


def symbol(row: Row) -> str:
    """Return the one character that stands for the state of *row*."""
    return SYMBOLS.get(row.status, WAITS)


def in_words(row: Row) -> str:
    """Return the state of *row*: ``Completed after 10m, began 2026-11-20 08:02:00``; the running one says ``for``."""
    lasted = f" {'for' if row.current else 'after'} {row.duration}" if row.duration else ""
    return row.status + lasted + (f", began {row.started}" if row.started else "")
