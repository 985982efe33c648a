"""What a List asks for: its filters, its order, and the token that asks for the next page.

Source: botocore's service model (bedrock, 2023-04-20).  AWS documents neither the default page size nor the default
order: here they are 100 and newest first, and both time bounds are exclusive, to the millisecond.  A watcher should
rely on none of the three.

Not its business: the jobs themselves (``jobs``).
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from watcher.simulator.plays import Play
from watcher.simulator.refusals import invalid

DEFAULT_PAGE: Final = 100
LARGEST_PAGE: Final = 1000

Key = tuple[int, str]
"""Where a job stands in a list: its creation in epoch milliseconds, then its ARN."""


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of one List; *created* are exclusive bounds in epoch milliseconds, *after* the last page's end."""

    limit: int = DEFAULT_PAGE
    status: str = ""
    name: str = ""
    created: tuple[float, float] = (float("-inf"), float("inf"))
    ascending: bool = False
    after: Key | None = None


def parse(parameters: Mapping[str, str], play: Play) -> Query:
    """Read a query string as AWS does for a kind; raises Refusal (ValidationException) for the first wrong member."""
    _word(parameters, "sortBy", ("CreationTime",))
    after, before = play.bounds or ("", "")
    return Query(
        limit=_limit(parameters.get("maxResults", str(DEFAULT_PAGE))),
        status=_word(parameters, "statusEquals", play.statuses),
        name=parameters.get(play.name_filter, ""),
        created=(
            _moment(parameters, after, float("-inf")),
            _moment(parameters, before, float("inf")),
        ),
        ascending=_word(parameters, "sortOrder", ("Ascending", "Descending")) == "Ascending",
        after=_position(parameters["nextToken"]) if "nextToken" in parameters else None,
    )


def token(key: Key) -> str:
    """Return the nextToken that continues after *key*: opaque to clients, and good while new jobs begin."""
    return urlsafe_b64encode(f"{key[0]} {key[1]}".encode()).decode()


def _position(text: str) -> Key:
    """Return the key that a nextToken holds."""
    try:
        created, arn = urlsafe_b64decode(text).decode().split(" ", 1)
        return int(created), arn
    except (binascii.Error, ValueError):
        raise invalid("nextToken", text, "be a token that a previous call returned") from None


def _limit(text: str) -> int:
    """Return maxResults."""
    try:
        limit = int(text)
    except ValueError:
        raise invalid("maxResults", text, "be an integer") from None
    if limit < 1:
        raise invalid("maxResults", text, "have value greater than or equal to 1")
    if limit > LARGEST_PAGE:
        raise invalid("maxResults", text, f"have value less than or equal to {LARGEST_PAGE}")
    return limit


def _word(parameters: Mapping[str, str], member: str, words: tuple[str, ...]) -> str:
    """Return one of *words*, or nothing when the member is not given."""
    word = parameters.get(member, "")
    if member in parameters and word not in words:
        raise invalid(member, word, f"satisfy enum value set: [{', '.join(words)}]")
    return word


def _moment(parameters: Mapping[str, str], member: str, default: float) -> float:
    """Return an ISO 8601 time as epoch milliseconds."""
    if member not in parameters:
        return default
    try:
        moment = datetime.fromisoformat(parameters[member])
    except ValueError:
        raise invalid(member, parameters[member], "be an ISO 8601 timestamp") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
