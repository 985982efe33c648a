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
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from support_receivers import Reply, Request
from support_slack import Workspace

from chaos import heard
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
        if mood in (Mood.BUSY, Mood.REFUSING):
            self._answer(Reply(503 if mood is Mood.BUSY else 404, "no", {"Retry-After": "1"}))
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
        self.inbox.keep(json.loads(body), began, "uncertain" if mood in LEFT_OPEN else "accepted")
        if mood in LEFT_OPEN:
            self._leave_open(mood)
            return
        if mood is Mood.SLOW:
            time.sleep(PAUSE)
        self._answer(reply)

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
                return "550 no such mailbox"
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


@contextlib.contextmanager
def proxy_to(port: int) -> Iterator[str]:
    """Serve a proxy that leads every CONNECT to *port* on loopback; yield its URL."""
    with socket.create_server((LOOPBACK, 0), backlog=64) as listener:
        threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, port: int) -> None:
    with contextlib.suppress(OSError):  # closed
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_connect, args=(client, port), daemon=True).start()


def _connect(client: socket.socket, port: int) -> None:
    with client, contextlib.suppress(OSError):
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            byte = client.recv(1)
            if not byte:
                return
            asked += byte
        try:
            server = socket.create_connection((LOOPBACK, port), timeout=5)
        except OSError:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        with server:
            server.settimeout(None)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Hand on what comes, and then the end of it, both ways: whoever is killed is gone for everybody."""
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
