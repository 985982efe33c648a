"""The line at the bottom of a terminal that says how long, and for what; nothing where stderr is no terminal.

Not its business: what came (``follow``).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from watcher import clock
from watcher.cli.output import columns_of
from watcher.cli.words import RUNNING_STEPS, counted, plain, span

if TYPE_CHECKING:
    from watcher.cli.jobview import JobView

_CLEAR = "\r\x1b[K"
"""To the line's beginning, and erase it (ECMA-48: EL)."""

_MORE = "..."
_SHORT = 16


class Progress:
    """One line, written over and over."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._began = time.monotonic()
        self._shown = ""

    def show(self, views: Iterable[JobView], over: int) -> None:
        """Say how the jobs stand that are waited for; *over* is how many are not any more."""
        if not self._on:
            return
        ended = f" ({counted(over, 'job')} over)" if over else ""
        start = f"waited {span(time.monotonic() - self._began)}{ended} for "
        jobs = [(view.title, standing(view)) for view in views]
        text = line(start, jobs, os.get_terminal_size(sys.stderr.fileno()).columns - 1)
        if text != self._shown:
            sys.stderr.write(_CLEAR + text)
            sys.stderr.flush()
            self._shown = text

    def clear(self) -> None:
        """Take the line away, for others to be written."""
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._shown = ""


def standing(view: JobView) -> str:
    """Return the job's status, and since when which sub-task is under way."""
    status = view.status if isinstance(view.status, str) else view.status[0]
    if view.snapshot is None:
        return "not seen yet" if view.job.state == "new" else status
    running = next((one for one in view.snapshot.steps if one.status in RUNNING_STEPS), None)
    if running is None:
        return f"{status} {view.age(clock.now())}".rstrip()
    since = f" for {span(clock.now() - running.started_at.timestamp())}" if running.started_at else ""
    return f"{status}, {plain(running.name)}{since}"


def line(start: str, jobs: Sequence[tuple[str, str]], columns: int) -> str:
    """Return *start*, and each job's title and how it stands, on *columns*: the titles are shortened first."""
    for most in (columns, _SHORT):
        waiting = ", ".join(f"{cut(title, most)}: {how}" for title, how in jobs) or "jobs"
        if columns_of(start + waiting) <= columns:
            break
    return cut(start + waiting, columns)


def cut(text: str, columns: int) -> str:
    """Return *text*, shortened until it fits on the terminal's line: a longer one would not be written over."""
    if columns_of(text) <= columns:
        return text
    while text and columns_of(text) > columns - len(_MORE):
        text = text[:-1]
    return text + _MORE
