"""A server in AWS's place: it answers every request with the same bytes, or as a function of the request says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


@dataclass(frozen=True)
class Said:
    """One answer of a gateway."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Gateway:
    """What it says to a request, by its method and path with query, and what it was asked."""

    say: Callable[[str], Said]
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def always(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Say this from now on; an underscore in a header's name is a hyphen."""
        said = Said(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
        self.say = lambda _: said


@contextmanager
def gateway(say: Callable[[str], Said] = lambda _: Said()) -> Iterator[Gateway]:
    """Serve a gateway on loopback."""
    made = Gateway(say)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout: ClassVar[float] = 20.0

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = f"{self.command} {self.path}"
            made.asked.append(asked)
            said = made.say(asked)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if not 100 <= said.status < 200 and said.status not in {204, 304}:
                self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            if said.status not in {204, 304}:
                self.wfile.write(said.body)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the standard library's names

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
