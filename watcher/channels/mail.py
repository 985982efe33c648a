"""SMTP client for a channel: ``smtplib`` with one deadline, our TLS context and recorded errors.

Not its business: what a refusal means (``verdict``).
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from watcher.channels.witness import CURRENT, Witness

_LONGEST_REPLY = 65_536
"""Bytes of one reply, all its lines: RFC 5321, 4.5.3.1.5, has 512 a line."""

_NO_NAME = "[127.0.0.1]"
_TLS_PORT = 465
_START_DATA = 354


def local_name() -> str:
    """Return the name to greet a mail server with: the host's own if it is a full one, without asking a resolver.

    Source: RFC 5321, 4.1.4 (else an address literal); smtplib's own choice waits for the resolver.
    """
    name = socket.gethostname()
    labels = name.split(".")
    full = name.isascii() and len(labels) > 1 and all(0 < len(label) < 64 for label in labels)
    return name if full and name.replace(".", "").replace("-", "").isalnum() else _NO_NAME


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """Note the error that passes: Apprise keeps it to itself, and expects no others than those of SMTP."""
    try:
        yield
    except Exception as error:
        witness = CURRENT.get()
        if witness is not None and witness.error is None:
            witness.error = error
        if isinstance(error, OSError):  # smtplib's are, too
            raise
        raise smtplib.SMTPException(type(error).__name__) from error


class _Utf8(str):
    """A text that smtplib, which asks for ASCII, gets as UTF-8 (RFC 4616, 2)."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return super().encode("utf-8")


class _Bounded:
    """Reads the lines of a mail server's replies, of each *left* bytes at most."""

    def __init__(self, file: BinaryIO) -> None:
        self.left = _LONGEST_REPLY
        self._file = file
        self.close = file.close

    def readline(self, size: int) -> bytes:
        """Return one line; OSError when the reply is too long."""
        line = self._file.readline(size)
        self.left -= len(line)
        if self.left < 0 or len(line) >= size:  # smtplib would take the latter for a refusal
            raise OSError("its reply is too long")
        return line


class Smtp(smtplib.SMTP):
    """A mail server, and what it answered."""

    file: Any
    _sends_data = False

    def __init__(self, host: str, port: int, _local: object = None, **options: Any) -> None:  # noqa: ANN401
        witness = CURRENT.get()
        if witness is not None:
            options["timeout"] = witness.wire.limits.read
        host = host.removeprefix("[").removesuffix("]")  # an address literal of IPv6
        with noted(), _hinted(witness, port, encrypted=isinstance(self, smtplib.SMTP_SSL)):
            greeting = witness.wire.greeting if witness is not None else ""
            super().__init__(host, port, greeting or local_name(), **options)

    def _get_socket(self, *args: Any) -> socket.socket:  # noqa: ANN401
        """Connect apart from this thread: a resolver cannot be interrupted."""
        connect: Callable[..., socket.socket] = super()._get_socket  # type: ignore[misc]
        witness = CURRENT.get()
        if witness is None:
            return connect(*args)
        return witness.wire.apart.run(witness, lambda: connect(*args), discard=socket.socket.close)

    def getreply(self) -> tuple[int, bytes]:
        """Wait for the server's next answer."""
        witness = CURRENT.get()
        if witness is not None:
            witness.watch(self.sock)
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        if self.file is not None:
            self.file.left = _LONGEST_REPLY
        code, words = super().getreply()
        if witness is not None and self._sends_data and code == _START_DATA:
            witness.began = True  # the mail itself follows: without an answer from here on, it may have arrived
        return code, words

    def starttls(self, **options: Any) -> tuple[int, bytes]:  # type: ignore[override]  # noqa: ANN401
        """Go on under TLS."""
        with noted():
            return super().starttls(**options)

    def login(self, user: str, password: str, **options: Any) -> tuple[int, bytes]:  # noqa: ANN401
        """Say who we are."""
        with noted():
            return super().login(_Utf8(user), _Utf8(password), **options)

    def auth(self, mechanism: str, authobject: Any, **options: Any) -> tuple[int, bytes]:  # noqa: ANN401
        """Log in by one mechanism, with a name and a password of any letters."""

        def spelled(challenge: bytes | None = None) -> str | None:
            said = authobject(challenge) if challenge is not None else authobject()
            return None if said is None else _Utf8(said)

        return super().auth(mechanism, spelled, **options)  # type: ignore[arg-type]

    def sendmail(self, from_addr: str, to_addrs: Any, msg: Any, *options: Any) -> dict[str, tuple[int, bytes]]:  # noqa: ANN401
        """Hand one mail over."""
        witness = CURRENT.get()
        if witness is not None and witness.probing:
            return self._knock(witness)
        with noted():
            if witness is not None:
                msg = witness.edit(msg)
            return super().sendmail(from_addr, to_addrs, msg, *options)

    def _knock(self, witness: Witness) -> dict[str, tuple[int, bytes]]:
        """Ask the server, to which we have connected and said who we are, whether it is there; send nothing."""
        with noted():
            code, words = self.noop()
            if code >= 400:
                raise smtplib.SMTPResponseException(code, words)
        assert self.sock is not None  # noqa: S101 - it has just answered
        witness.reached = f"{self._host}:{self.sock.getpeername()[1]}"  # type: ignore[attr-defined]
        return {}

    def data(self, msg: Any) -> tuple[int, bytes]:  # noqa: ANN401
        """Send the mail itself."""
        self._sends_data = True
        try:
            return super().data(msg)
        finally:
            self._sends_data = False


class SmtpSsl(Smtp, smtplib.SMTP_SSL):
    """The same, under TLS from the first byte."""


@contextlib.contextmanager
def _hinted(witness: Witness | None, port: int, *, encrypted: bool) -> Iterator[None]:
    """Note what the URL should say instead, when a server and we did not agree on when TLS begins.

    Source: RFC 8314, 3.3 (port 465 is TLS from the first byte).
    """
    try:
        yield
    except ssl.SSLError as error:
        if witness is not None and encrypted and "WRONG_VERSION_NUMBER" in str(error.reason):
            witness.hint = "the server does not begin with TLS: set mode=starttls in the URL"
        raise
    except OSError:
        if witness is not None and not encrypted and port == _TLS_PORT:
            witness.hint = "port 465 begins with TLS: set mode=ssl in the URL"
        raise
