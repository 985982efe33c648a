"""What was seen on the wire during one send, and the deadline that ends it.

Apprise answers a send with a bare no; which status, which words and how far we got is what the stand-ins note here.
Not its business: what follows from it (``verdict``).
"""

from __future__ import annotations

import contextlib
import http
import socket
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from watcher.channels.answer import Answer
from watcher.channels.deadline import DEADLINES
from watcher.channels.decisive import Exchange, carries, decisive, posted

if TYPE_CHECKING:
    from watcher.channels.wire import Wire


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a send may take, in seconds.

    *connect* for each address of the host and for TLS, *read* for each silence of the server (SMTP: also for
    connecting), *total* for all of it: name, proxy, TLS, request and answer, also of services that Apprise reaches by
    neither HTTP nor SMTP.
    """

    connect: float = 5.0
    read: float = 15.0
    total: float = 30.0


LIMITS = Limits()


@dataclass
class Witness:
    """The notes of one send.

    *answer* is the last HTTP response and *error* the exception in its stead; *began* says that at least a part of a
    message had left when the error came; *hung_up* is why we closed the connection ourselves; *words* are Apprise's
    own warnings, unscrubbed.  *exchanges* counts the requests and *asked* is the last of them.  *marks* are words of
    the message, by which a request that carries it is recognized.  *edit* is what Apprise's content goes through on its
    way out.  *probing*: nothing may be sent, only *reached* is to be found out,
    the server that would have been sent to.  *hint*: what the URL should say instead.
    """

    wire: Wire
    answer: Answer | None = None
    error: Exception | None = None
    began: bool = False
    hung_up: str = ""
    words: list[str] = field(default_factory=list)
    exchanges: int = 0
    asked: tuple[str, str] = ("", "")
    marks: tuple[str, ...] = ()
    edit: Callable[[str], str] = str
    probing: bool = False
    reached: str = ""
    hint: str = ""
    _end: Callable[[], None] | None = None
    _earlier: list[Exchange] = field(default_factory=list)
    _carries: bool = False

    def restart(self) -> None:
        """Forget all exchanges: another message follows in place of a refused one."""
        self.answer, self.error, self.began = None, None, False
        self.exchanges, self.asked = 0, ("", "")
        self._earlier, self._carries = [], False

    def start(self, method: str, url: str, options: dict[str, Any] | None = None) -> None:
        """Begin the next exchange: one request, with the *options* of ``requests``."""
        if self.exchanges:
            self._earlier.append(self._newest())
        self.answer, self.error, self.began = None, None, False
        self.exchanges += 1
        self.asked = method, url
        self._carries = carries(self.marks, url, options or {})

    @property
    def posted(self) -> bool:
        """Whether the message may have been sent: in a request, or as the content of a mail."""
        return posted([*self._earlier, self._newest()], self.marks) if self.exchanges else self.began

    def decisive(self, *, accepted: bool) -> Exchange:
        """Return the exchange that decides what became of the message; *accepted* is the plugin's opinion."""
        return decisive([*self._earlier, self._newest()], accepted=accepted)

    def _newest(self) -> Exchange:
        reads = self.asked[0].upper() in ("GET", "HEAD")
        return Exchange(self.answer, self.error, self.began, self._carries, reads)

    def repeats(self, method: str, url: str) -> bool:
        """Whether this request would be a plugin's own second try: what is tried again is for the outbox to decide.

        After a 429 any request is; else the same one, unless something succeeded in between (a login).
        """
        if self.answer is not None and self.answer.status == http.HTTPStatus.TOO_MANY_REQUESTS:
            return True
        failed = self.error is not None or (self.answer is not None and self.answer.status >= 300)
        return failed and self.asked == (method, url)

    def watch(self, sock: socket.socket | None) -> None:
        """From now on it is *sock* that hanging up must close."""
        self.end_by(None if sock is None else partial(shut, sock))

    def end_by(self, end: Callable[[], None] | None) -> None:
        """From now on *end* wakes whoever waits."""
        self._end = end
        if self.hung_up and end is not None:
            end()

    def hang_up(self, why: str) -> None:
        """End the send now, from any thread: whoever waits is woken."""
        self.hung_up = self.hung_up or why
        end = self._end
        if end is not None:
            end()


def shut(sock: socket.socket | None) -> None:
    """Shut *sock* down, from any thread: whoever reads it or writes to it is woken."""
    if sock is not None:
        with contextlib.suppress(OSError):  # closed already
            # Not the method of SSLSocket, which would take the TLS object away from the thread that reads.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


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
