"""What the body of an answer says: an error code, words for people, how long to wait.  Total, and in linear time.

A body is foreign: any bytes, any depth, any type in any place.  Nothing in here raises for it.
Not its business: how much of a body is read (``reply``), what a service's own codes mean (``refusals``).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from watcher import clock

LONGEST_PAUSE = 3600.0
"""Seconds; the longest pause that a receiver can ask for."""

_KEYS = ("error", "errmsg", "message", "description", "detail", "title", "reason", "errors")
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{0,9})?")
_TAG = re.compile(r"(<[^<>]*>)")
_TAG_NAME = re.compile(r"</?\s*([a-z]*)", re.IGNORECASE)

# Sources: RFC 9110 (the header), the API references of Telegram (parameters.retry_after), Discord (retry_after),
# Zulip (retry-after), Matrix (retry_after_ms, also inside "error").
_PAUSE_KEYS = {"retry_after": 1.0, "retry-after": 1.0, "retryAfter": 1.0, "retry_after_ms": 0.001}


def members(body: str) -> Mapping[str, Any]:
    """Return the JSON object that *body* is, or an empty one."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def words(body: str) -> tuple[str, str]:
    """Return the error code of a JSON object (empty when there is none), and what *body* says to people."""
    found = [_text(value) for key in _KEYS if (value := members(body).get(key))]
    if found:
        return found[0], ": ".join(found)
    return "", " ".join(_visible(body)) if "<" in body else body


def pause(header: str, body: str, unit: float = 1.0) -> float | None:
    """Return the seconds that a receiver asks us to wait, by its header or else its body; None when it does not.

    *unit*: seconds in one ``retry_after`` of the body; some services count milliseconds.
    """
    seconds = _header(header.strip())
    if seconds is None:
        seconds = _from_body(members(body), unit)
    return None if seconds is None else min(seconds, LONGEST_PAUSE)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except RecursionError:
        return ""


def _visible(page: str) -> Iterator[str]:
    """Yield the words of an HTML page: all but its tags, scripts and styles."""
    skipping = ""
    for part in _TAG.split(page):
        if not part.startswith("<"):
            if not skipping:
                yield part
            continue
        named = _TAG_NAME.match(part)
        name = named[1].lower() if named else ""
        if skipping:
            skipping = "" if part.startswith("</") and name == skipping else skipping
        elif name in ("script", "style") and not part.startswith("</"):
            skipping = name


def _header(text: str) -> float | None:
    """Return the seconds of a ``Retry-After``: a number, a fraction too, or a date.  Source: RFC 9110, 10.2.3."""
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        at = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):  # what the parsers of Python's versions raise
        return None
    return max(0.0, at - clock.now())


def _from_body(answer: Mapping[str, Any], unit: float) -> float | None:
    for place in (answer, answer.get("parameters"), answer.get("error")):
        if not isinstance(place, dict):
            continue
        for key, seconds in _PAUSE_KEYS.items():
            value = place.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
                return min(value, 10**12) * seconds * (unit if seconds == 1.0 else 1.0)
    return None
