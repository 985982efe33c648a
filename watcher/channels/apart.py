"""Run calls that may block forever in their own thread, so that the sender can stop waiting for them.

The system's resolver cannot be interrupted, and neither can a library that owns its socket (MQTT, IRC, SOCKS).
Not its business: when to stop waiting (``witness``).
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

if TYPE_CHECKING:
    from watcher.channels.witness import Witness

T = TypeVar("T")


class Abandoned(OSError):
    """The send was aborted while the call was still running."""


class StillRunning(OSError):
    """A call that was abandoned earlier has not returned yet; nothing was begun."""


def _nothing(*_: object) -> None:
    pass


class Apart:
    """Runs one call at a time; a channel has one, so abandoned calls cannot pile up."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def run(
        self,
        witness: Witness,
        call: Callable[[], T],
        interrupt: Callable[[], None] = _nothing,
        discard: Callable[[T], object] = _nothing,
    ) -> T:
        """Return what *call* returns, and raise what it raises; Abandoned once *witness* hangs up.

        *interrupt* may wake the abandoned call; *discard* gets what it returns after all.  Raises StillRunning.
        """
        if self._thread is not None and self._thread.is_alive():
            raise StillRunning("an earlier attempt has not ended yet")
        attempt = _Attempt(call, discard)
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(attempt.work,), name="apart", daemon=True)
        self._thread.start()
        witness.end_by(attempt.over.set)
        attempt.over.wait()
        witness.end_by(None)
        if attempt.abandon():
            interrupt()
            raise Abandoned(witness.hung_up)
        self._thread.join()
        return attempt.result()


class _Attempt(Generic[T]):
    """One call: whether it has ended, and with what."""

    def __init__(self, call: Callable[[], T], discard: Callable[[T], object]) -> None:
        self.over = threading.Event()
        self.result: Callable[[], T]
        self._call, self._discard = call, discard
        self._lock = threading.Lock()
        self._ended = self._abandoned = False

    def work(self) -> None:
        """Make the call."""
        try:
            value = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            raised = error
            self.result = lambda: _raise(raised)
        else:
            self.result = lambda: value
        with self._lock:
            self._ended = True
        if self._abandoned:
            self._throw_away()
        self.over.set()

    def abandon(self) -> bool:
        """Stop waiting; return False when the call has ended already."""
        with self._lock:
            self._abandoned = not self._ended
        return self._abandoned

    def _throw_away(self) -> None:
        with contextlib.suppress(Exception):  # no caller waits for it any more
            self._discard(self.result())


def _raise(error: BaseException) -> NoReturn:
    raise error
