"""What the receivers have in common: a mood, and a record of all that they were handed.

Not its business: any protocol (``receivers``).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chaos.heard import Unreadable
from chaos.records import Message, Outcome, Told

PAUSE = 1.2
"""Seconds that a receiver takes which is slow, or makes up its mind."""

GLANCE = 0.05


class Mood(StrEnum):
    """How a receiver behaves for a while."""

    WELL = "well"
    SLOW = "slow"  # takes the message, and answers after a while
    HESITANT = "hesitant"  # after a while takes the message, if whoever sends it is still there
    BUSY = "busy"  # 5xx, 429, 4yz: try again
    REFUSING = "refusing"  # 4xx, 5yz: never again
    DROPPING = "dropping"  # takes the message, and drops the connection
    TRICKLING = "trickling"  # takes the message, and answers a byte now and then
    HANGING = "hanging"  # takes the message, and never answers
    DEAF = "deaf"  # accepts the connection, and reads nothing
    DOWN = "down"  # nobody listens
    EARLY = "early"  # takes the message, and answers 103 (Early Hints) before 200
    EARLY_BUSY = "early busy"  # answers 103 before 503
    UNREADABLE = "unreadable"  # takes the message, and answers 200 with a body that cannot be read
    REFUSING_INSIDE = "refusing inside"  # refuses in the body of a 200
    MONSTROUS = "monstrous"  # refuses for now, with a body made to hurt
    ODD_PAUSE = "odd pause"  # refuses for now, with a Retry-After that is none
    DRIPPING = "dripping"  # the proxy on the way answers a byte now and then


COMMON = (
    *(Mood.SLOW, Mood.HESITANT, Mood.BUSY, Mood.REFUSING, Mood.DROPPING),
    *(Mood.TRICKLING, Mood.HANGING, Mood.DEAF, Mood.DOWN, Mood.MONSTROUS),
)
"""The moods of every receiver."""

OF_THE_WEB = (*COMMON, Mood.EARLY, Mood.EARLY_BUSY, Mood.UNREADABLE, Mood.ODD_PAUSE)
"""The moods of a receiver that speaks HTTP."""

OF_SLACK = (*OF_THE_WEB, Mood.REFUSING_INSIDE, Mood.DRIPPING)
"""The moods of Slack, which refuses in its own words, and stands behind a proxy."""

LEFT_OPEN = frozenset({Mood.DROPPING, Mood.TRICKLING, Mood.HANGING})
"""The moods in which a message arrives and its sender cannot know."""


@dataclass
class Inbox:
    """One channel's receiver.  *read* tells what a message says; *change* is told of each new mood."""

    channel: str
    read: Callable[[Any], tuple[Told, ...]]
    mood: Mood = Mood.WELL
    messages: list[Message] = field(default_factory=list)
    tries: int = 0
    holding: int = 0
    luck: random.Random = field(default_factory=random.Random)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def held(self) -> Iterator[Mood]:
        """Be in the middle of a message; yield the mood that it meets."""
        with self._lock:
            self.holding += 1
            self.tries += 1
        try:
            yield self.mood
        finally:
            with self._lock:
                self.holding -= 1

    def keep(self, content: Any, began: float, outcome: Outcome) -> None:
        """Put a message that has arrived on record."""
        try:
            told = self.read(content)
        except Unreadable as error:
            self.messages.append(Message(self.channel, began, outcome, garbled=str(error)))
        else:
            self.messages.append(Message(self.channel, began, outcome, told))

    def wait_while(self, mood: Mood) -> None:
        """Return when the mood is another one."""
        while self.mood is mood:
            time.sleep(GLANCE)
