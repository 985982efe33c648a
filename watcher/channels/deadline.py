"""Deadlines of calls that block, all kept by one thread: a timer for each would start a thread for each.

Not its business: what is done at a deadline.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class Deadlines:
    """Calls what is too late, in a thread of its own, which begins with the first deadline."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[object, tuple[float, Callable[[], None]]] = {}
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def within(self, seconds: float, late: Callable[[], None]) -> Iterator[None]:
        """Call *late* if the block takes longer than so many seconds."""
        key, at = object(), time.monotonic() + seconds
        with self._changed:
            self._due[key] = at, late
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif at < self._wakes_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._due.pop(key, None)

    def _watch(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                late = [key for key, (at, _) in self._due.items() if at <= now]
                calls = [self._due.pop(key)[1] for key in late]
                if not calls:
                    # With none, whoever brings the next one wakes us.
                    self._wakes_at = min((at for at, _ in self._due.values()), default=float("inf"))
                    self._changed.wait(self._wakes_at - now if self._due else None)
            for call in calls:
                call()


DEADLINES = Deadlines()
"""Those of this process."""
