"""What AWS answers, as far as polling needs it decoded.

The lists of all kinds of jobs are alike but for their members' names, which ``page_of`` is told.
Source: Amazon Bedrock API reference, the List and Get operations of each kind.
"""

from __future__ import annotations

import types
from functools import cache
from typing import Any, NamedTuple, cast

import msgspec

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
    name: str = ""
    changed: str | float | None = None
    steps: msgspec.Raw = _NOTHING
    created: str | float = ""
    type: str = ""


class Page(msgspec.Struct, frozen=True):
    """One page of List."""

    summaries: list[Summary] = []
    token: str | None = None


class Tag(msgspec.Struct, frozen=True):
    """One of AWS's tags."""

    key: str
    value: str


class Tags(msgspec.Struct, frozen=True):
    """What ListTagsForResource answers."""

    tags: list[Tag] = []


class Answer(NamedTuple):
    """A Get response: its members, and its text as AWS sent it."""

    facts: dict[str, Any]
    text: str


@cache
def page_of(members: ListMembers) -> type[Page]:
    """Return the Page of a List whose members have these names: decoding one costs the same for every kind.

    A member that the List lacks is looked for by our own name, and no List has one of that.
    """
    found = [
        ("arn", str, msgspec.field(name=members.arn)),
        ("status", str, msgspec.field(name=members.status)),
        ("name", str, msgspec.field(name=members.name, default="")),
        ("changed", str | float | None, msgspec.field(name=members.changed or None, default=None)),
        ("steps", msgspec.Raw, msgspec.field(name=members.steps or None, default=_NOTHING)),
        ("created", str | float, msgspec.field(name=members.created, default="")),
        ("type", str, msgspec.field(name=members.type or None, default="")),
    ]
    summary = msgspec.defstruct("Summary", found, bases=(Summary,), frozen=True, gc=False)
    rows = types.GenericAlias(list, (summary,))
    page = msgspec.defstruct(
        "Page",
        [
            ("summaries", rows, msgspec.field(name=members.summaries, default_factory=list)),
            ("token", str | None, msgspec.field(name="nextToken", default=None)),
        ],
        bases=(Page,),
        frozen=True,
    )
    return cast("type[Page]", page)
