"""What the service manager is told: sd_notify(3), over the datagram socket that it names in the environment.

And which of its services we are.  Without systemd nothing is sent.
Not its business: when anything is told (``daemon``), and the log (``logs``).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread

from watcher.writequeue import WriteQueue

_CAPACITY = 65_536
"""Maximum bytes queued for a service manager that does not read."""

_EXTEND_BY, _EXTEND_EVERY = 60.0, 15.0


def own_service(env: Mapping[str, str] = os.environ, cgroup: Path = Path("/proc/self/cgroup")) -> dict[str, str]:
    """Return the ``unit`` whose main process we are, and its ``manager``, system or user; nothing when we are none.

    Sources: systemd.exec(5), ``$SYSTEMD_EXEC_PID``; the control groups of cgroups(7) are named after units, and those
    of a user's manager are below its own, user@UID.service.
    """
    if env.get("SYSTEMD_EXEC_PID") != str(os.getpid()):
        return {}
    try:
        last = cgroup.read_text().splitlines()[-1]  # hierarchy:controllers:path; those of cgroups v1 come before
    except (OSError, IndexError):
        return {}
    *above, unit = last.split(":", 2)[-1].split("/")
    if not unit.endswith(".service"):
        return {}
    return {"unit": unit, "manager": "user" if any(one.startswith("user@") for one in above) else "system"}


class Notifier:
    """Tells the service manager how we are.  What cannot be told is not: without a listener there is nobody to mind.

    *watchdog* is how many seconds it waits for a sign of life before it ends us; 0 when it does not.
    """

    def __init__(self, address: str = "", watchdog: float = 0.0) -> None:
        self.watchdog = watchdog
        self._address = address
        self._queue = WriteQueue(capacity=_CAPACITY)

    @classmethod
    def of(cls, env: Mapping[str, str] = os.environ) -> Notifier:
        """Return the one that *env* describes: ``$NOTIFY_SOCKET``, and sd_watchdog_enabled(3)."""
        microseconds = env.get("WATCHDOG_USEC", "")
        ours = env.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        watched = ours and microseconds.isascii() and microseconds.isdigit()
        return cls(env.get("NOTIFY_SOCKET", ""), int(microseconds) / 1e6 if watched else 0.0)

    def ready(self, status: str) -> None:
        """Tell that the start, or a reload, is over."""
        self._tell(READY="1", STATUS=status)

    def status(self, status: str) -> None:
        """Tell, in one line for people, how things stand."""
        self._tell(STATUS=status)

    def reloading(self) -> None:
        """Tell that the configuration is being read anew, until ``ready``."""
        self._tell(RELOADING="1", MONOTONIC_USEC=str(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000))

    def stopping(self, status: str) -> None:
        """Tell that we end."""
        self._tell(STOPPING="1", STATUS=status)

    def alive(self) -> None:
        """Keep the watchdog quiet for another while."""
        self._tell(WATCHDOG="1")

    @contextmanager
    def patience(self) -> Iterator[None]:
        """Ask for more time, from a thread of its own, for as long as what is done here lasts."""
        over = Event()

        def ask() -> None:
            while not over.wait(_EXTEND_EVERY):
                self._tell(EXTEND_TIMEOUT_USEC=str(int(_EXTEND_BY * 1e6)))

        if not self._address:
            yield
            return
        self._tell(EXTEND_TIMEOUT_USEC=str(int(_EXTEND_BY * 1e6)))
        keeper = Thread(target=ask, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    def _tell(self, **variables: str) -> None:
        if self._address[:1] not in ("/", "@"):
            return
        # "@" stands for the NUL byte of an abstract socket; a line break would begin another variable.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        lines = (f"{name}={' '.join(value.split())}" for name, value in variables.items())
        data = "\n".join(lines).encode()
        self._queue.put(partial(_send, address, data), len(data))

    def close(self) -> None:
        """Wait until all notifications are sent, at most a second; the last one is that we stop."""
        self._queue.flush()


def _send(address: str, data: bytes) -> None:
    """Send one datagram, however long the service manager takes to read it.  Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.send(data)
