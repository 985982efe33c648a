"""Programs and requests that a credential lookup starts, tracked so that another thread can stop them.

Not its business: what they are for (``bedrock.sessions``).
"""

from __future__ import annotations

from typing import Any

from watcher.bedrock.blocking import BlockingTransport
from watcher.bedrock.program import Program


class Leash:
    """Starts a ``credential_process``, which may take *seconds*, and makes the clients that ask services."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: Program | None = None
        self._transports: list[BlockingTransport] = []

    def popen(self, words: list[str], **how: Any) -> Program:  # noqa: ANN401
        """Start a program, as botocore wants to."""
        self._process = Program(words, self._seconds, **how)
        return self._process

    def transport(self, verify: str | bool, connect: float, read: float) -> BlockingTransport:  # noqa: FBT001 - SDK's
        """Return a new HTTP client with these timeouts in seconds."""
        self._transports.append(BlockingTransport(verify, (connect, read)))
        return self._transports[-1]

    def end(self) -> None:
        """End the program with all that it began, if it runs, and every request."""
        if self._process is not None:
            self._process.end()
        for transport in tuple(self._transports):
            transport.stop()
