"""HTTP connections of a channel: traced, under one deadline, one response per request.

Not its business: which requests are sent (``wire``), what the answers mean (``verdict``).
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from watcher.channels.answer import Answer
from watcher.channels.reply import read_body
from watcher.channels.witness import CURRENT, shut

if TYPE_CHECKING:
    from watcher.channels.wire import Wire

    _Connection = HTTPConnection
else:
    _Connection = object

_MOST_INTERIM = 20
"""Maximum number of interim responses (1xx) before a server counts as unresponsive."""

_LONGEST_PHRASE = 200
_LONGEST_PAUSE_TEXT = 64


class ProxyUnusable(requests.RequestException):
    """The proxy that the environment names cannot be used; the text says why, and holds no password."""


class Session(requests.Session):
    """Sends requests and nothing else: no redirects, no cookies, no hooks that answer a challenge.

    Reads the environment (proxies, certificates) once for each host: a process's own does not change.
    """

    def __init__(self) -> None:
        super().__init__()
        # The body is read to a bound (``reply``): a packed one could be of any size.
        self.headers["Accept-Encoding"] = "identity"
        self._read: dict[tuple[str, str], Any] = {}

    def merge_environment_settings(self, url: Any, proxies: Any, *settings: Any) -> Any:  # noqa: ANN401
        """Return the settings of a request, as it is about to be sent."""
        parts = urlsplit(url)
        place = parts.scheme, parts.netloc
        if place not in self._read:
            self._read[place] = super().merge_environment_settings(url, proxies, *settings)
        return dict(self._read[place])

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401
        """Send one request, and return its answer."""
        options.pop("allow_redirects", None)
        return self.get_adapter(str(request.url)).send(request, **options)


class _Final(http.client.HTTPResponse):
    """A final answer: interim ones (100 to 199) are skipped.  Source: RFC 9110, 15.2.

    http.client skips 100 alone, and would take 103 for the answer, and the answer for that to the next request.
    """

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200:
                return version, status, reason
            if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.HTTPException("101 Switching Protocols, which nobody asked for")
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("interim answers only")

    def begin(self) -> None:
        """Read status line and headers, and note them: they count whatever comes after.

        http.client takes headers that break off for complete ones; here they are no answer.
        """
        stream = self.fp
        self.fp = lines = _Lines(stream)  # type: ignore[assignment]
        super().begin()
        self.fp = stream
        if lines.last not in (b"\r\n", b"\n"):
            raise http.client.HTTPException("the headers of the answer break off")
        witness = CURRENT.get()
        if witness is not None:
            phrase = self.reason[:_LONGEST_PHRASE]
            asked = str(self.headers.get("Retry-After", ""))
            asked = asked if len(asked) <= _LONGEST_PAUSE_TEXT else ""
            witness.answer = Answer(self.status, phrase, asked, "", whole=False)


class _Lines:
    """A stream that remembers the last line read from it."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401
        self.last = b""
        self._stream = stream

    def readline(self, size: int) -> bytes:
        """Return one line."""
        self.last = self._stream.readline(size)
        return self.last

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._stream, name)


class _Watched(_Connection):
    """Connects apart, so that a resolver or a proxy cannot hold the send; shows the witness what a request leaves by.

    Connecting comes first: an error until then is certain not to have sent anything.
    """

    response_class = _Final

    def connect(self) -> None:
        """Connect: name, proxy and TLS."""
        witness = CURRENT.get()
        connect: Callable[[], None] = super().connect
        if witness is None:
            connect()
        else:
            witness.wire.apart.run(witness, connect, lambda: shut(self.sock), lambda _: self.close())

    def request(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        """Send a request."""
        if self.sock is None:
            self.connect()
        witness = CURRENT.get()
        if witness is not None:
            witness.watch(self.sock)
            witness.began = True
        super().request(*args, **options)


class _Http(_Watched, HTTPConnection):
    pass


class _Https(_Watched, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


def _socks_pools() -> dict[str, Any]:
    """Return the same for connections through a SOCKS proxy."""
    from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection  # noqa: PLC0415 - PySocks is optional

    class SocksHttp(_Watched, SOCKSConnection):
        pass

    class SocksHttps(_Watched, SOCKSHTTPSConnection):
        pass

    http_pool = type("_SocksHttpPool", (HTTPConnectionPool,), {"ConnectionCls": SocksHttp})
    https_pool = type("_SocksHttpsPool", (HTTPSConnectionPool,), {"ConnectionCls": SocksHttps})
    return {"http": http_pool, "https": https_pool}


class Adapter(HTTPAdapter):
    """Carries requests over watched connections, with the channel's own TLS context."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401
        """Return the pools of connections through *proxy*; raises ProxyUnusable."""
        scheme = urlsplit(proxy).scheme.lower()
        socks = scheme.startswith("socks")
        if socks and find_spec("socks") is None:
            raise ProxyUnusable(f"the environment's {scheme}:// proxy needs the package PySocks: pip install PySocks")
        manager = super().proxy_manager_for(proxy, **options)
        pools = _socks_pools() if socks else {"http": _HttpPool, "https": _HttpsPool}
        manager.pool_classes_by_scheme = pools
        return manager

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Return the pool for a request; raises ProxyUnusable."""
        try:
            return super().get_connection_with_tls_context(*args, **options)
        except requests.exceptions.InvalidURL as error:
            if not isinstance(error, requests.exceptions.InvalidProxyURL):
                raise
        except ValueError:  # about the proxy's URL: the request's own URL was parsed before
            pass
        raise ProxyUnusable("the environment's proxy is not a URL that can be used")

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:  # noqa: ANN401
        """Return what tells connections apart: all of a channel's have its TLS context."""
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] != "https":
            return host, tls
        return host, {"ssl_context": self._wire.tls}

    def cert_verify(self, *args: Any) -> None:  # noqa: ANN401
        """Leave verification to the TLS context, because this method would reload certificates each time."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:  # noqa: ANN401
        """Return the answer as plugins read it: complete, UTF-8 (no charset is guessed), without cookies."""
        response = requests.Response()
        response.status_code, response.reason = resp.status, resp.reason
        response.headers = CaseInsensitiveDict(resp.headers)
        response.request, response.url, response.raw = req, str(req.url), resp
        response.encoding = "utf-8"
        body, whole = read_body(resp)
        vars(response).update(_content=body, _content_consumed=True)
        witness = CURRENT.get()
        if witness is not None and witness.answer is not None:
            witness.answer = witness.answer.with_body(body.decode("utf-8", "replace"), whole=whole)
        return response
