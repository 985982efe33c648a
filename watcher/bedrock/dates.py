"""AWS's time, from a response's Date header."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any


def date_of(response: Mapping[str, Any]) -> float | None:
    """Return the Date header of a response of the SDK (RFC 9110, 6.6.1) in epoch seconds; None without a good one."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return None
