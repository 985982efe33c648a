"""What a job kind is: its operations, and how its response is read into a Snapshot.

Pure, and cheap to import: the command line reads stored responses with it.
Not its business: asking AWS (``bedrock.client``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watcher.model import Outcome, Snapshot


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of Bedrock job, by its ARN resource type.

    *outcomes* classes every status word of the service model; *read* turns a (merged) response into a Snapshot
    and raises MalformedResponse when it is not one.
    """

    name: str
    get_operation: str
    list_operation: str
    outcomes: Mapping[str, Outcome]
    read: Callable[[Mapping[str, Any]], Snapshot]


_YEARS = 2000, 2200


class MalformedResponse(ValueError):
    """A response lacks what it must have, or holds it in another form than documented."""


def text_of(facts: Mapping[str, Any], key: str, *, required: bool = False) -> str:
    """Return the string member *key*, or an empty string; raises MalformedResponse for any other type."""
    value = facts.get(key)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise MalformedResponse(f"{key} is {value!r:.80}, not a string")
    return value


def time_of(facts: Mapping[str, Any], key: str) -> datetime | None:
    """Return the timestamp member *key* in UTC, or None; raises MalformedResponse for any other form.

    Bedrock sends ISO 8601 texts (restJson1, ``timestampFormat: iso8601``); moto's have no offset and mean UTC;
    seconds since the epoch are the protocol's other form.
    """
    value = facts.get(key)
    if value is None:
        return None
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            moment = datetime.fromisoformat(value)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise MalformedResponse(f"{key} is {value!r:.80}, not a time") from None
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        # No job is of another age, and times at the calendar's edge overflow when they are reckoned with.
        raise MalformedResponse(f"{key} is {value!r:.80}, not a time of this age")
    return moment
