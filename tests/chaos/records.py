"""What the judge is given: histories, messages, looks, and what was done when.  Times are epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Steps = Mapping[str, tuple[str, str]]
"""Each sub-task's status, and when it last changed (as AWS writes it; empty when it has not begun)."""

Outcome = Literal["accepted", "refused", "uncertain"]
Ended = Literal["killed", "stopped", "by itself"]


@dataclass(frozen=True, slots=True)
class Era:
    """A stretch of a job's history in which nothing visible changes, from *begins* on."""

    status: str
    steps: Steps
    begins: float
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> tuple[str, dict[str, str]]:
        """The statuses alone: what is compared when news is looked for."""
        return self.status, {name: status for name, (status, _) in self.steps.items()}


@dataclass(frozen=True, slots=True)
class History:
    """What the simulator played of one job; *failure* is what AWS says of its failure."""

    name: str
    arn: str
    region: str
    eras: tuple[Era, ...]
    failure: str = ""

    def era_at(self, moment: float) -> int:
        """Return which era the job was in."""
        return max(sum(era.begins <= moment for era in self.eras) - 1, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """One change as it was told: *what* is a sub-task, ``Job``, or the dotted path of a field."""

    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Told:
    """One event as a receiver read it.

    *subject* is a job's name, or ``scope/...`` or ``channel/...``.  *changes* is None where only a headline was told
    (an entry of a summary in plain text); *since* is when a watch was lost or a gap began,
    *until* when that gap ended, *cause* why, *at* when the event was observed (by the daemon's own clock).  *steps* and
    *status* are as the message has them, *kinds* the event's names; both are of the JSON webhook alone.
    """

    event: int
    subject: str
    headline: str
    changes: tuple[Change, ...] | None = None
    failure: str = ""
    repeat: bool = False
    late: bool = False
    status: str = ""
    steps: Steps | None = None
    kinds: frozenset[str] = frozenset()
    since: float = 0.0
    at: float = 0.0
    until: float = 0.0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that a receiver was handed, whole; *garbled* says what in it could not be read."""

    channel: str
    began: float
    outcome: Outcome
    told: tuple[Told, ...] = ()
    garbled: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One request that the endpoint got; *job* is empty for a List, *fault* for a good answer."""

    at: float
    region: str
    job: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that was so for a while: *what* (``disk``, ``lock``, ``stopped``, a fault), *about* whom."""

    what: str
    begin: float
    end: float
    about: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """A daemon process, from its start to its end; *ended* says how."""

    begin: float
    end: float
    ended: Ended = "killed"


@dataclass(frozen=True, slots=True)
class Wish:
    """A channel: which events it asked for, and whether it was there all the time."""

    on: frozenset[str]
    always: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the judge is given.  *clock* are the seconds by which the daemon's clock was ever moved."""

    histories: tuple[History, ...]
    messages: tuple[Message, ...]
    looks: tuple[Look, ...] = ()
    lives: tuple[Life, ...] = ()
    spans: tuple[Span, ...] = ()
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    clock: tuple[float, ...] = (0.0,)
