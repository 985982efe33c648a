"""Users' own titles and bodies: a template per channel, in Jinja's language, with hardly any logic.

A template may choose, repeat and format what it is given, and nothing else: it calls nothing, multiplies nothing,
loads nothing, and knows only the filters named here.  Every value that it inserts is made harmless for the family,
whatever filters it went through; the author's own text is left as it is.  An ``@`` or ``<`` of the author's in front
of a value makes no mention of it.
Not its business: where templates are configured, and what is sent when one fails (``deliver``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from watcher.errors import BadConfig
from watcher.model import Family, Message
from watcher.render.colours import COLOURS
from watcher.render.compose import compose
from watcher.render.escapes import ZERO_WIDTH, as_it_is, chat_code, html_text, slack_code, slack_text
from watcher.render.fit import Room, write
from watcher.render.mail import HTML, page
from watcher.render.payload import write_payload
from watcher.render.samples import sample
from watcher.render.slack import PAYLOAD
from watcher.render.story import Doc
from watcher.render.variables import variables
from watcher.render.words import clean, cut, shorten

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

TITLE = 150
"""A title's characters at most, when a user wrote it."""

_FILTERS = (
    *("capitalize", "count", "default", "first", "float", "int", "join", "last", "length", "list", "lower"),
    *("reject", "replace", "reverse", "round", "select", "sort", "title", "trim", "truncate", "unique", "upper"),
)
_SAMPLES = ("failed", "completed", "step", "watch_lost", "delivery_dead")
_CODES: dict[Family, Callable[[str], str]] = {Family.SLACK: slack_code, Family.CHAT: chat_code}
_CHUNKS = 20_000
_OPEN, _CLOSE = "\ue000", "\ue001"  # private use: they stand around values until the text is whole


class TemplateMistake(BadConfig):
    """A template cannot be used; *what* names the line and the problem."""


def check_template(text: str) -> None:
    """Raise TemplateMistake when *text* is not a template, or uses a name that is not offered.

    It is written for several made-up events, so that most mistakes are found before there is news.
    """
    from jinja2 import meta  # noqa: PLC0415 - only people with templates pay for the engine

    template = _compile(text)
    names = meta.find_undeclared_variables(template.environment.parse(text))
    when = datetime(2026, 11, 20, 11, 13, tzinfo=UTC)
    docs = [compose(sample(topic, when, "host")) for topic in _SAMPLES]
    if unknown := sorted(names - variables(docs[0]).keys()):
        raise TemplateMistake(
            f"template: unknown name {unknown[0]!r}", f"known: {', '.join(sorted(variables(docs[0])))}"
        )
    for doc in docs:
        _written(text, variables(doc), as_it_is)


def apply(title: str | None, body: str | None, doc: Doc, family: Family, room: Room = None) -> Message:
    """Return *doc* as ``write`` does, with the title and the body that the templates write; None: the built-in one.

    For Slack and the chats a body is in their markup, for mail it is plain text (and the HTML part shows it so), for
    JSON it is the member ``message``; the fields stay.  A summary is always in the built-in words: a template is
    written for one event.  Raises TemplateMistake; then ``write`` is what to send.
    """
    if doc.reason:
        return write(doc, family, room)
    given = variables(doc)
    if title is not None:
        doc = doc.but(title=shorten(clean(_written(title, given, as_it_is)), TITLE) or doc.title)
    message = write(doc, family, room)
    if body is None:
        return message
    told = _written(body, given, _CODES.get(family, as_it_is)).strip()
    return _with_body(message, told or message.body, doc, family, room)


def _with_body(message: Message, body: str, doc: Doc, family: Family, room: Room) -> Message:
    """Return *message* with a template's *body*, the middle of which is left out as far as *room* demands it."""
    most = len(body)
    message = replace(message, body=body)
    while most > 1 and not _has_room(message, room):
        most = most * 7 // 8
        message = replace(message, body=cut(body, most))
    body = message.body
    if family is Family.SLACK:
        shown = {"color": COLOURS[doc.severity], "text": shorten(body, PAYLOAD - 1000), "mrkdwn_in": ["text"]}
        message = replace(message, payload={"text": slack_text(doc.title), "attachments": [shown]})
    elif family is Family.EMAIL:
        inside = f'<div style="white-space:pre-wrap">{html_text(cut(body, HTML // 6))}</div>'
        message = replace(message, html=page(doc.title, "", inside, COLOURS[doc.severity]))
    elif family is Family.JSON:
        message = replace(message, payload={**(write_payload(doc).payload or {}), "message": body})
    return message


def _has_room(message: Message, room: Room) -> bool:
    if callable(room):
        return room(message)
    return room is None or len(message.title) + 2 + len(message.body) <= room


def _written(text: str, given: Mapping[str, Any], escape: Callable[[str], str]) -> str:
    """Return what the template *text* writes, its values escaped; raises TemplateMistake."""
    from jinja2 import TemplateError  # noqa: PLC0415

    template = _compile(text, escape)
    try:
        told = "".join(islice(template.generate(**given), _CHUNKS))
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise _mistake(error) from error
    told = re.sub(f"([@<!#&]){_OPEN}", r"\1" + ZERO_WIDTH, told) if escape is not as_it_is else told
    return clean(told.replace(_OPEN, "").replace(_CLOSE, ""), lines=True)


@lru_cache(maxsize=64)
def _compile(text: str, escape: Callable[[str], str] = as_it_is) -> Template:
    from jinja2 import TemplateError  # noqa: PLC0415

    try:
        return _environment(escape).from_string(text)
    except TemplateError as error:
        raise _mistake(error) from error


@lru_cache(maxsize=8)
def _environment(escape: Callable[[str], str]) -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined, Undefined  # noqa: PLC0415
    from jinja2.exceptions import SecurityError  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"*", "**", "%"})  # "x" * 10**9, "%999999999d" % 1

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401, ARG002
            raise SecurityError(f"the operator {operator!r} is not offered")

        def is_safe_callable(self, obj: Any) -> bool:  # noqa: ANN401, ARG002
            return False

    def finalize(value: object) -> str:
        if isinstance(value, Undefined):
            return str(value)  # StrictUndefined raises
        shown = clean(str(value), lines=True).replace(_OPEN, "").replace(_CLOSE, "")
        return f"{_OPEN}{escape(shown)}{_CLOSE}"

    sandbox = Sandbox(undefined=StrictUndefined, finalize=finalize, autoescape=False, keep_trailing_newline=True)
    sandbox.globals.clear()
    sandbox.filters = {name: sandbox.filters[name] for name in _FILTERS}
    return sandbox


def _mistake(error: Exception) -> TemplateMistake:
    """Return *error* as one that names its line: that of a syntax error, else the last one in the template itself."""
    line = getattr(error, "lineno", None)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f"template, line {line}" if line else "template"
    return TemplateMistake(f"{where}: {error}", "the names and filters that a template may use are in the README")
