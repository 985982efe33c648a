"""Keeps what a URL holds out of what people read.

Any part of an Apprise URL may be a secret: in ``slack://`` even the host is a token.  So every part is taken for one,
but the name of the service and what its plugin says to be harmless: a host, a choice of a fixed list.
Not its business: where the texts go.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from functools import cache
from html.entities import codepoint2name
from itertools import chain
from urllib.parse import unquote, unquote_plus

SHORTEST = 4
"""Characters; shorter parts are not redacted, because that would redact ordinary words."""

SHORT = 8
"""Characters; a shorter part is redacted only as a whole word: "grey" stays readable in "Greylisted"."""

LONGEST_REASON = 300
"""Characters of a server's own words that are kept."""

_LONGEST_READ = 4096
_LONGEST_SPELLED = 256

_LONGEST_FORM = 6  # characters of one character, as "\\u0041"

HIDDEN = "***"


def scrubber(url: str, public: Collection[str] = (), logins: Collection[str] = ()) -> Callable[[str], str]:
    """Return a function that makes a foreign text fit to be shown: one line, no secret of *url*, not too long.

    *public* are parts that may be shown; *logins* are other secrets, as ``user:password`` (a proxy's).
    """
    secrets = _parts(url) | set(chain.from_iterable(map(_login, logins)))
    shown = {part.lower() for part in public}
    hidden = sorted({part for part in secrets if part.lower() not in shown}, key=len, reverse=True)
    longest = max(map(len, hidden), default=0)

    @cache
    def pattern() -> re.Pattern[str]:
        # Made when the first text comes: it costs some milliseconds, and most channels never fail.
        return re.compile("|".join(map(_pattern, hidden)), re.IGNORECASE)

    def scrub(text: str) -> str:
        # Cleaned first: a secret with a control character inside would not be recognised.
        # Cut last, or well behind what is shown: half a secret would not be recognised either.
        cut = len(text) > _LONGEST_READ
        text = " ".join(_clean(text[:_LONGEST_READ]).split())
        if cut:
            text = text[: max(0, len(text) - _LONGEST_FORM * longest)]
        if hidden and text:
            text = pattern().sub(HIDDEN, text)
        return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"

    return scrub


def _clean(text: str, instead: str = "") -> str:
    """Return *text* with *instead* of its control characters."""
    return "".join(c if c.isspace() or unicodedata.category(c)[0] != "C" else instead for c in text)


def _parts(url: str) -> set[str]:
    """Return every part of *url* that may be a secret, as it is written there and as it is meant."""
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
    spelled |= _login(login)
    return {part for part in spelled if len(part) >= SHORTEST and not _is_port(part, address)}


def _login(login: str) -> set[str]:
    """Return a ``user:password`` as a proxy, HTTP's basic authentication and SMTP's AUTH PLAIN have it."""
    user, _, password = (unquote(part) for part in login.partition(":"))
    texts = (f"{user}:{password}", f"\0{user}\0{password}")
    found = {password, f"{user}:{password}", *(base64.b64encode(text.encode()).decode() for text in texts)}
    return {part for part in found if len(part) >= SHORTEST} if password else set()


def _is_port(part: str, address: str) -> bool:
    """Whether *part* is a port rather than a secret of digits."""
    return part.isdecimal() and len(part) <= 5 and re.search(rf":{part}(/|$)", address.rpartition("@")[2]) is not None


def _pattern(secret: str) -> str:
    """Return a pattern of *secret* in the spellings in which a server may repeat it."""
    plain = re.escape(secret) if len(secret) > _LONGEST_SPELLED else "".join(map(_spellings, secret))
    if len(secret) < SHORT:
        return rf"(?<![^\W_]){plain}(?![^\W_])"
    return "|".join((plain, *map(re.escape, _in_base64(secret))))


def _spellings(character: str) -> str:
    """Return a pattern of one character: as it is, and for JSON, HTML and URLs, each of these more than once."""
    code = ord(character)
    escapes = {re.escape(character), rf"&(?:amp;)*\#0*{code};", rf"&(?:amp;)*\#x0*{code:x};"}
    escapes.add("".join(rf"\\+u{unit:04x}" for unit in _utf16(character)))
    escapes.add("".join(rf"%(?:25)*{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")))
    if code in codepoint2name:
        escapes.add(rf"&(?:amp;)*{codepoint2name[code]};")
    if character in "/\"\\'":
        escapes.add(rf"\\+{re.escape(character)}")
    if character == " ":
        escapes.add(r"\+")
    return f"(?:{'|'.join(sorted(escapes))})"


def _utf16(character: str) -> Iterator[int]:
    content = character.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(content[at : at + 2]) for at in range(0, len(content), 2))


def _in_base64(secret: str) -> Iterator[str]:
    """Yield the part of a base64 text that *secret* alone decides, wherever in it the secret begins."""
    content = secret.encode("utf-8", "surrogatepass")
    for before in range(3):
        packed = base64.b64encode(b"\0" * before + content).decode()
        first = (before * 8 + 5) // 6
        last = (before + len(content)) * 8 // 6
        if last - first >= SHORT:
            yield packed[first:last]
            yield packed[first:last].replace("+", "-").replace("/", "_")
