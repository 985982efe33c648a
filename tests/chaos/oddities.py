"""What a receiver of the odd kind answers over HTTP: bytes as they go out, for each mood that is about the answer.

Every one was seen in public reports: interim answers (RFC 8297), bodies that cannot be read, refusals inside a 200,
bodies made to hurt, and pauses in a form that no standard knows.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from typing import Final

EARLY_HINTS: Final = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"

PAUSES: Final = (
    "0",
    "1",
    "1.5",
    "-3",
    "0x10",
    "1 second",
    "NaN",
    "inf",
    "",
    "soon",
    "1, 2",
    "Fri, 31 Dec 1999 23:59:59 GMT",
    "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
    "Mon, 99 Foo 2026",
    "\u0661",
)
"""Values of Retry-After that end soon, or mean nothing."""

REFUSALS: Final = (401, 403, 404, 405, 410, 413, 302, 308)
"""What a proxy answers for a moment, as if for good."""

_SLACK_REFUSALS: Final = (b'{"ok": false, "error": "service_unavailable"}', b'{"ok": false, "error": "ratelimited"}')
_BODIES: Final = (
    b"[" * 200_000,
    b'{"a":' * 50_000,
    b"<" * 262_144,
    b"<script>" * 30_000,
    b"\xff\xfe\x00" * 1000,
    b'{"error": ' + b'"' + b"x" * 3_000_000 + b'"}',
)


def head(status: int, *lines: str, length: int) -> bytes:
    """Return a status line and headers, for a body of *length* bytes."""
    every = (f"HTTP/1.1 {status} Odd", *lines, f"Content-Length: {length}", "Connection: close")
    return "".join(f"{line}\r\n" for line in every).encode("latin-1", "replace") + b"\r\n"


def monstrous(luck: random.Random) -> bytes:
    """Return a temporary refusal whose body is large, deep, or explodes when it is unpacked."""
    if luck.random() < 0.2:
        bomb = gzip.compress(bytes(50_000_000), 1)
        return head(503, "Content-Encoding: gzip", "Content-Type: text/html", length=len(bomb)) + bomb
    body = luck.choice(_BODIES)
    return head(500, "Content-Type: application/json", length=len(body)) + body


def odd_pause(luck: random.Random) -> bytes:
    """Return a temporary refusal with a Retry-After that a parser trips over."""
    return head(luck.choice((429, 503)), f"Retry-After: {luck.choice(PAUSES)}", length=0)


def refusal(luck: random.Random) -> bytes:
    """Return a refusal that looks as if it were final."""
    status = luck.choice(REFUSALS)
    lines = ["Location: https://127.0.0.1:9/"] if status in (302, 308) else []
    return head(status, *lines, "Content-Type: text/html", length=9) + b"<h1>no</h"


def refusal_inside(luck: random.Random) -> bytes:
    """Return Slack's refusal inside a 200."""
    body = luck.choice(_SLACK_REFUSALS)
    return head(200, "Content-Type: application/json", length=len(body)) + body


def unreadable(luck: random.Random) -> Iterator[bytes]:
    """Yield a 200 whose body cannot be read: not what its headers say, or cut short."""
    which = luck.randrange(4)
    if which == 0:
        yield head(200, "Content-Encoding: gzip", length=2) + b"ok"
    elif which == 1:
        yield head(200, length=5000) + b"ok"
    else:
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        yield b"5\r\nok" if which == 2 else b"no length\r\nok\r\n"
