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

_SHORTENED = "shortened for this channel; the whole: bedrock-watch show"


def write(doc: Doc, family: Family, limit: int | None = None) -> Message:
    """Return *doc* as a message for a receiver of *family*.

    *limit* is how many characters its title and body may have together (None: any number).  What does not fit is
    left out by its weight: facts, then the timeline, then links, then the middle of the failureMessage.
    """
    for smaller in _smaller(doc, _ESCAPES[family]):
        message = _PRINTERS[family](smaller)
        if _fits(message, limit):
            break
    else:
        room = max((limit or len(message.body)) - len(message.title) - 2, 1)
        message = replace(message, body=shorten(message.body, room))
    return replace(message, conversation=doc.conversation, broadcast=doc.broadcast)


def most_events(family: Family, limit: int | None = None) -> int:
    """Return how many events one summary for *family* can surely name within *limit* characters (None: any)."""
    line = _OUTCOME + _SUBJECT + _MARKUP
    counts = [1000]
    if limit is not None:
        counts.append((limit - _FRAME) // line)
    if family is Family.SLACK:
        counts.append((PAYLOAD - 2 * _FRAME) // line)
    if family is Family.EMAIL:
        counts.append((HTML - _HTML_FRAME) // (line + _HTML_MARKUP))
    return max(min(counts), 1)


def _fits(message: Message, limit: int | None) -> bool:
    if limit is not None and len(message.title) + 2 + len(message.body) > limit:
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
    stages: tuple[dict[str, object], ...] = (
        {"lines": _fewer(doc.lines, 12)},
        {"facts": ()},
        {"timeline": ()},
        {"links": ()},
        {"failure": cut(doc.failure, 2000)},
        {"failure": cut(doc.failure, 1500)},
        {"failure": cut(doc.failure, 1000)},
        {"failure": cut(doc.failure, 600)},
        {"lines": _fewer(doc.lines, 4), "failure": cut(doc.failure, 300)},
        {"lines": (doc.gist,), "failure": "", "advice": None, "footer": doc.footer[-2:]},
    )
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
