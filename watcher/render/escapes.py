"""Text that nobody vouches for, made harmless for each family: it pings no one, injects nothing, loses no word.

What is given has been through ``words.clean``: no control character, no mark that turns text around.  What each
receiver does with hostile text was tried on the wire, and the tests keep it so.  Not its business: what is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from watcher.render.words import shorten

ZERO_WIDTH = "\u200b"


def slack(text: str) -> str:
    """Return *text* with the three characters that make Slack's mentions and links as Slack wants them escaped.

    Source: Slack, "Formatting text for app surfaces", escaping text.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_SLACK_MARKS = re.compile(r"(?<![A-Za-z0-9])[*_~`]|[*_~`](?![A-Za-z0-9])")


def slack_text(text: str) -> str:
    """Return *text* for Slack's mrkdwn, shown as it is: no mark opens or closes bold, italics or code.

    Inside a word a mark does nothing there, and is left alone, so that names can be copied.
    """
    return _SLACK_MARKS.sub(lambda mark: ZERO_WIDTH + mark.group() + ZERO_WIDTH, slack(text))


def slack_code(text: str) -> str:
    """Return *text* for the inside of a code block in Slack."""
    return _unfenced(slack(text))


_PINGS = re.compile("([@<])")
_CHAT_SLASH = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_CHAT_MARKS = re.compile(r"[*`~]|_(?=_)|(?<=_)_|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\|(?=\|)|(?<=\|)\|")
_CHAT_LINE = re.compile(r"^(?=[#>+-])", re.MULTILINE)


def chat_code(text: str) -> str:
    """Return *text* for the inside of a code block in the chats: no person, role, tag or link is made.

    In code too: Teams reads its mentions there, and not every client knows code blocks.
    """
    return _unfenced(_PINGS.sub(r"\1" + ZERO_WIDTH, text).replace("](", f"]{ZERO_WIDTH}("))


def chat_text(text: str) -> str:
    """Return *text* for the chats' markdown, shown as it is: no mention, link, emphasis, spoiler, heading or list.

    A zero-width space does not keep CommonMark from seeing emphasis (it is no white space there): marks are escaped
    by a backslash, where they could matter, so that most names can still be copied.
    """
    text = _PINGS.sub(r"\1" + ZERO_WIDTH, _CHAT_SLASH.sub(r"\\\\", text)).replace("](", f"]{ZERO_WIDTH}(")
    return _CHAT_LINE.sub(r"\\", _CHAT_MARKS.sub(lambda mark: "\\" + mark.group(), text))


def html_text(text: str) -> str:
    """Return *text* for an element or a quoted attribute of HTML."""
    return escape(text)


def as_it_is(text: str) -> str:
    """Return *text*: what is read as plain text needs no escape."""
    return text


def fence(text: str) -> str:
    """Return escaped *text* in a code block of markdown or mrkdwn."""
    return f"```\n{text}\n```"


def fitting(text: str, most: int, dress: Callable[[str], str], trim: Callable[[str, int], str] = shorten) -> str:
    """Return ``dress(text)`` in at most *most* characters; what is left out, *trim* leaves out before dressing."""
    room = min(len(text), most)
    while len(dressed := dress(trim(text, room))) > most and room > 1:
        room = max(min(room - 1, room * most // len(dressed)), 1)
    return dressed


def _unfenced(text: str) -> str:
    """Return *text* with its runs of backticks broken, so that it cannot leave a code block."""
    return re.sub("`(?=`)", "`" + ZERO_WIDTH, text)
