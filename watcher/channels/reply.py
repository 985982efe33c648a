"""Reads the body of an HTTP response to a bound, whatever its headers promise; never raises.

Status line and headers decide what became of a message; the body is only words (or, for services that refuse inside
a 200, a short JSON object).  So a body that is too long, cut short or packed in an unknown way is no error.
Not its business: what the words mean (``words``, ``refusals``).
"""

from __future__ import annotations

import http.client
import zlib
from typing import Any

import urllib3

KEPT_BODY = 262_144
"""Bytes of a body that are read, packed or not: Slack's repeats the message, in up to six bytes a character."""

_CHUNK = 16_384
_BROKEN = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError, RuntimeError)


def read_body(response: Any) -> tuple[bytes, bool]:  # noqa: ANN401 - urllib3's HTTPResponse of either major version
    """Return the first KEPT_BODY bytes of a body, unpacked, and whether that is all of it and readable."""
    kept = bytearray()
    whole = False
    try:
        while len(kept) <= KEPT_BODY:
            part = response.read(_CHUNK, decode_content=False)
            if not part:
                whole = True
                break
            kept += part
    except _BROKEN:
        pass
    if not whole:
        response.close()  # the rest of it must not be read as the next message's response
    unpacked = _unpacked(bytes(kept[:KEPT_BODY]), response.headers.get("Content-Encoding", ""))
    if unpacked is None:
        return bytes(kept[:KEPT_BODY]), False
    return unpacked[:KEPT_BODY], whole and len(unpacked) <= KEPT_BODY


def _unpacked(body: bytes, encoding: str) -> bytes | None:
    """Return *body* without its content encoding, one byte longer than KEPT_BODY at most; None when it has another.

    We ask for no encoding; some servers pack all the same.
    """
    name = encoding.strip().lower()
    if not name or name == "identity" or not body:
        return body
    if name not in ("gzip", "x-gzip", "deflate"):
        return None
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # gzip or zlib by its header; deflate without one
        try:
            return zlib.decompressobj(window).decompress(body, KEPT_BODY + 1)
        except zlib.error:
            continue
    return None
