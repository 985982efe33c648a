"""A stand-in for ``sys.stderr`` that never blocks: its text goes through the log's write queue.

Tracebacks, warnings and whatever a library prints take the same way as the log, so nothing else can stop the daemon,
and no thread is ever caught inside the buffer lock of the real stream, on which the interpreter would hang at exit.
"""

from __future__ import annotations

import io
import os
from functools import partial

from watcher.writequeue import WriteQueue, write_all


class QueuedStream(io.TextIOBase):
    """Text in, whole lines out through *queue* to *descriptor*."""

    def __init__(self, queue: WriteQueue, descriptor: int) -> None:
        self._queue, self._descriptor = queue, descriptor
        self._unfinished = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the text."""
        return "utf-8"

    def write(self, text: str) -> int:
        """Queue the finished lines of *text*, and keep the rest until it is finished."""
        lines, newline, rest = (self._unfinished + text).rpartition("\n")
        self._unfinished = rest
        if newline:
            self._put(lines + newline)
        return len(text)

    def flush(self) -> None:
        """Queue an unfinished line too, and wait for the queue, for a second at most."""
        rest, self._unfinished = self._unfinished, ""
        if rest:
            self._put(rest)
        self._queue.flush()

    def _put(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        self._queue.put(partial(write_all, self._descriptor, data), len(data), important=True)

    def writable(self) -> bool:
        """Return True: this is what it is for."""
        return True

    def isatty(self) -> bool:
        """Return whether the real stream is a terminal, and still there."""
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        """Return the descriptor of the real stream."""
        return self._descriptor
