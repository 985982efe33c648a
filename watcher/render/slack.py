"""A Doc as Slack shows it: blocks, with what matters less in an attachment coloured by severity.

Slack may fold a long attachment ("Show more"), and never a block: hence what happened and why are blocks, the rest is
attached, as Slack advises for attachments.  ``text`` is what notifications show.
Not its business: threads and the envelope (``channels``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from watcher.model import Message
from watcher.render.colours import COLOURS
from watcher.render.escapes import fence, fitting, slack, slack_code, slack_text
from watcher.render.headline import PREFIX
from watcher.render.rows import in_words, symbol
from watcher.render.story import Doc, Entry, Link
from watcher.render.words import cut, shorten

# Slack, Block Kit reference: header block, section block, "Up to 50 blocks in each message".
HEADER, SECTION, FIELDS, FIELD, BLOCKS = 150, 3000, 10, 2000, 50

PAYLOAD = 12_000
"""A payload's characters at most: Slack refuses somewhat more with msg_blocks_too_long, without documenting where.

Source: the issue slackapi/bolt-js#2509, which measured about 13,200.
"""

_SHORT = 44
"""A fact of so many characters at most is shown in one of two columns."""


def write_slack(doc: Doc) -> Message:
    """Return *doc* as a payload of blocks; the body tells the same in mrkdwn, for what takes no blocks."""
    told = f"{doc.title}: {doc.gist}" if doc.gist else doc.title
    attachment = {"color": COLOURS[doc.severity], "blocks": list(_attached(doc))}
    payload: dict[str, Any] = {"text": slack_text(told), "blocks": list(_blocks(doc))}
    if attachment["blocks"]:
        payload["attachments"] = [attachment]
    return Message(doc.title, "\n\n".join(filter(None, _mrkdwn(doc))), doc.severity, payload=payload)


def _blocks(doc: Doc) -> Iterator[dict[str, Any]]:
    title = doc.title.removeprefix(PREFIX)
    yield {"type": "header", "text": {"type": "plain_text", "text": fitting(title, HEADER, slack), "emoji": False}}
    if doc.notices:
        yield _context(doc.notices)
    yield from _sections(map(slack_text, doc.lines))
    yield from _sections(map(_entry, doc.entries))
    if doc.failure:
        yield _section(fitting(doc.failure, SECTION, lambda text: fence(slack_code(text)), cut))
    if doc.advice:
        yield _section(f"*What to do:* {slack_text(doc.advice.text)} {_link(doc.advice.page)}")


def _attached(doc: Doc) -> Iterator[dict[str, Any]]:
    if doc.timeline:
        yield from _sections(_timeline(doc))
    short = [(name, value) for name, value in doc.facts if len(value) <= _SHORT]
    fields = [_mrkdwn_text(f"*{slack_text(name)}*\n{slack_text(value)}") for name, value in short]
    for start in range(0, len(fields), FIELDS):
        yield {"type": "section", "fields": fields[start : start + FIELDS]}
    yield from _sections(
        f"*{slack_text(name)}*  {slack_text(value)}" for name, value in doc.facts if len(value) > _SHORT
    )
    if doc.links:
        yield _section("  |  ".join(map(_link, doc.links)))
    if doc.footer:
        yield _context(doc.footer)


def _timeline(doc: Doc) -> Iterator[str]:
    yield f"*Sub-tasks* (times are {doc.timeline_zone})"
    for row in doc.timeline:
        yield f"{symbol(row)} *{slack_text(row.name)}*: {slack_text(in_words(row))}"


def _entry(entry: Entry) -> str:
    at = f"{entry.at}  " if entry.at else ""
    return f"{at}*{slack_text(entry.head)}*" + (f"\n>{slack_text(entry.failure)}" if entry.failure else "")


def _link(link: Link) -> str:
    return f"<{link.url.replace('&', '&amp;')}|{link.name}>"


def _sections(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield escaped *lines* in as few sections as hold them."""
    held: list[str] = []
    for line in lines:
        if held and sum(map(len, held)) + len(held) + len(line) > SECTION:
            yield _section("\n".join(held))
            held = []
        held.append(shorten(line, SECTION))
    if held:
        yield _section("\n".join(held))


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn_text(text)}


def _context(lines: Iterable[str]) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn_text(shorten("\n".join(map(slack_text, lines)), FIELD))]}


def _mrkdwn_text(text: str) -> dict[str, Any]:
    # verbatim: Slack makes no link or mention of what merely looks like one.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _mrkdwn(doc: Doc) -> Iterator[str]:
    yield from (f"*{slack_text(notice)}*" for notice in doc.notices)
    yield "\n".join(map(slack_text, doc.lines))
    yield "\n".join(map(_entry, doc.entries))
    if doc.failure:
        yield fence(slack_code(doc.failure))
    if doc.advice:
        yield f"*What to do:* {slack_text(doc.advice.text)} {_link(doc.advice.page)}"
    if doc.timeline:
        yield "\n".join(_timeline(doc))
    yield "\n".join(f"*{slack_text(name)}*  {slack_text(value)}" for name, value in doc.facts)
    yield "  |  ".join(map(_link, doc.links))
    yield "\n".join(map(slack_text, doc.footer))
