"""The proxy on the way to one receiver, which drips when that receiver's mood says so."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from chaos.inboxes import GLANCE, Mood
from chaos.receivers import LOOPBACK, WebInbox


@contextlib.contextmanager
def proxy_to(inbox: WebInbox) -> Iterator[str]:
    """Serve a proxy that leads every CONNECT to *inbox*; yield its URL."""
    with socket.create_server((LOOPBACK, 0), backlog=64) as listener:
        threading.Thread(target=_accept, args=(listener, inbox), daemon=True).start()
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, inbox: WebInbox) -> None:
    with contextlib.suppress(OSError):  # closed
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_connect, args=(client, inbox), daemon=True).start()


def _connect(client: socket.socket, inbox: WebInbox) -> None:
    with client, contextlib.suppress(OSError):
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            byte = client.recv(1)
            if not byte:
                return
            asked += byte
        if inbox.mood is Mood.DRIPPING:
            client.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            _drip(client, inbox)
            return
        try:
            server = socket.create_connection((LOOPBACK, inbox.port), timeout=5)
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


def _drip(client: socket.socket, inbox: WebInbox) -> None:
    """Send a byte now and then, for as long as the mood lasts."""
    while inbox.mood is Mood.DRIPPING:
        client.sendall(b".")
        time.sleep(GLANCE)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Hand on what comes, and then the end of it, both ways: whoever is killed is gone for everybody."""
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
