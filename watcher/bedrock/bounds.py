"""Limits on AWS's responses: no redirects, and a maximum size.

Not its business: sending requests (``bedrock.transport``, ``bedrock.blocking``).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore.exceptions import HTTPClientError

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes; a page of 1000 jobs has about one million."""


class UnlikeAws(HTTPClientError):  # type: ignore[misc]
    """A response that cannot be AWS's."""

    fmt = "{problem}"


class Redirected(UnlikeAws):
    """The server redirects.  AWS never does, and signed requests are not for others."""


class TooLarge(UnlikeAws):
    """The body is larger than *LARGEST_BODY*."""


def refuse_redirect(status: int, url: str, location: str) -> None:
    """Raise Redirected if *status* is a redirect (RFC 9110, 15.4).  A query may hold secrets, so it is left out."""
    if not 300 <= status < 400:
        return
    asked, there = urlsplit(url), _without_query(location)
    where = f" to {there[:200]}" if there else ""
    raise Redirected(problem=f"{asked.scheme}://{asked.netloc} answers HTTP {status} and redirects{where}")


def refuse_large(size: int, url: str) -> None:
    """Raise TooLarge if a body of *size* bytes is larger than any of AWS's."""
    if size > LARGEST_BODY:
        asked = urlsplit(url)
        limit = LARGEST_BODY // 1024 // 1024
        raise TooLarge(problem=f"{asked.scheme}://{asked.netloc} answers with more than {limit} MB")


def _without_query(location: str) -> str:
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else parts.path
