"""What a search for credentials begins, held so that another thread can end it: programs and requests.

Not its business: what they are for (``bedrock.sessions``).
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Any

from watcher.bedrock.blocking import BlockingTransport


class Leash:
    """Starts a ``credential_process`` in a group of its own, and makes the clients that ask services."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._transports: list[BlockingTransport] = []

    def popen(self, words: list[str], **how: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
        """Start a program, as botocore wants to."""
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, **how)
        return self._process

    def transport(self, verify: str | bool, connect: float, read: float) -> BlockingTransport:  # noqa: FBT001 - SDK's
        """Return a new HTTP client with these timeouts in seconds."""
        self._transports.append(BlockingTransport(verify, (connect, read)))
        return self._transports[-1]

    def end(self) -> None:
        """End the program with all that it began, if it runs, and every request."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for transport in tuple(self._transports):
            transport.stop()
