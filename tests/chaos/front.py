"""TLS in front of the simulated Bedrock, which for a while has the certificate of another host.

Whoever shows it a request then has not checked the name: *believed* counts these.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from anyio.from_thread import BlockingPortal, start_blocking_portal

from chaos.receivers import LOOPBACK
from chaos.records import Look

WRONG_NAME = "wrong name"


@dataclass
class Front:
    """The server: *good* and *bad* are its certificates, *port* is where the simulator listens."""

    good: ssl.SSLContext
    bad: ssl.SSLContext
    port: int
    url: str = ""
    believed: int = 0
    asked: list[Look] = field(default_factory=list)
    _is_bad: bool = False
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _portal: BlockingPortal | None = None

    def show(self, *, bad: bool) -> None:
        """Have the bad certificate from now on, or the good one; connections that are open are cut."""
        self._is_bad = bad
        if self._portal is not None:
            self._portal.call(self._cut)

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Serve from a thread with an event loop of its own; yield the URL."""
        self.good.sni_callback = self._choose
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(self._serve()) as url:
            self._portal = portal
            yield url
            self._portal = None

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        if self._is_bad:
            connection.context = self.bad
            self.asked.append(Look(time.time(), "", fault=WRONG_NAME))

    @contextlib.asynccontextmanager
    async def _serve(self) -> AsyncIterator[str]:
        # Clients that are killed, or rightly refuse the certificate, are no errors of ours.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        server = await asyncio.start_server(self._connect, LOOPBACK, 0, ssl=self.good)
        async with server:
            yield f"https://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
            server.close()
            await self._cut()

    async def _cut(self) -> None:
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if writer.get_extra_info("ssl_object").context is self.bad:
            self.believed += bool(await reader.read(1))
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            back, forth = await asyncio.open_connection(LOOPBACK, self.port)
            await asyncio.gather(_pump(reader, forth), _pump(back, writer))
        except OSError:
            writer.transport.abort()
        finally:
            self._open.discard(writer)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Hand on what comes, and then its end: TLS cannot be closed in one direction, so all of it ends."""
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()


def port_of(url: str) -> int:
    """Return the port of *url*."""
    port = urlsplit(url).port
    assert port is not None
    return port
