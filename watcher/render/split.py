"""A summary that names all its events, or as many of the first ones as one message has room for.

Not its business: when messages are put together (``policy``), and what becomes of the rest (``deliver``).
"""

from __future__ import annotations

from collections.abc import Sequence

from watcher.model import Family, Message
from watcher.render.fit import Room, attempt
from watcher.render.story import Story
from watcher.render.summary import Reason, compose_summary


def write_summary(stories: Sequence[Story], reason: Reason, family: Family, room: Room) -> tuple[Message, int] | None:
    """Return one message about the first of *stories*, in order, and how many it names: all, if that fits *room*.

    None: not even two fit, so the first one is better sent as a message of its own.
    """
    known: dict[int, Message] = {}
    low, high = 1, len(stories) + 1  # low fits or is one, high does not
    count = len(stories)
    while count > low:
        message, fit = attempt(compose_summary(stories[:count], reason), family, room)
        if fit:
            known[count] = message
            low = count
        else:
            high = count
        count = (low + high) // 2
    return (known[low], low) if low > 1 else None
