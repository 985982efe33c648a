"""A Doc written so that it fits: what matters least goes first, and what is a summary drops words, never an event.

Not its business: how large a service lets a message be (``channels`` know), except where it depends on our form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from watcher.model import Family, Message
from watcher.render.chat import write_chat
from watcher.render.escapes import as_it_is, chat_text, html_text, slack_text
from watcher.render.mail import HTML, write_mail
from watcher.render.payload import write_payload
from watcher.render.plain import write_plain
from watcher.render.slack import BLOCKS, PAYLOAD, write_slack
from watcher.render.story import Doc, Entry
from watcher.render.words import cut, shorten

_PRINTERS: dict[Family, Callable[[Doc], Message]] = {
    Family.SLACK: write_slack,
    Family.EMAIL: write_mail,
    Family.CHAT: write_chat,
    Family.JSON: write_payload,
    Family.TEXT: write_plain,
}
_ESCAPES: dict[Family, Callable[[str], str]] = {
    Family.SLACK: slack_text,
    Family.EMAIL: html_text,
    Family.CHAT: chat_text,
    Family.JSON: as_it_is,
    Family.TEXT: as_it_is,
}

# The shortest entry of a summary: outcome and subject, as escaped, and the markup around them.
_OUTCOME, _SUBJECT, _MARKUP = 24, 30, 6
_FRAME = 500  # title, a line, footer
_HTML_FRAME, _HTML_MARKUP = 3000, 60

_SHORTENED = "Shortened to fit this channel. Full text: bedrock-watch show"

_WHERE = "see bedrock-watch show"
"""The last line where there is no room for more."""

Room = int | Callable[[Message], bool] | None
"""Size limit: characters of title and body, or a function that tests a message; None: no limit."""

_JSON_EVENTS = 100
"""Maximum number of events in a webhook's summary; each is about 2 KB of JSON."""


def write(doc: Doc, family: Family, room: Room = None) -> Message:
    """Return *doc* as a message for a receiver of *family* that fits *room*.

    What does not fit is left out by its weight: facts, then the timeline, then links, then the middle of the
    failureMessage, then the message's own lines.  A message that never fits is returned in its shortest form.
    """
    return attempt(doc, family, room)[0]


def attempt(doc: Doc, family: Family, room: Room = None) -> tuple[Message, bool]:
    """Return *doc* as ``write`` does, and whether it fits *room*."""
    fit = False
    for smaller in _smaller(doc, _ESCAPES[family]):
        message = _PRINTERS[family](smaller)
        if fit := fits(message, room):
            break
    return replace(message, conversation=doc.conversation, broadcast=doc.broadcast), fit


def most_events(family: Family, limit: int | None = None) -> int:
    """Return how many events one summary for *family* can surely name within *limit* characters (None: any)."""
    line = _OUTCOME + _SUBJECT + _MARKUP
    counts = [1000]
    if limit is not None:
        counts.append((limit - _FRAME) // line)
    if family is Family.JSON:
        counts.append(_JSON_EVENTS)
    if family is Family.SLACK:
        counts.append((PAYLOAD - 2 * _FRAME) // line)
    if family is Family.EMAIL:
        counts.append((HTML - _HTML_FRAME) // (line + _HTML_MARKUP))
    return max(min(counts), 1)


def fits(message: Message, room: Room) -> bool:
    """Return whether *message* fits *room*, and what its family allows."""
    if callable(room):
        if not room(message):
            return False
    elif room is not None and len(message.title) + 2 + len(message.body) > room:
        return False
    if message.payload is not None and "blocks" in message.payload:
        blocks = message.payload["blocks"]
        size = len(json.dumps(message.payload, ensure_ascii=False))
        return size <= PAYLOAD and len(blocks) <= BLOCKS
    return len(message.html.encode()) <= HTML


def _smaller(doc: Doc, escape: Callable[[str], str]) -> Iterator[Doc]:
    """Yield *doc*, then ever less of it."""
    yield doc
    doc = doc.but(footer=(*doc.footer, _SHORTENED))
    if doc.entries:
        yield from _smaller_summary(doc, escape)
        return
    stages: list[dict[str, object]] = [
        {"lines": _fewer(doc.lines, 12)},
        {"facts": ()},
        {"timeline": ()},
        {"links": ()},
        *(dict[str, object](failure=cut(doc.failure, most)) for most in (2000, 1500, 1000, 600)),
        {"lines": _fewer(doc.lines, 4), "failure": cut(doc.failure, 300)},
        {"failure": cut(doc.failure, 150), "advice": None, "footer": doc.footer[-2:]},
        {"lines": (doc.gist,), "failure": ""},
        *(dict[str, object](lines=(cut(doc.gist, most),)) for most in (120, 80, 50)),
        {"lines": (), "footer": doc.footer[-1:]},
        {"footer": (_WHERE,)},
        *(dict[str, object](title=cut(doc.title, most)) for most in (80, 60, 40, 20)),
    ]
    for changes in stages:
        doc = doc.but(**changes)
        yield doc


def _smaller_summary(doc: Doc, escape: Callable[[str], str]) -> Iterator[Doc]:
    for most in (80, 30, 0):
        yield doc.but(entries=tuple(replace(one, failure=shorten(one.failure, most)) for one in doc.entries))
    yield doc.but(entries=tuple(_shortest(one, escape) for one in doc.entries), lines=doc.lines[:1])


def _shortest(entry: Entry, escape: Callable[[str], str]) -> Entry:
    """Return *entry* as outcome and subject alone, in characters that are sure not to grow when written."""
    outcome, subject = entry.outcome, entry.subject
    while len(escape(outcome)) > _OUTCOME:
        outcome = shorten(outcome, len(outcome) - 1)
    while len(escape(subject)) > _SUBJECT:
        subject = shorten(subject, len(subject) - 1)
    return Entry(at="", head=f"{outcome} {subject}", outcome=outcome, subject=subject)


def _fewer(lines: tuple[str, ...], most: int) -> tuple[str, ...]:
    shown = tuple(shorten(line, 200) for line in lines[:most])
    return (*shown, f"and {len(lines) - most} more changes") if len(lines) > most else shown
