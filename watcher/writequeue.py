"""Writes that may block (log lines, messages to the service manager), done in order by one thread.

A pipe that nobody reads, a stopped terminal or a journal that hangs blocks a writer for as long as it likes.  Here it
blocks this thread alone: whoever puts a write into the queue goes on.  The queue is bounded; what does not fit is
dropped, counted, and reported once writing works again.
Standard library only.  Not its business: what is written, and where.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread

CAPACITY = 1 << 20
"""Maximum bytes queued; more than a merely slow terminal or pipe accumulates."""

FLUSH = 1.0
"""Seconds that ``flush`` waits at most."""

_Entry = tuple[int, Callable[[], None], int]
"""Position in the order of arrival, the write itself, and its size in bytes."""


class WriteQueue:
    """A bounded queue of writes and the thread that does them; the thread starts with the first write.

    *capacity* is in bytes.  *on_dropped* is called from the thread with the number of writes that were dropped or
    failed since the last report; it may put a write of its own.
    """

    def __init__(self, *, capacity: int = CAPACITY, on_dropped: Callable[[int], None] | None = None) -> None:
        self._capacity, self._on_dropped = capacity, on_dropped
        # Reentrant: a finalizer that warns may run while this very thread is inside put().
        self._changed = Condition()
        self._routine: deque[_Entry] = deque()
        self._important: deque[_Entry] = deque()
        self._bytes = self._arrivals = self._dropped = 0
        self._writing = self._stuck = False
        self._thread: Thread | None = None

    def put(self, write: Callable[[], None], size: int, *, important: bool = False) -> None:
        """Queue *write*, which counts for *size* bytes, and return at once.

        An important write pushes out older routine ones when there is no room.
        """
        with self._changed:
            self._make_room(size, important=important)
            if self._bytes + size > self._capacity:
                self._dropped += 1
                return
            self._arrivals += 1
            (self._important if important else self._routine).append((self._arrivals, write, size))
            self._bytes += size
            if self._thread is None:
                self._thread = Thread(target=self._run, name="write queue", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float = FLUSH) -> bool:
        """Wait until everything is written, at most *timeout* seconds; return whether it is.

        After a flush in vain the next one waits only if something has been written since.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._stuck and (self._routine or self._important or self._writing):
                left = deadline - time.monotonic()
                if left <= 0:
                    self._stuck = True
                else:
                    self._changed.wait(left)
            return not (self._routine or self._important or self._writing)

    def _make_room(self, size: int, *, important: bool) -> None:
        for older in (self._routine, self._important) if important else (self._routine,):
            while older and self._bytes + size > self._capacity:
                self._bytes -= older.popleft()[2]
                self._dropped += 1

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._routine or self._important):
                    self._changed.wait()
                _, write, size = self._next().popleft()
                self._writing = True
            failed = True
            with suppress(OSError):
                write()
                failed = False
            with self._changed:
                self._bytes -= size
                self._writing = False
                self._dropped += failed
                report = 0 if failed or self._bytes > self._capacity // 2 else self._dropped
                self._dropped -= report
                self._stuck = self._stuck and failed
                self._changed.notify_all()
            if report and self._on_dropped is not None:
                self._on_dropped(report)

    def _next(self) -> deque[_Entry]:
        """Return the deque whose first write arrived first."""
        if self._routine and self._important:
            return min(self._routine, self._important, key=lambda entries: entries[0][0])
        return self._routine or self._important


def write_all(descriptor: int, data: bytes) -> None:
    """Write *data* to *descriptor*, however long that blocks.  Raises OSError.

    Whoever shares the open file may have made it non-blocking (O_NONBLOCK belongs to the open file, not to us).
    """
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            writable = select.poll()
            writable.register(descriptor, select.POLLOUT)
            writable.poll()
