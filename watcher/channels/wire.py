"""How a channel's HTTP requests travel: one kept session, one TLS context, no redirects, our own time limits.

A TLS context costs about 20 ms of CPU, so a channel builds one and keeps it, and keeps its connection for a burst.
A connection that was idle is not used again: a server that has just closed it would leave us not knowing whether
the message arrived, and whoever cannot know must repeat it.
Proxies of the environment are honoured (``requests`` does so).  Not its business: what the answers mean (``verdict``).
"""

from __future__ import annotations

import contextlib
import os
import ssl
import time
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from watcher.channels.witness import CURRENT, Answer, Limits, Witness

IDLE = 2.0
"""Seconds after which a kept connection is given up; the shortest keep-alive of a common server (gunicorn's)."""

KEPT_BODY = 262_144
"""Bytes of an answer that are kept for its words: Slack's repeats the message, in up to six bytes a character."""


class Wire:
    """What one channel sends its HTTP requests and mails by.

    *ca_bundle* (a file of certificates) replaces the system's authorities.
    """

    def __init__(self, limits: Limits, ca_bundle: str | None) -> None:
        self.limits = limits
        self._ca_bundle = ca_bundle
        self._verify = True
        self._last_used = 0.0

    def trust_anybody(self) -> None:
        """Verify no certificate from now on, as the URL's ``verify=no`` asks."""
        self._verify = False
        # The owner of the URL has decided; a warning on stderr at each send would tell nobody.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """The channel's TLS context; OSError (ssl.SSLError included) when the ca_bundle cannot be read."""
        bundle = self._ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        context = ssl.create_default_context(cafile=bundle)
        if not bundle:
            # Systems without a store of their own have requests' one; where there are both, either may vouch.
            context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
        if not self._verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    @cached_property
    def _session(self) -> requests.Session:
        session = _Session()
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # each message stands alone
        session.mount("https://", _Adapter(self))
        session.mount("http://", _Adapter(self))
        return session

    def request(self, witness: Witness, method: str, url: str, **options: Any) -> requests.Response:  # noqa: ANN401
        """Send one request as a plugin asks for it, and note what comes of it; raises what ``requests`` raises.

        The plugin's own wishes about time limits, redirects and verification are replaced by ours, and its text by what
        the witness makes of it.
        """
        if isinstance(options.get("data"), str):
            options["data"] = witness.edit(options["data"])
        options |= {"timeout": (self.limits.connect, self.limits.read), "allow_redirects": False}
        if time.monotonic() - self._last_used > IDLE:
            self._session.close()  # drops the connections; the session itself goes on
        witness.start()
        if witness.probing:
            self._knock(witness, url)
        try:
            response = self._session.request(method, url, **options)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            witness.error = error
            raise
        finally:
            witness.watch(None)
            self._last_used = time.monotonic()
        body = response.content[:KEPT_BODY].decode("utf-8", "replace")
        retry_after = response.headers.get("Retry-After", "")
        witness.answer = Answer(response.status_code, response.reason or "", retry_after, body)
        return response

    def _knock(self, witness: Witness, url: str) -> NoReturn:
        """Connect to where a request would go, TLS and a proxy included, and send nothing.

        Raises what ends the plugin's send: a RequestException, whether somebody opened or not.
        """
        try:
            asked = requests.Request("GET", url).prepare()
            environment = self._session.merge_environment_settings(url, {}, None, None, None)
            adapter = self._session.get_adapter(url)
            assert isinstance(adapter, HTTPAdapter)  # noqa: S101 - both of ours are
            pool: Any = adapter.get_connection_with_tls_context(asked, self._verify, proxies=environment["proxies"])
            connection = pool._new_conn()  # noqa: SLF001 - urllib3 has no public way to connect and say nothing
            connection.timeout = self.limits.connect
            with contextlib.closing(connection):
                if pool.proxy is not None and pool.scheme == "https":
                    pool._prepare_proxy(connection)  # noqa: SLF001
                else:
                    connection.connect()
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            witness.error = error
            raise requests.ConnectionError from error
        host, port = urlsplit(url).hostname, urlsplit(url).port
        witness.reached = f"{host}:{port or ('443' if url.startswith('https') else '80')}"
        raise requests.RequestException("only probed")

    def close(self) -> None:
        """Close the kept connection."""
        self._session.close()


class _Session(requests.Session):
    """Reads the environment (proxies, certificates) once for each host: a process's own does not change."""

    def __init__(self) -> None:
        super().__init__()
        self._read: dict[tuple[str, str], Any] = {}

    def merge_environment_settings(self, url: Any, proxies: Any, *settings: Any) -> Any:  # noqa: ANN401
        """Return the settings of a request, as it is about to be sent."""
        parts = urlsplit(url)
        place = parts.scheme, parts.netloc
        if place not in self._read:
            self._read[place] = super().merge_environment_settings(url, proxies, *settings)
        return dict(self._read[place])


class _Noted:
    """Tells the witness which socket a request leaves by, and that it is leaving.

    Connecting comes first: an error until then is certain not to have sent anything.
    """

    def request(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        assert isinstance(self, HTTPConnection)  # noqa: S101 - mixed into nothing else
        if self.sock is None:
            self.connect()
        witness = CURRENT.get()
        if witness is not None:
            witness.watch(self.sock)
            witness.began = True
        super().request(*args, **options)  # type: ignore[misc]


class _Http(_Noted, HTTPConnection):
    pass


class _Https(_Noted, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    """Carries requests over connections that are noted, with the channel's own TLS context."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:  # noqa: ANN401
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] != "https":
            return host, tls
        return host, {"ssl_context": self._wire.tls}

    def cert_verify(self, *args: Any) -> None:  # noqa: ANN401
        """Leave verification to the TLS context, which holds what this method would load again each time."""
