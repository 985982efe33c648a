"""Chooses, of the requests that one send took, the one whose answer decides what became of the message.

A send may sign in, look a room up, post and sign out.  Only the answer to the request that carried the message says
whether it was taken: the sign-out that follows a refusal succeeds.
Not its business: what the chosen answer means (``verdict``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from watcher.channels.answer import Answer
from watcher.model import Message

_START = 200
"""Characters of a title or body in which a word is looked for: services cut what is longer."""

_SHORTEST = 4
_UNWRITTEN = re.compile(r"[A-Za-z0-9]+")
"""Letters and digits that JSON, forms, URLs and HTML all write as they are."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request: its *answer*, or the *error* in its stead.

    *began*: a part of the request had left; *carries*: it held the message; *reads*: it was a GET or HEAD.
    """

    answer: Answer | None
    error: Exception | None
    began: bool
    carries: bool
    reads: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the server answered, with a 2xx."""
        return self.answer is not None and self.answer.accepts


def marks(message: Message) -> tuple[str, ...]:
    """Return words by which *message* is recognized in a request: the longest of its title and of its body."""
    words = (_UNWRITTEN.findall(text[:_START]) for text in (message.title, message.body))
    longest = (max(found, key=len, default="") for found in words)
    return tuple(word for word in longest if len(word) >= _SHORTEST)


def carries(words: Sequence[str], url: str, options: dict[str, Any]) -> bool:
    """Return whether a request holds one of *words*, in its address or its content."""
    contents = (options.get(name) for name in ("data", "json", "params", "files"))
    texts = [url, *(one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in contents if one)]
    return any(word in text for word in words for text in texts)


def decisive(exchanges: Sequence[Exchange], *, accepted: bool) -> Exchange:
    """Return the exchange that decides, of at least one; *accepted* is the plugin's opinion.

    That is the last one that carried the message.  When that succeeded, and the plugin is not content, or when none
    did, a failed one: the first that another try may help, else the first (Matrix registers after a failed login).
    """
    place = max((n for n, one in enumerate(exchanges) if one.carries), default=None)
    if place is not None and (accepted or not exchanges[place].succeeded):
        return exchanges[place]
    if accepted:
        return exchanges[-1]
    failed = [one for one in exchanges[place or 0 :] if not one.succeeded]
    if failed:
        return next((one for one in failed if one.answer is None or one.answer.is_temporary), failed[0])
    return exchanges[-1 if place is None else place]


def posted(exchanges: Sequence[Exchange], words: Sequence[str]) -> bool:
    """Return whether a message may have been in one of *exchanges*; *words* are those of ``marks``.

    A plugin that has only looked up whom to send to, and found nobody, has not sent it (Emby, Jellyfin).
    """
    return not words or not exchanges[-1].reads or any(one.carries for one in exchanges)
