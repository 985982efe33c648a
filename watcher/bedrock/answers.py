"""What AWS answers, as far as polling needs it decoded.

The lists of all kinds of jobs are alike but for their members' names.
Source: Amazon Bedrock API reference, the List and Get operations of each kind.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, cast

import msgspec

from watcher.bedrock.gateway import is_object, no_object, unreadable
from watcher.bedrock.kind import ListMembers

_NOTHING = msgspec.Raw(b"")


class Summary(msgspec.Struct, frozen=True, gc=False):
    """One job of a List page, as far as it tells whether the job must be asked for.

    *changed* is AWS's time of the last change as sent, *steps* what else moves (``ListMembers.steps``), as JSON,
    *created* the time of its creation, *type* how it customizes.
    It holds texts alone, so the garbage collector need not look through the thousand of a page.
    """

    arn: str
    status: str
    name: str | None = None
    changed: str | float | None = None
    steps: msgspec.Raw = _NOTHING
    created: str | float | None = None
    type: str | None = None


class Page(NamedTuple):
    """One page of List.  *unreadable* says of each row that is left out what is wrong with it."""

    summaries: list[Summary]
    token: str | None = None
    unreadable: Sequence[str] = ()


class _Whole(msgspec.Struct, frozen=True):
    """A page as it is decoded at once."""

    summaries: list[Summary] = []
    token: str | None = None


class Tag(msgspec.Struct, frozen=True):
    """One of AWS's tags."""

    key: str
    value: str | None = None


class Tags(msgspec.Struct, frozen=True):
    """What ListTagsForResource answers."""

    tags: list[Tag] | None = None


class Answer(NamedTuple):
    """A Get response: its members, and its text as AWS sent it."""

    facts: dict[str, Any]
    text: str


class _Rows(NamedTuple):
    """How the pages of one kind's List are decoded: as a whole, and row by row where a row cannot be read."""

    page: type[_Whole]
    rough: type[_Rough]
    summary: type[Summary]


class _Rough(msgspec.Struct, frozen=True):
    """A page whose rows are not decoded yet."""

    rows: list[msgspec.Raw] | None = None
    token: str | None = None


def read_answer(body: bytes) -> Answer:
    """Return what a Get answers; raises LookError for a *body* that is no JSON object, or cannot be read."""
    if not is_object(body):
        raise no_object(body)
    try:
        facts, text = msgspec.json.decode(body), body.decode()
    except (ValueError, RecursionError) as error:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        raise unreadable(error, body) from error
    return Answer(facts, text)


def read_page(body: bytes, members: ListMembers) -> Page:
    """Return one page of a List whose summaries have these *members*.

    A member that is null is absent, as in AWS's own SDKs; a row that cannot be read is left out and named.  Raises
    LookError for a *body* that is no JSON object, or cannot be read at all.
    """
    if not is_object(body):
        raise no_object(body)
    decoders = _decoders(members)
    try:
        page = msgspec.json.decode(body, type=decoders.page)
        return Page(page.summaries, page.token)
    except (ValueError, RecursionError):
        pass
    try:
        rough = msgspec.json.decode(body, type=decoders.rough)
    except (ValueError, RecursionError) as error:
        raise unreadable(error, body) from error
    summaries, unreadable_rows = list[Summary](), list[str]()
    for row in rough.rows or ():
        try:
            summaries.append(msgspec.json.decode(row, type=decoders.summary))
        except (ValueError, RecursionError) as error:
            unreadable_rows.append(unreadable(error, bytes(row)).reason)
    return Page(summaries, rough.token, unreadable_rows)


def read_tags(body: bytes) -> dict[str, str]:
    """Return the tags that ListTagsForResource answers; raises LookError for a *body* that is no such answer."""
    if not is_object(body):
        raise no_object(body)
    try:
        return {tag.key: tag.value or "" for tag in msgspec.json.decode(body, type=Tags).tags or ()}
    except (ValueError, RecursionError) as error:
        raise unreadable(error, body) from error


def members_read(members: ListMembers) -> set[str]:
    """Return which members of a page are read."""
    return {*_decoders(members).page.__struct_encode_fields__}


@cache
def _decoders(members: ListMembers) -> _Rows:
    """Return how a List with these *members* is decoded: decoding one costs the same for every kind.

    A member that the List lacks is looked for by our own name, and no List has one of that.
    """
    found = [
        ("arn", str, msgspec.field(name=members.arn)),
        ("status", str, msgspec.field(name=members.status)),
        ("name", str | None, msgspec.field(name=members.name, default=None)),
        ("changed", str | float | None, msgspec.field(name=members.changed or None, default=None)),
        ("steps", msgspec.Raw, msgspec.field(name=members.steps or None, default=_NOTHING)),
        ("created", str | float | None, msgspec.field(name=members.created, default=None)),
        ("type", str | None, msgspec.field(name=members.type or None, default=None)),
    ]
    summary = msgspec.defstruct("Summary", found, bases=(Summary,), frozen=True, gc=False)
    token = ("token", str | None, msgspec.field(name="nextToken", default=None))
    rows = types.GenericAlias(list, (summary,))
    whole: list[Any] = [("summaries", rows, msgspec.field(name=members.summaries, default_factory=list)), token]
    raw = list[msgspec.Raw] | None
    rough: list[Any] = [("rows", raw, msgspec.field(name=members.summaries, default=None)), token]
    return _Rows(
        cast("type[_Whole]", msgspec.defstruct("Whole", whole, bases=(_Whole,), frozen=True)),
        cast("type[_Rough]", msgspec.defstruct("Rough", rough, bases=(_Rough,), frozen=True)),
        cast("type[Summary]", summary),
    )
