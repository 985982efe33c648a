"""Receivers on loopback for the tests: a web hook (plain or TLS), Slack's API, and a mail server.

Each is a context manager, records what arrives, and misbehaves on demand.  Not their business: what is sent to them.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import json
import socket
import ssl
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

with warnings.catch_warnings():
    # Apprise imports a deprecated module of the standard library, once; the tests would take it for our error.
    warnings.simplefilter("ignore", DeprecationWarning)
    import apprise.plugins.email  # noqa: F401

HANG, DROP, TRICKLE = "hang", "drop", "trickle"
"""What a receiver can do instead of answering: nothing, close the connection, or send a byte now and then."""


@dataclass(frozen=True)
class Reply:
    """One answer of a web server; *instead* is what it does in place of one."""

    status: int = 200
    body: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    instead: str = ""


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass
class WebReceiver:
    """A web server: *replies* are used up in order, then *answer* is asked, and without one it is *reply* for ever."""

    url: str = ""
    reply: Reply = field(default_factory=Reply)
    replies: deque[Reply] = field(default_factory=deque)
    answer: Callable[[Request], Reply] | None = None
    requests: list[Request] = field(default_factory=list, repr=False)  # a fuzzer prints its fixtures
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """The host and port, for a URL of another scheme."""
        return self.url.partition("://")[2]


class _Handler(BaseHTTPRequestHandler):
    receiver: ClassVar[WebReceiver]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.receiver.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        request = Request(self.command, self.path, dict(self.headers), body)
        self.receiver.requests.append(request)
        if self.receiver.replies:
            reply = self.receiver.replies.popleft()
        else:
            reply = self.receiver.answer(request) if self.receiver.answer else self.receiver.reply
        if reply.instead:
            self._misbehave(reply.instead)
        else:
            self._answer(reply)

    do_GET = do_PUT = do_POST  # noqa: N815 - http.server's names

    def _misbehave(self, how: str) -> None:
        self.close_connection = True
        if how == HANG:
            self.receiver.over.wait()
        if how == TRICKLE:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            with contextlib.suppress(OSError):  # the client has hung up
                while not self.receiver.over.wait(0.02):
                    self.wfile.write(b".")

    def _answer(self, reply: Reply) -> None:
        content = reply.body.encode()
        self.send_response(reply.status)
        for name, value in ({"Content-Length": str(len(content))} | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Expect clients that go away, and certificates that nobody trusts."""


@contextlib.contextmanager
def web_receiver(tls: ssl.SSLContext | None = None) -> Iterator[WebReceiver]:
    """Serve a web hook on loopback; over TLS when a server's context is given."""
    receiver = WebReceiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    with _Server(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            # The handshake is left to the handler's thread, lest one bad client hold up the accepting.
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            server.shutdown()
            thread.join()


def server_tls(directory: Path) -> tuple[ssl.SSLContext, str]:
    """Return a server's TLS context for loopback, and the file of the authority that vouches for it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    bundle = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return context, str(bundle)


def slack_says(error: str = "", status: int = 200, **headers: str) -> Reply:
    """Return what Slack's Web API answers: success, or *error*.  Source: Slack's reference of chat.postMessage."""
    answer = {"ok": False, "error": error} if error else {"ok": True, "channel": "C0123", "ts": "1503435956.000247"}
    return Reply(status, json.dumps(answer), {"Content-Type": "application/json"} | headers)


@dataclass
class MailReceiver:
    """A mail server: what it answers to RCPT and to the mail itself, and what arrived.

    *at_rcpt* and *at_data* are SMTP replies ("" is 250); *at_data* may be HANG, DROP or TRICKLE.
    """

    port: int = 0
    at_rcpt: str = ""
    at_data: str = ""
    password: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    def authenticate(self, *args: Any) -> AuthResult:
        """Accept the one password."""
        login = args[-1]
        good = isinstance(login, LoginPassword) and login.password.decode() == self.password
        return AuthResult(success=good, handled=good)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer to a recipient."""
        if self.at_rcpt:
            return self.at_rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail, then answer to it."""
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.extend(envelope.rcpt_tos)
        if self.at_data == HANG:
            await asyncio.sleep(3600)  # until the client has gone, and this with it
        while self.at_data == TRICKLE:
            await server.push("250-still thinking")
            await asyncio.sleep(0.02)
        if self.at_data == DROP:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return self.at_data or "250 OK"


@contextlib.contextmanager
def mail_receiver(tls: ssl.SSLContext | None = None, password: str = "") -> Iterator[MailReceiver]:
    """Serve SMTP on loopback; with STARTTLS when a server's context is given, with AUTH when a password is."""
    receiver = MailReceiver(port=_free_port(), password=password)
    login: dict[str, Any] = {"authenticator": receiver.authenticate, "auth_require_tls": False}
    controller = Controller(
        receiver,
        hostname="127.0.0.1",
        port=receiver.port,
        tls_context=tls,
        **(login if password else {}),
    )
    controller.start()
    try:
        yield receiver
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port
