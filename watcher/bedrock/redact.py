"""Redact keys in text from AWS, proxies and sign-in services, which may echo the request in an error.

AWS's InvalidSignatureException holds the canonical request, with the session token in it (AWS Signature Version 4,
"Troubleshooting"); proxies and gateways echo headers, encoded for a URL, HTML or JSON.
Not its business: channels, whose URLs are secrets of another kind.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import OrderedDict
from functools import lru_cache
from threading import Lock
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

LONGEST = 2048
"""Maximum length of text from outside, in characters."""

_SHORTEST = 8
_KEPT = 256
_HIDDEN = "***"
_HEADERS = re.compile(
    r"(?i)((?:x-amz-security-token|x-amz-sso_bearer_token|proxy-authorization|authorization)[\"']?\s*[:=]\s*[\"']?"
    r"(?:(?:basic|bearer)\s+)?)(?!AWS4-)[^\s\"'&<>,;*]{8,}"
)

_known: OrderedDict[str, None] = OrderedDict()
_lock = Lock()


def remember(*secrets: str | None) -> None:
    """Redact these from now on if they are long enough to be secrets; drop the oldest above a limit."""
    with _lock:
        for secret in secrets:
            if secret and len(secret) >= _SHORTEST:
                _known[secret] = None
                _known.move_to_end(secret)
        while len(_known) > _KEPT:
            _known.popitem(last=False)


def redacted(text: str) -> str:
    """Return *text* with secrets redacted in any encoding, and cut to *LONGEST*."""
    text = text[: 16 * LONGEST]
    with _lock:
        secrets = tuple(_known)
    # The longest first: another may be its beginning.
    for secret in sorted((*secrets, *_of_proxies()), key=len, reverse=True):
        text = _pattern(secret).sub(_HIDDEN, text)
    text = _HEADERS.sub(rf"\1{_HIDDEN}", text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def excerpt(foreign: object, longest: int = 80) -> str:
    """Return the beginning of a body, or of any value as Python writes it, on one line and without secrets.

    Secrets are hidden before it is cut: half of one would not be recognized.  Never raises.
    """
    if isinstance(foreign, bytes):
        text = foreign[: 16 * LONGEST].decode(errors="replace")
    else:
        try:
            text = repr(foreign)
        except RecursionError:
            text = f"nested too deeply ({type(foreign).__name__})"
    return " ".join(redacted(text).split())[:longest]


def _of_proxies() -> tuple[str, ...]:
    """Return the passwords of the environment's proxies."""
    found = list[str]()
    for url in getproxies().values():
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.password:
            password = unquote(parts.password)
            found.append(b64encode(f"{unquote(parts.username or '')}:{password}".encode()).decode())
            # A short one is in many words: alone it cannot be hidden.
            found.append(password if len(password) >= _SHORTEST else f":{password}@")
    return tuple(found)


@lru_cache(2 * _KEPT)
def _pattern(secret: str) -> re.Pattern[str]:
    """Return what matches *secret* as it is, or encoded for a URL (twice, too), HTML, JSON, or in base64."""
    plain = "".join(map(_character, secret))
    return re.compile("|".join((plain, *map(re.escape, _in_base64(secret)))))


def _character(one: str) -> str:
    if one.isalnum():
        return one
    code = ord(one)
    ways = (
        re.escape(one),
        rf"\\{re.escape(one)}",
        rf"%(?:25)*(?i:{code:02x})",
        rf"&(?:amp;)?#0*{code};",
        rf"&(?:amp;)?#[xX]0*(?i:{code:x});",
        rf"\\+u(?i:{code:04x})",
        *((rf"&(?:amp;)?{_NAMED[one]};",) if one in _NAMED else ()),
    )
    return f"(?:{'|'.join(ways)})"


_NAMED = {"+": "plus", "/": "sol", "=": "equals", "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


def _in_base64(secret: str) -> list[str]:
    """Return how *secret* looks inside a base64 text: three ways, by where it begins, without what its edges share."""
    found = list[str]()
    for before in range(3):
        encoded = b64encode(b"\0" * before + secret.encode()).decode().rstrip("=")
        whole = (before + len(secret.encode())) * 8 // 6
        inside = encoded[(before * 8 + 5) // 6 : whole]
        if len(inside) >= _SHORTEST:
            found += [inside, inside.replace("+", "-").replace("/", "_")]
    return found
