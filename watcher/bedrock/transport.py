"""The SDK's HTTP client, except that whom to trust is read once, in a thread: 20 ms that the event loop need not wait.

Not its business: what is sent, and what an answer means.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path
from typing import Any

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession
from anyio import to_thread
from botocore.httpsession import create_urllib3_context, get_cert_path


class Transport(AIOHTTPSession):  # type: ignore[misc]
    """One client's connections; proxies and unverified servers are left to the SDK."""

    async def _get_session(self, proxy_url: str | None) -> Any:  # noqa: ANN401 - the SDK is untyped
        if self._verify and not proxy_url and proxy_url not in self._sessions:
            self._trust = await to_thread.run_sync(_trusting, get_cert_path(self._verify))
        return await super()._get_session(proxy_url)

    def _create_connector(self, proxy_url: str | None) -> aiohttp.TCPConnector:
        if proxy_url or not self._verify:
            connector: aiohttp.TCPConnector = super()._create_connector(proxy_url)
            return connector
        return aiohttp.TCPConnector(limit=self._max_pool_connections, ssl=self._trust, **self._connector_args)


def _trusting(certificates: str) -> ssl.SSLContext:
    """Return the TLS context that trusts those of a file, as it is now; raises OSError."""
    return _context(certificates, Path(certificates).stat().st_mtime_ns)


@lru_cache(4)
def _context(certificates: str, changed_at: int) -> ssl.SSLContext:
    del changed_at  # part of the key
    context: ssl.SSLContext = create_urllib3_context()
    context.load_verify_locations(certificates)
    return context
