"""A dead-man's switch: somebody else's watchdog, which raises the alarm when our requests stay away.

In the manner of healthchecks.io (https://healthchecks.io/docs/http_api/): the URL while all is well, the URL with
``/fail`` and the reason when it is not.  The URL is a secret, and no error repeats any of it.
Not its business: when a request is due, and what well means (``daemon``).
"""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from anyio import to_thread

TIMEOUT = 10.0
"""Seconds that one request may take, whatever happens."""

_LONGEST_REASON = 1000


class Unanswered(Exception):
    """The request was not answered as it should; the text holds nothing of the URL."""


async def tell(url: str, reason: str = "", ca_bundle: Path | None = None) -> None:
    """Request *url*: all is well; with a *reason*, that it is not.  Raises Unanswered.

    The proxies of the environment are honoured, redirects are not: the URL is nobody else's business.
    """
    try:
        # A bundle is read from a disk: not here, where everything else would wait for it.
        trust = await to_thread.run_sync(_context, ca_bundle) if ca_bundle else True
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            target, method = (failing(url), "POST") if reason else (url, "GET")
            body = reason[:_LONGEST_REASON].encode() or None
            async with session.request(method, target, data=body, ssl=trust, allow_redirects=False) as response:
                if response.status >= 300:
                    raise Unanswered(f"it was answered with {response.status}")
    except TimeoutError:
        raise Unanswered(f"no answer within {TIMEOUT:g} s") from None
    except aiohttp.ClientConnectorError as error:
        raise Unanswered(f"no connection: {error.os_error.strerror or type(error.os_error).__name__}") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # Their texts hold the URL.
        raise Unanswered(type(error).__name__) from None


def failing(url: str) -> str:
    """Return where it is told that all is not well."""
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rstrip('/')}/fail").geturl()


def _context(ca_bundle: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_bundle)
