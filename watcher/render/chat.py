"""A Doc in the markdown of Mattermost, Discord, Teams and their like, which put the title before the body as it is.

Lists rather than tables: Discord has none, Teams no code blocks, and phones wrap both badly.
Not its business: colour, which the channel gives where the service has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from watcher.model import Message
from watcher.render.escapes import chat_code, chat_text, fence
from watcher.render.rows import in_words, symbol
from watcher.render.story import Doc, Entry, Link


def write_chat(doc: Doc) -> Message:
    """Return *doc* as markdown in which no text but ours is markup."""
    return Message(chat_text(doc.title), "\n\n".join(filter(None, _parts(doc))), doc.severity)


def _parts(doc: Doc) -> Iterator[str]:
    yield from (f"**{chat_text(notice)}**" for notice in doc.notices)
    yield _list([chat_text(line) for line in doc.lines])
    yield "\n".join(map(_entry, doc.entries))
    if doc.failure:
        yield fence(chat_code(doc.failure))
    if doc.advice:
        yield f"**What to do:** {chat_text(doc.advice.text)} {_link(doc.advice.page)}"
    if doc.timeline:
        rows = [f"- {symbol(row)} **{chat_text(row.name)}**: {chat_text(in_words(row))}" for row in doc.timeline]
        yield "\n".join([f"Sub-tasks (times are {doc.timeline_zone}):", *rows])
    yield "\n".join(f"- **{chat_text(name)}**: {chat_text(value)}" for name, value in doc.facts)
    yield ", ".join(map(_link, doc.links))
    yield "\n".join(map(chat_text, doc.footer))


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) if len(lines) > 1 else "\n".join(lines)


def _entry(entry: Entry) -> str:
    at = f"{chat_text(entry.at)} " if entry.at else ""
    line = f"- {at}{chat_text(entry.head)}"
    return f"{line}: {chat_text(entry.failure)}" if entry.failure else line


def _link(link: Link) -> str:
    return f"[{link.name}]({link.url})"
