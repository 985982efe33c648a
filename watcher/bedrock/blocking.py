"""Blocking HTTP client for the SDK's credential requests: STS, SSO and metadata services.

botocore's own client verifies names and follows no redirects, but it reads bodies of any size, waits as long as bytes
come now and then, and cannot be ended.  Each request has a connection of its own, since there are only a few an hour.
Not its business: what is sent, and what an answer means.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.exceptions import ConnectionClosedError, HTTPClientError, ProxyConnectionError, ReadTimeoutError, SSLError
from botocore.httpsession import URLLib3Session, get_cert_path
from botocore.utils import get_environ_proxies

from watcher.bedrock.bounds import refuse_large, refuse_redirect
from watcher.bedrock.trust import tls_problem, trusting

_CHUNK = 64 * 1024


class Connections:
    """Open sockets, tracked so that another thread can close them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._ended = False

    def hold(self, connected: socket.socket) -> socket.socket:
        """Return *connected*, known here from now on; raises OSError once all has been ended."""
        # A second descriptor of it: TLS takes the first one over.
        ours = connected.dup()
        with self._lock:
            self._open.add(ours)
            if self._ended:
                _end(ours)
        return connected

    def release(self) -> None:
        """Forget those that are open, and close them."""
        with self._lock:
            for one in self._open:
                one.close()
            self._open.clear()

    def end(self) -> None:
        """Fail all current and later requests."""
        with self._lock:
            self._ended = True
            for one in self._open:
                _end(one)


class BlockingTransport:
    """Sends requests for one caller at a time.  *timeout* is that of connecting and of each silence, in seconds."""

    def __init__(self, verify: str | bool, timeout: tuple[float, float]) -> None:  # noqa: FBT001 - the SDK's own word
        self._verify, self._timeout = verify, timeout
        self._connections = Connections()

    def send(self, request: Any, **_: object) -> Any:  # noqa: ANN401 - the SDK is untyped
        """Return botocore's response to a prepared *request*, read whole; raises botocore's exceptions.

        It has the form of a ``before-send`` handler and of a metadata fetcher's session.
        """
        client = _Client(
            self._connections, verify=self._verify, timeout=self._timeout, proxies=get_environ_proxies(request.url)
        )
        request.stream_output = True  # the body is read below
        try:
            if self._verify and request.url.startswith("https:"):
                trusting(self._verify)  # urllib3 would not say which file it cannot use
            response = client.send(request)
            try:
                refuse_redirect(response.status_code, request.url, response.headers.get("Location", ""))
                response._content = _body(response.raw, request)  # noqa: SLF001 - as botocore keeps it
            finally:
                response.raw.close()
        except ProxyConnectionError as error:
            if (problem := tls_problem(error)) is None:
                raise
            raise SSLError(endpoint_url=request.url, error=problem) from error
        finally:
            self._connections.release()
            client.close()
        return response

    def stop(self) -> None:
        """Abort the current request from another thread."""
        self._connections.end()


class _Client(URLLib3Session):  # type: ignore[misc]
    """botocore's client, whose sockets are known to *connections*."""

    def __init__(self, connections: Connections, **how: Any) -> None:  # noqa: ANN401
        super().__init__(**how)
        # The managers read this very dictionary.
        self._pool_classes_by_scheme |= _pools(connections)

    def _get_ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = super()._get_ssl_context()
        if self._verify is True:
            context.load_default_certs()  # as in bedrock.trust; urllib3 adds the SDK's own
        return context

    def _setup_proxy_ssl_context(self, proxy_url: str) -> ssl.SSLContext:
        del proxy_url  # a proxy is verified as AWS is
        context = self._get_ssl_context()
        if self._verify:
            context.load_verify_locations(get_cert_path(self._verify))
            context.check_hostname = True
        else:
            context.verify_mode = ssl.CERT_NONE
        return context


def _pools(connections: Connections) -> dict[str, type]:
    class Plain(AWSHTTPConnection):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            return connections.hold(super()._new_conn())

    class Tls(AWSHTTPSConnection):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            return connections.hold(super()._new_conn())

    class PlainPool(AWSHTTPConnectionPool):  # type: ignore[misc]
        ConnectionCls = Plain

        def urlopen(self, *args: Any, **how: Any) -> Any:  # noqa: ANN401
            return super().urlopen(*args, **how | {"redirect": False})  # urllib3 prepares to follow, and may fail

    class TlsPool(AWSHTTPSConnectionPool):  # type: ignore[misc]
        ConnectionCls = Tls

        def urlopen(self, *args: Any, **how: Any) -> Any:  # noqa: ANN401
            return super().urlopen(*args, **how | {"redirect": False})

        def _validate_conn(self, conn: Any) -> None:  # noqa: ANN401
            # urllib3 would print a warning for each request; ours about verify_ssl is logged once.
            if conn.is_closed:
                conn.connect()

    return {"http": PlainPool, "https": TlsPool}


def _body(raw: Any, request: Any) -> bytes:  # noqa: ANN401
    refuse_large(raw.length_remaining or 0, request.url)
    parts, size = list[bytes](), 0
    try:
        for part in raw.stream(_CHUNK):
            size += len(part)
            refuse_large(size, request.url)
            parts.append(part)
    except HTTPClientError:
        raise
    except TimeoutError as error:
        raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
    except Exception as error:  # urllib3's own, and those of the standard library beneath it
        raise ConnectionClosedError(endpoint_url=request.url, error=error) from error
    return b"".join(parts)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):  # it was closed by the other side
        connection.shutdown(socket.SHUT_RDWR)
