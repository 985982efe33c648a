"""The SDK's asynchronous HTTP client, with every host's name verified, no redirects, and bounded answers.

aiobotocore 2.25 neither checks the name in a certificate nor verifies anything behind a proxy (aio-libs/aiobotocore
issue 1667), and aiohttp follows redirects, with all headers of the request.
Not its business: what is sent, and what an answer means.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import anyio
from aiobotocore.httpsession import AIOHTTPSession
from anyio import to_thread
from botocore.exceptions import EndpointConnectionError, HTTPClientError, ReadTimeoutError, SSLError

from watcher.bedrock.bounds import LARGEST_BODY, UnlikeAws, refuse_large, refuse_redirect
from watcher.bedrock.trust import UnusableBundle, tls_problem, trusting


class Transport(AIOHTTPSession):  # type: ignore[misc]
    """One client's connections, direct or by a proxy."""

    async def send(self, request: Any) -> Any:  # noqa: ANN401 - the SDK is untyped
        """Return the answer, whole; raises botocore's exceptions and no others.

        The SDK's own timeouts are for each silence: a proxy or a server that sends a byte now and then has no end.
        """
        seconds = 2 * (self._timeout.sock_connect + self._timeout.sock_read)
        try:
            with anyio.fail_after(seconds):
                return await super().send(request)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=request.url, error=f"no whole answer in {seconds:g} s") from error
        except EndpointConnectionError as error:
            # Behind an HTTPS proxy asyncio loses the reason on its way up (CPython 3.11).
            if (problem := tls_problem(error)) is None:
                raise
            raise SSLError(endpoint_url=request.url, error=problem) from error
        except HTTPClientError as error:
            cause = error.kwargs.get("error")
            if isinstance(cause, (UnlikeAws, UnusableBundle)):
                raise cause from cause.__cause__
            raise

    async def _get_session(self, proxy_url: str | None) -> Any:  # noqa: ANN401
        if proxy_url not in self._sessions:
            # In a thread: the event loop need not wait while certificates are read.
            self._context = await to_thread.run_sync(trusting, self._verify) if self._verify else False
        session = await super()._get_session(proxy_url)
        if not isinstance(session, _Session):
            session = self._sessions[proxy_url] = _Session(session)
        return session

    def _create_connector(self, proxy_url: str | None) -> aiohttp.TCPConnector:
        del proxy_url  # a proxy is verified as AWS is, and AWS behind it
        return aiohttp.TCPConnector(limit=self._max_pool_connections, ssl=self._context, **self._connector_args)


class _Session:
    """aiohttp's session as the SDK uses it, except that answers are read here."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, method: str, url: Any, **how: Any) -> _Answer:  # noqa: ANN401 - aiohttp's own parameters
        """Send a request and read the answer; raises UnlikeAws for one that AWS would not give."""
        response = await self._session.request(method, url=url, allow_redirects=False, **how)
        try:
            refuse_redirect(response.status, str(url), response.headers.get("Location", ""))
            refuse_large(response.content_length or 0, str(url))
            return _Answer(response, await _body(response, str(url)))
        except BaseException:
            response.close()
            raise


class _Answer:
    """What the SDK reads of aiohttp's response."""

    def __init__(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        self.url, self.status = response.url, response.status
        # The SDK decodes them as UTF-8; HTTP allows any byte (obs-text; RFC 9110, 5.5).
        self.raw_headers = tuple((_utf8(name), _utf8(value)) for name, value in response.raw_headers)
        self._body = body

    async def read(self) -> bytes:
        """Return the body."""
        return self._body


def _utf8(field: bytes) -> bytes:
    """Return a header field as UTF-8; what is none is read as Latin-1, as HTTP once had it."""
    try:
        field.decode()
    except UnicodeDecodeError:
        return field.decode("latin-1").encode()
    return field


async def _body(response: aiohttp.ClientResponse, url: str) -> bytes:
    parts, size = list[bytes](), 0
    async for part in response.content.iter_chunked(LARGEST_BODY):
        size += len(part)
        refuse_large(size, url)
        parts.append(part)
    return b"".join(parts)
