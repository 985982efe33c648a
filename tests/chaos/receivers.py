"""Three receivers on loopback, each with moods: an HTTPS webhook, Slack behind a proxy, a mail server.

Slack has an address of its own, which no test may use; so the daemon is given a proxy (it honours HTTPS_PROXY), and
the proxy leads to a workspace on loopback, whose certificate names slack.com.
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
import time
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from support_receivers import Reply, Request
from support_slack import Workspace

from chaos import heard, oddities
from chaos.inboxes import GLANCE, LEFT_OPEN, PAUSE, Inbox, Mood

LOOPBACK = "127.0.0.1"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Expect senders that die."""


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP as the inbox's mood has it; *workspace* answers what is well, if there is one."""

    inbox: ClassVar[Inbox]
    workspace: ClassVar[Workspace | None] = None
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def setup(self) -> None:
        self.request.settimeout(self.timeout)
        self.request.do_handshake()
        super().setup()

    def handle_one_request(self) -> None:
        if self.inbox.mood is Mood.DEAF:
            self.inbox.wait_while(Mood.DEAF)
            self.close_connection = True
            return
        super().handle_one_request()

    def do_POST(self) -> None:
        began = time.time()
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if self.inbox.mood is Mood.DEAF or len(body) < length:  # the sender died while it spoke
            self.close_connection = True
            return
        with self.inbox.held() as mood, contextlib.suppress(OSError):
            self._take(mood, began, body.decode())

    def _take(self, mood: Mood, began: float, body: str) -> None:
        if mood in _REFUSALS:
            self._write(_REFUSALS[mood](self.inbox.luck))
            return
        if mood is Mood.HESITANT:
            time.sleep(PAUSE)
            if not self._is_there():
                self.close_connection = True
                return
        reply = Reply()
        if self.workspace is not None:
            reply = self.workspace(Request("POST", self.path, dict(self.headers), body))
            if not json.loads(reply.body).get("ok"):
                self._answer(reply)
                return
        # Slack answers in the body: without one nobody knows.
        is_open = mood in LEFT_OPEN or (mood is Mood.UNREADABLE and self.workspace is not None)
        self.inbox.keep(json.loads(body), began, "uncertain" if is_open else "accepted")
        if mood is Mood.UNREADABLE:
            self._write(*oddities.unreadable(self.inbox.luck))
            return
        if mood in LEFT_OPEN:
            self._leave_open(mood)
            return
        if mood is Mood.SLOW:
            time.sleep(PAUSE)
        if mood is Mood.EARLY:
            self.wfile.write(oddities.EARLY_HINTS)
        self._answer(reply)

    def _write(self, *parts: bytes) -> None:
        """Answer with these bytes, and close the connection."""
        self.close_connection = True
        for part in parts:
            self.wfile.write(part)

    def _leave_open(self, mood: Mood) -> None:
        self.close_connection = True
        if mood is Mood.HANGING:
            self.inbox.wait_while(mood)
        if mood is Mood.TRICKLING:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while self.inbox.mood is mood:
                self.wfile.write(b".")
                time.sleep(GLANCE)

    def _is_there(self) -> bool:
        """Whether the sender still waits: the kernel closes the sockets of whoever is killed."""
        try:
            # Not the method of SSLSocket, which would read what is encrypted.
            return bool(socket.socket.recv(self.connection, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _answer(self, reply: Reply) -> None:
        content = reply.body.encode()
        self.send_response(reply.status)
        for name, value in ({"Content-Length": str(len(content))} | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


_REFUSALS = {
    Mood.BUSY: lambda _: oddities.head(503, "Retry-After: 1", length=0),
    Mood.REFUSING: oddities.refusal,
    Mood.EARLY_BUSY: lambda luck: oddities.EARLY_HINTS + oddities.odd_pause(luck),
    Mood.REFUSING_INSIDE: oddities.refusal_inside,
    Mood.MONSTROUS: oddities.monstrous,
    Mood.ODD_PAUSE: oddities.odd_pause,
}
"""What is answered in place of taking the message."""


class WebInbox(Inbox):
    """A receiver over HTTPS; it keeps its port while it is down."""

    def __init__(self, channel: str, tls: ssl.SSLContext, workspace: Workspace | None = None) -> None:
        super().__init__(channel, heard.of_webhook if workspace is None else heard.of_slack)
        self._tls = tls
        self._handler = type("Handler", (_Handler,), {"inbox": self, "workspace": workspace})
        self._holder = _hold_port()
        self.port: int = self._holder.getsockname()[1]
        self._server: _Server | None = None

    def up(self) -> None:
        """Listen."""
        if self._server is None:
            self._server = _Server((LOOPBACK, self.port), self._handler)
            self._server.socket = self._tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def close(self) -> None:
        """Give the port back."""
        self.mood = Mood.DOWN
        self.down()
        self._holder.close()


_MAIL_REFUSALS = (
    "550 no such mailbox",
    "552 5.2.2 mailbox full",
    "554 5.7.1 refused",
    "535 5.7.8 credentials invalid",
    "521 no mail here",
)


class MailInbox(Inbox):
    """A mail server; it keeps its port while it is down."""

    def __init__(self, channel: str) -> None:
        super().__init__(channel, heard.of_mail)
        self._holder = _hold_port()
        self.port: int = self._holder.getsockname()[1]
        self._controller: Controller | None = None

    def up(self) -> None:
        """Listen."""
        if self._controller is None:
            self._controller = Controller(self, hostname=LOOPBACK, port=self.port, ready_timeout=30)
            self._controller.start()

    def down(self) -> None:
        """Listen no more."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def close(self) -> None:
        """Give the port back."""
        self.mood = Mood.DOWN
        self.down()
        self._holder.close()

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Greet, unless deaf."""
        session.host_name = hostname
        await self._sit_out(server, Mood.DEAF)
        return responses

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail as the mood has it; a sender that dies cancels this."""
        began = time.time()
        with self.held() as mood:
            if mood is Mood.BUSY:
                return "451 try again later"
            if mood is Mood.REFUSING:
                return self.luck.choice(_MAIL_REFUSALS)
            if mood is Mood.MONSTROUS:
                return "\r\n".join([*(f"451-{'x' * 500}" for _ in range(200)), "451 later"])
            if mood is Mood.HESITANT:
                await asyncio.sleep(PAUSE)
            content = envelope.content
            assert isinstance(content, bytes)
            mail = email.message_from_bytes(content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            self.keep(mail, began, "uncertain" if mood in LEFT_OPEN else "accepted")
            await self._leave_open(server, mood)
            return "250 OK"

    async def _leave_open(self, server: SMTP, mood: Mood) -> None:
        if mood is Mood.SLOW:
            await asyncio.sleep(PAUSE)
        while mood is Mood.TRICKLING and self.mood is mood:
            await server.push("250-still thinking")
            await asyncio.sleep(GLANCE)
        await self._sit_out(server, Mood.HANGING)
        if mood in LEFT_OPEN:
            _abort(server)

    async def _sit_out(self, server: SMTP, mood: Mood) -> None:
        if self.mood is mood:
            while self.mood is mood:
                await asyncio.sleep(GLANCE)
            _abort(server)


def _abort(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()


def _hold_port() -> socket.socket:
    """Return a socket that keeps a free port for whoever listens there with SO_REUSEADDR, now and later."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((LOOPBACK, 0))
    return holder
