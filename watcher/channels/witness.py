"""What was seen on the wire during one send, and the deadline that ends it.

Apprise answers a send with a bare no; which status, which words and how far we got is what the stand-ins note here.
Not its business: what follows from it (``verdict``).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from watcher.channels.deadline import DEADLINES

if TYPE_CHECKING:
    from watcher.channels.wire import Wire


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a send may take, in seconds.

    *connect* for each address of the host, *read* for each silence of the server (SMTP: also for connecting),
    *total* from the first byte we may wait for until we hang up, whatever the server is doing.
    Not bounded by us: the system's resolver, and services that Apprise reaches by neither HTTP nor SMTP.
    """

    connect: float = 5.0
    read: float = 15.0
    total: float = 30.0


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response: its *status*, the *phrase* beside it, the ``Retry-After`` header, and the *body*."""

    status: int
    phrase: str
    retry_after: str
    body: str


@dataclass
class Witness:
    """The notes of one send.

    *answer* is the last HTTP response and *error* the exception in its stead; *began* says that at least a part of a
    message had left when the error came; *hung_up* is why we closed the connection ourselves; *words* are Apprise's
    own warnings, unscrubbed.  *edit* is what Apprise's content goes through on its way out.  *probing*: nothing may be
    sent, only *reached* is to be found out, the server that would have been sent to.
    """

    wire: Wire
    answer: Answer | None = None
    error: Exception | None = None
    began: bool = False
    hung_up: str = ""
    words: list[str] = field(default_factory=list)
    edit: Callable[[str], str] = str
    probing: bool = False
    reached: str = ""
    _socket: socket.socket | None = None

    def start(self) -> None:
        """Forget the exchange before: one send may take several, and the last one decides."""
        self.answer, self.error, self.began = None, None, False

    def watch(self, sock: socket.socket | None) -> None:
        """From now on it is *sock* that hanging up must close."""
        self._socket = sock
        if self.hung_up:
            self._shut()

    def hang_up(self, why: str) -> None:
        """End the send now, from any thread: whoever waits on the socket sees it closed."""
        self.hung_up = why
        self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # closed already
                # Not the method of SSLSocket, which would take the TLS object away from the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


CURRENT: ContextVar[Witness | None] = ContextVar("bedrock_watch_send", default=None)
"""The send that this thread is in, if any."""


@contextlib.contextmanager
def witnessed(witness: Witness, seconds: float) -> Iterator[None]:
    """Make *witness* the notes of what this thread sends, for *seconds* at most."""
    token = CURRENT.set(witness)
    try:
        with DEADLINES.within(seconds, lambda: witness.hang_up(f"no complete answer within {seconds:g} s")):
            yield
    finally:
        CURRENT.reset(token)
