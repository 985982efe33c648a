"""A Doc as plain text: for mail's plain part, a webhook's ``message``, and everything that reads no markup.

Not its business: control characters (``words.clean`` has removed them).
"""

from __future__ import annotations

from collections.abc import Iterator

from watcher.model import Message
from watcher.render.story import Doc, Entry


def write_plain(doc: Doc) -> Message:
    """Return *doc* as plain text."""
    return Message(doc.title, "\n\n".join(filter(None, _parts(doc))), doc.severity)


def _parts(doc: Doc) -> Iterator[str]:
    yield from doc.notices
    yield "\n".join(doc.lines)
    yield "\n".join(map(_entry, doc.entries))
    if doc.failure:
        yield "failureMessage:\n" + "\n".join(f"  {line}" for line in doc.failure.splitlines())
    if doc.advice:
        yield f"What to do: {doc.advice.text}\n  {doc.advice.page.url}"
    yield _timeline(doc)
    yield _columns(doc.facts)
    yield _columns((link.name, link.url) for link in doc.links)
    yield "\n".join(doc.footer)


def _entry(entry: Entry) -> str:
    head = f"{entry.at}  {entry.head}" if entry.at else entry.head
    return f"{head}\n    {entry.failure}" if entry.failure else head


def _timeline(doc: Doc) -> str:
    """Return the sub-tasks in columns; the running one is marked."""
    cells = [
        (("> " if row.current else "  ") + row.name, row.status, row.started, row.duration) for row in doc.timeline
    ]
    if not cells:
        return ""
    widths = [max(len(cell[column]) for cell in cells) for column in range(4)]
    lines = ["  ".join(cell[column].ljust(widths[column]) for column in range(4)).rstrip() for cell in cells]
    return "\n".join([f"Sub-tasks (times are {doc.timeline_zone}):", *lines])


def _columns(pairs: Iterator[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    rows = list(pairs)
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows)
