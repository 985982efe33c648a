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
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from watcher.channels.apart import Apart
from watcher.channels.connections import Adapter, Session
from watcher.channels.witness import Limits, Witness

IDLE = 2.0
"""Seconds after which a kept connection is given up; the shortest keep-alive of a common server (gunicorn's)."""


class SecondTry(requests.RequestException):
    """A plugin wanted to repeat a request by itself; it was not sent."""


class Wire:
    """What one channel sends its HTTP requests and mails by.

    *ca_bundle* (a file of certificates) replaces the system's authorities; *greeting* is the name that mail servers are
    told (empty: the host's own).
    """

    def __init__(self, limits: Limits, ca_bundle: str | None, greeting: str = "") -> None:
        self.limits = limits
        self.greeting = greeting
        self._ca_bundle = ca_bundle
        self._verify = True
        self._last_used = 0.0
        self.apart = Apart()

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
        session = Session()
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # each message stands alone
        session.mount("https://", Adapter(self))
        session.mount("http://", Adapter(self))
        return session

    def request(self, witness: Witness, method: str, url: str, **options: Any) -> requests.Response:  # noqa: ANN401
        """Send one request as a plugin asks for it, and note what comes of it; raises what ``requests`` raises.

        The plugin's own wishes about time limits, redirects and verification are replaced by ours, and its text by what
        the witness makes of it.
        """
        if witness.repeats(method, url):
            raise SecondTry
        given = dict(options)
        if isinstance(options.get("data"), str):
            options["data"] = witness.edit(options["data"])
        options |= {"timeout": (self.limits.connect, self.limits.read), "allow_redirects": False}
        if time.monotonic() - self._last_used > IDLE:
            self._session.close()  # drops the connections; the session itself goes on
        witness.start(method, url, given)
        if witness.probing:
            self._knock(witness, url)
        try:
            return self._session.request(method, url, **options)
        except requests.RequestException as error:
            witness.error = error
            raise
        except Exception as error:
            witness.error = error
            raise requests.RequestException from error  # which every plugin expects
        finally:
            witness.watch(None)
            self._last_used = time.monotonic()

    def _knock(self, witness: Witness, url: str) -> NoReturn:
        """Connect to where a request would go, TLS and a proxy included, and send nothing.

        Raises what ends the plugin's send: a RequestException, whether somebody opened or not.
        """
        try:
            asked = requests.Request("GET", url).prepare()
            environment = self._session.merge_environment_settings(url, {}, None, None, None)
            adapter = self._session.get_adapter(url)
            assert isinstance(adapter, Adapter)  # noqa: S101 - both of ours are
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
