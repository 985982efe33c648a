"""Keeps what a URL holds out of what people read.

Any part of an Apprise URL may be a secret: in ``slack://`` even the host is a token.  So every part is taken for one,
but the name of the service and what its plugin says to be harmless: a host, a choice of a fixed list.
Not its business: where the texts go.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable, Collection
from urllib.parse import unquote, unquote_plus

SHORTEST = 4
"""Characters; a shorter part is no secret, and to blot it out would blot out words."""

LONGEST_REASON = 300
"""Characters of a server's own words that are kept."""

HIDDEN = "***"


def scrubber(url: str, public: Collection[str] = ()) -> Callable[[str], str]:
    """Return a function that makes a foreign text fit to be shown: one line, no secret of *url*, not too long.

    *public* are parts that may be shown.
    """
    secrets = sorted(_parts(url) - {part.lower() for part in public}, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, secrets)), re.IGNORECASE) if secrets else None

    def scrub(text: str) -> str:
        # Cleaned first: a secret with a control character inside would not be recognised.
        # Cut last: half a secret would not be recognised either.
        text = " ".join(_clean(text).split())
        if pattern is not None:
            text = pattern.sub(HIDDEN, text)
        return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"

    return scrub


def _clean(text: str, instead: str = "") -> str:
    """Return *text* with *instead* of its control characters."""
    return "".join(c if c.isspace() or unicodedata.category(c)[0] != "C" else instead for c in text)


def _parts(url: str) -> set[str]:
    """Return every part of *url* that may be a secret, in the spellings in which a server may repeat it."""
    rest = url.partition("://")[2]
    address, _, query = rest.partition("?")
    login = address.partition("/")[0].rpartition("@")[0]
    raw = {login, login.partition(":")[0], login.partition(":")[2], address.partition("/")[2]}
    raw |= set(re.split(r"[/:@,#;]", address))
    for pair in query.split("&"):
        value = pair.partition("=")[2] or pair.lstrip("-+:").removesuffix("=")  # a key alone may be a token
        raw |= {value, *re.split(r"[/:@,#;=?]", value)}
    spelled = raw | {unquote(part) for part in raw} | {unquote_plus(part) for part in raw}
    # A server, or Apprise, may leave control characters out, or take them for the end of a part.
    spelled |= {_clean(part) for part in spelled}
    spelled |= {word for part in spelled for word in _clean(part, " ").split()}
    # As the header of HTTP's basic authentication and SMTP's AUTH PLAIN have it.
    user, _, password = (unquote(part) for part in login.partition(":"))
    spelled |= {base64.b64encode(text.encode()).decode() for text in (f"{user}:{password}", f"\0{user}\0{password}")}
    return {part.lower() for part in spelled if len(part) >= SHORTEST and not _is_port(part, address)}


def _is_port(part: str, address: str) -> bool:
    """Whether *part* is a port rather than a secret of digits."""
    return part.isdecimal() and len(part) <= 5 and re.search(rf":{part}(/|$)", address.rpartition("@")[2]) is not None
