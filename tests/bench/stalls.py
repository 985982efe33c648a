"""How long the event loop stands still: the daemon inside a loop whose callbacks are timed, from its first breath on.

Run as ``python -m bench.stalls CONFIG``; SIGTERM ends it, and it prints what it saw.  The product has no hooks for
this: the timing is put around asyncio's own handles.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from functools import partial
from typing import Any

import anyio

from bench.processes import helper, line, wait_for, world
from bench.watching import home
from watcher import logs, presence
from watcher.config import load
from watcher.daemon.process import Daemon
from watcher.store import Store

TICK = 0.002
"""Seconds between the heart beats."""


class Stalls:
    """The longest of each kind, in seconds.

    *late*: by how much a timer was late (other processes count); *callback*: CPU of the loop's thread in one callback.
    """

    def __init__(self) -> None:
        self.late = self.callback = 0.0
        self.culprit = ""

    async def beat(self) -> None:
        """Look how late a timer is, again and again."""
        while True:
            due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            self.late = max(self.late, time.monotonic() - due)

    def install(self) -> None:
        """Time every callback of this loop."""
        plain, loop = asyncio.Handle._run, asyncio.get_running_loop()

        def timed(handle: asyncio.Handle) -> None:
            if handle._loop is not loop:  # type: ignore[attr-defined]
                return plain(handle)
            begun = time.thread_time()
            plain(handle)
            used = time.thread_time() - begun
            if used > self.callback:
                self.callback, self.culprit = used, _who(handle)
            return None

        asyncio.Handle._run = timed  # type: ignore[method-assign, assignment]


def _who(handle: Any) -> str:
    task = getattr(handle._callback, "__self__", None)
    coroutine = task.get_coro() if isinstance(task, asyncio.Task) else None
    return str(getattr(coroutine, "__qualname__", repr(handle._callback)))


async def watch(path: str) -> dict[str, Any]:
    """Run the daemon of that configuration until SIGTERM."""
    stalls = Stalls()
    stalls.install()
    config = load(path)
    store = Store.open(presence.database(config.state_dir))
    beating = asyncio.create_task(stalls.beat())
    await Daemon(config, store, logs.setup(), partial(load, path)).run()
    beating.cancel()
    store.close()
    return {"late": stalls.late, "callback": stalls.callback, "culprit": stalls.culprit}


def stalls(jobs: int, sweeps: int) -> dict[str, Any]:
    """Return the longest stalls (ms) of a daemon of so many jobs: its start, so many sweeps, and a change in each."""
    with world(jobs) as place:
        channels = {"hook": f"json://127.0.0.1:{place.ports['http']}/"}
        with home(place.url, jobs, channels=channels) as made, helper("stalls", str(made.config)) as process:
            for number in range(sweeps):
                wait_for(partial(place.has, "cycles", number + 1), "the daemon sweeps", process)
                place.ask(f"change/{number}")
                wait_for(partial(place.has, "told", number + 1), "the change is told", process)
            process.send_signal(signal.SIGTERM)
            seen: dict[str, Any] = line(process)
    return {**seen, "jobs": jobs, "late": seen["late"] * 1000, "callback": seen["callback"] * 1000}


if __name__ == "__main__":
    print(json.dumps(anyio.run(watch, sys.argv[1])), flush=True)
