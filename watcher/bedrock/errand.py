"""A blocking call in a thread of its own, for what may never return: nobody waits for it longer than they like.

Not anyio's threads: those are waited for when the process ends, and there are only so many of them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Errand(Generic[T]):
    """Begins *call* at once.  Made and waited for inside one event loop."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._done = anyio.Event()
        self._loop = asyncio.get_running_loop()
        self._result: list[T] = []
        self._error: Exception | None = None
        threading.Thread(target=self._run, name="errand", daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether the call has returned."""
        return self._done.is_set()

    async def wait(self, seconds: float) -> T:
        """Return what the call returns, or raise what it raises; TimeoutError after so many seconds.

        It may be waited for again.
        """
        with anyio.fail_after(seconds):
            await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._call())
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._done.set)
