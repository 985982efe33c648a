"""A server on loopback that answers with any bytes at all; not its business: what they are."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass
class RawServer:
    """Reads each request, then sends *answer*, or calls *act* with the connection; *requests* is what it read.

    *talk* has the whole conversation instead.
    """

    port: int
    answer: bytes = b""
    act: Callable[[socket.socket], None] | None = None
    talk: Callable[[socket.socket], None] | None = None
    requests: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """The host and port."""
        return f"127.0.0.1:{self.port}"

    def serve(self, client: socket.socket) -> None:
        """Serve one connection, request by request, until the client goes."""
        with client, contextlib.suppress(OSError):
            if self.talk is not None:
                self.talk(client)
                return
            while request := _request(client):
                self.requests.append(request)
                if self.act is not None:
                    self.act(client)
                    return
                client.sendall(self.answer)

    def drip(self, client: socket.socket, head: bytes = b"", part: bytes = b"x") -> None:
        """Send *head*, and then *part* for ever, one every few milliseconds."""
        client.sendall(head)
        while not self.over.wait(0.01):
            client.sendall(part)


def smtp(server: RawServer, replies: Mapping[str, bytes | None]) -> Callable[[socket.socket], None]:
    """Return a mail server: *replies* by verb ("" greets, "." answers the mail); None hangs up, others get a 250.

    What it read is in the *requests* of *server*.
    """

    def talk(client: socket.socket) -> None:
        with client.makefile("rb") as lines:
            _converse(server, replies, client, lines)

    return talk


def _converse(
    server: RawServer, replies: Mapping[str, bytes | None], client: socket.socket, lines: io.BufferedReader
) -> None:
    verb = ""
    while True:
        reply = replies.get(verb, {"": b"220 ready\r\n", "DATA": b"354 go on\r\n"}.get(verb, b"250 ok\r\n"))
        if reply is None:
            return
        client.sendall(reply)
        mail = verb == "DATA" and reply.startswith(b"354")
        line = lines.readline()
        while mail and line not in (b".\r\n", b""):
            line = lines.readline()
        if not line:
            return
        server.requests.append(line)
        verb = "." if mail else line[:4].strip().decode(errors="replace").upper()


def _request(client: socket.socket) -> bytes:
    """Return one HTTP request with its body; empty when the client has gone."""
    read = b""
    while b"\r\n\r\n" not in read:
        part = client.recv(65536)
        if not part:
            return b""
        read += part
    head, _, body = read.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length:
        part = client.recv(65536)
        if not part:
            return b""
        body += part
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def raw_server() -> Iterator[RawServer]:
    """Serve on loopback, one thread for each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(listener.getsockname()[1])

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=server.serve, args=[client], daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()
