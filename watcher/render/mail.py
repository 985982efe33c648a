"""A Doc as a mail: a plain part and an HTML part, both written by us, both complete.

The HTML is what mail clients show alike: inline styles only, no pictures, no scripts, nothing remote.  No text and no
background has a colour of its own, so that a dark client may choose both.  Not its business: MIME, and which mails
are one conversation (``channels``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from watcher.model import Message
from watcher.render.colours import COLOURS
from watcher.render.escapes import html_text
from watcher.render.headline import PREFIX
from watcher.render.plain import write_plain
from watcher.render.rows import symbol
from watcher.render.story import Doc, Entry, Link, Row

HTML = 100_000
"""An HTML part's bytes at most: Gmail shows about 102 KB, and hides the rest behind a link."""

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.5"
_MONO = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;line-height:1.45"
_LINE = "1px solid #9aa0a6"  # seen on white and on black
_FAINT = "color:#767c85"  # 4.2:1 on white, 4.5:1 on #121212
_CELL = f"padding:4px 16px 4px 0;border-bottom:{_LINE};text-align:left;vertical-align:top"


def write_mail(doc: Doc) -> Message:
    """Return *doc* as plain text and, in ``html``, as a whole HTML document."""
    return replace(write_plain(doc), html=page(doc.title, doc.gist, "\n".join(_parts(doc)), COLOURS[doc.severity]))


def page(title: str, gist: str, inside: str, colour: str) -> str:
    """Return an HTML document around *inside*, which is HTML; *gist* is what an inbox shows beside the subject."""
    hidden = f'<div style="display:none;max-height:0;overflow:hidden">{html_text(gist)}</div>\n' if gist else ""
    return (
        '<!DOCTYPE html>\n<html lang="en" dir="ltr">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{html_text(title)}</title>\n</head>\n"
        f'<body style="margin:0;padding:16px;{_FONT}">\n{hidden}'
        f'<div style="max-width:720px;border-left:6px solid {colour};padding:0 0 0 16px">\n{inside}\n</div>\n'
        "</body>\n</html>\n"
    )


def _parts(doc: Doc) -> Iterator[str]:
    yield from (f'<p style="margin:0 0 12px"><b>{html_text(notice)}</b></p>' for notice in doc.notices)
    title = html_text(doc.title.removeprefix(PREFIX))
    yield f'<h1 style="margin:0 0 12px;font-size:19px;line-height:1.3">{title}</h1>'
    if doc.lines:
        yield _paragraph("<br>\n".join(map(html_text, doc.lines)))
    if doc.entries:
        yield "\n".join(map(_entry, doc.entries))
    if doc.failure:
        yield _failure(doc.failure)
    if doc.advice:
        yield _paragraph(f"<b>What to do:</b> {html_text(doc.advice.text)} {_link(doc.advice.page)}")
    if doc.timeline:
        yield _timeline(doc)
    if doc.facts:
        yield _facts(doc)
    if doc.links:
        yield _paragraph(" &nbsp; ".join(map(_link, doc.links)))
    footer = "<br>\n".join(map(html_text, doc.footer))
    yield f'<p style="margin:0;font-size:12px;{_FAINT}">{footer}</p>'


def _paragraph(inside: str) -> str:
    return f'<p style="margin:0 0 16px">{inside}</p>'


def _failure(text: str) -> str:
    style = f"margin:0 0 16px;padding:10px 12px;border:{_LINE};white-space:pre-wrap;word-break:break-word;{_MONO}"
    return f'<pre style="{style}">{html_text(text)}</pre>'


def _entry(entry: Entry) -> str:
    at = f'<span style="{_FAINT}">{html_text(entry.at)}</span> ' if entry.at else ""
    why = f"<br>{html_text(entry.failure)}" if entry.failure else ""
    return f'<p style="margin:0 0 8px">{at}<b>{html_text(entry.head)}</b>{why}</p>'


def _timeline(doc: Doc) -> str:
    heads = ("Sub-task", "State", f"Began ({doc.timeline_zone})", "Took")
    head = "".join(f'<th style="{_CELL};font-weight:normal;{_FAINT}">{html_text(name)}</th>' for name in heads)
    return _table(f"<tr>{head}</tr>\n" + "\n".join(map(_row, doc.timeline)))


def _row(row: Row) -> str:
    style = f"{_CELL};font-weight:bold" if row.current else _CELL
    lasted = f"{row.duration} so far" if row.current and row.duration else row.duration
    cells = (row.name, f"{symbol(row)}\u00a0{row.status}", row.started, lasted)
    return "<tr>" + "".join(f'<td style="{style}">{html_text(cell)}</td>' for cell in cells) + "</tr>"


def _facts(doc: Doc) -> str:
    name_style = f"{_CELL};{_FAINT};white-space:nowrap"
    value_style = f"{_CELL};word-break:break-word"
    return _table(
        "\n".join(
            f'<tr><td style="{name_style}">{html_text(name)}</td><td style="{value_style}">{html_text(value)}</td></tr>'
            for name, value in doc.facts
        )
    )


def _table(rows: str) -> str:
    style = "margin:0 0 16px;border-collapse:collapse;font-size:14px"
    return f'<table style="{style}">\n{rows}\n</table>'


def _link(link: Link) -> str:
    return f'<a href="{html_text(link.url)}">{html_text(link.name)}</a>'
