"""A Doc in the markup of each family, with every text made harmless.

What each receiver does with hostile text was tried on the wire, and the tests keep it so.  Not its business: which
words (``compose``).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from watcher.model import Family, Message
from watcher.render.story import Doc

_ZERO_WIDTH = "\u200b"


def write(doc: Doc, family: Family) -> Message:
    """Return *doc* as a message for a receiver of *family*."""
    return _PRINTERS[family](doc)


def _plain(doc: Doc) -> Message:
    """Plain text, for mail, generic webhooks and everything that reads no markup."""
    parts = [*doc.notices, "\n".join(doc.lines)]
    if doc.failure:
        parts.append("failureMessage:\n" + _indented(doc.failure))
    parts += [_table(doc), _facts(doc), "\n".join(doc.footer)]
    return Message(doc.title, "\n\n".join(filter(None, parts)), doc.severity)


def _slack(doc: Doc) -> Message:
    """Slack's mrkdwn, which the channel passes on as it is; the title is escaped there."""
    return _marked_up(doc, lambda text: _unmarked(_entities(text)), lambda text: _fence(_entities(text)))


def _chat(doc: Doc) -> Message:
    """Markdown of Mattermost, Discord, Teams and their like, which put the title before the body as it is."""
    message = _marked_up(doc, _chat_text, lambda text: _fence(_unpinged(text)))
    return Message(_chat_text(doc.title), message.body, message.severity)


def _marked_up(doc: Doc, text: Callable[[str], str], fence: Callable[[str], str]) -> Message:
    parts = [*map(text, doc.notices), "\n".join(map(text, doc.lines))]
    if doc.failure:
        parts.append(fence(doc.failure))
    parts += [fence(block) for block in (_table(doc), _facts(doc)) if block]
    parts.append("\n".join(map(text, doc.footer)))
    return Message(doc.title, "\n\n".join(filter(None, parts)), doc.severity)


_PRINTERS: dict[Family, Callable[[Doc], Message]] = {
    Family.SLACK: _slack,
    Family.EMAIL: _plain,
    Family.CHAT: _chat,
    Family.JSON: _plain,
    Family.TEXT: _plain,
}


def _table(doc: Doc) -> str:
    """Return the timeline in columns; the running sub-task is marked."""
    rows = doc.timeline
    if not rows:
        return ""
    cells = [(("> " if row.current else "  ") + row.name, row.status, row.started, row.duration) for row in rows]
    widths = [max(len(cell[column]) for cell in cells) for column in range(4)]
    lines = ["  ".join(cell[column].ljust(widths[column]) for column in range(4)).rstrip() for cell in cells]
    return "\n".join([f"Sub-tasks (times are {doc.timeline_zone}):", *lines])


def _facts(doc: Doc) -> str:
    width = max((len(name) for name, _ in doc.facts), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in doc.facts)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _fence(text: str) -> str:
    """Return *text* in a code block, its runs of backticks broken so that it cannot leave it."""
    return "```\n" + re.sub("`(?=`)", "`" + _ZERO_WIDTH, text) + "\n```"


def _entities(text: str) -> str:
    """Return *text* with the three characters that make Slack's mentions and links as Slack wants them escaped.

    Source: Slack, "Formatting text for app surfaces", escaping text.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_MARKS = re.compile(r"(?<![A-Za-z0-9])[*_~`]|[*_~`](?![A-Za-z0-9])")


def _unmarked(text: str) -> str:
    """Return *text* shown as it is: a zero-width space keeps a mark from opening or closing bold, italics or code.

    Inside a word a mark does nothing, and is left alone, so that names can be copied.
    """
    return _MARKS.sub(lambda mark: _ZERO_WIDTH + mark.group() + _ZERO_WIDTH, text)


def _unpinged(text: str) -> str:
    """Return *text* with every @ and < parted from what follows: no person, role, channel, tag or link is made.

    In fences too: Teams reads its mentions there, and not every client knows fences.
    """
    return re.sub("([@<])", r"\1" + _ZERO_WIDTH, text).replace("](", f"]{_ZERO_WIDTH}(")


def _chat_text(text: str) -> str:
    """Return *text* for the chats: it pings nobody, links nothing, and is shown as it is."""
    return _unmarked(_unpinged(text))
