"""What a lane needs of the rest: its channel, the outbox, the facts, and somewhere to run blocking calls.

Not its business: any implementation; the composition root (``daemon``) passes them in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Protocol, TypeVar, TypeVarTuple

from watcher.model import Delivery, Event, Failed, Family, Message, Sent, Verdict
from watcher.render import Doc, Room
from watcher.store.history import Background
from watcher.store.outbox import Claim, Times

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Post(Protocol):
    """A channel that can be sent to.  Blocking; raises nothing for what a network or a server does."""

    @property
    def family(self) -> Family:
        """How it reads text."""

    @property
    def min_interval(self) -> float:
        """Seconds to leave between two messages."""

    @property
    def body_limit(self) -> int:
        """About how many characters of a body the service takes."""

    @property
    def limit_key(self) -> str:
        """Equal for channels that share a token, and so a pace."""

    def fits(self, message: Message) -> bool:
        """Return whether the service takes all of *message* in one piece; sends nothing."""

    def send(self, message: Message) -> Verdict:
        """Send one message."""

    def close(self) -> None:
        """Let go of connections."""


class Queue(Protocol):
    """What a lane needs of the outbox.  Each verb is one transaction."""

    def due_at(self, channel: str, subject: str | None) -> float | None:
        """Tell when the next message is due, if there is one."""

    def claim(self, channel: str, now: float, most: int, subject: str | None, burst: bool) -> Claim:  # noqa: FBT001
        """Take what is next and due, or tell when there will be something."""

    def thread(self, channel: str, subject: str) -> dict[str, str]:
        """Return what the receiver answered to the first message of a subject."""

    def sent(
        self, deliveries: Sequence[Delivery], verdict: Sent, began_at: float, now: float, following: Sequence[int]
    ) -> Claim:
        """Mark messages as delivered, and take the first of *following* that is still next."""

    def failed(self, deliveries: Sequence[Delivery], verdict: Failed, times: Times) -> list[Delivery]:
        """Put messages back; return those that are to be given up instead."""

    def put_back(self, deliveries: Sequence[Delivery]) -> None:
        """Let messages wait again that were claimed, but not tried."""

    def hurry(self, channel: str, now: float) -> None:
        """Try at once what waits after a failure."""

    def bury(self, deliveries: Sequence[Delivery], reason: str, now: float, tell: Sequence[str]) -> None:
        """Give messages up."""


class Archive(Protocol):
    """Where the facts of a message come from."""

    def story(self, event: Event) -> Background:
        """Return the event's job, its facts, the status and sub-tasks as they were, and the jobs of its scope."""


class Transact(Protocol):
    """Runs a verb where the database lives; a cancellation waits for it to end."""

    async def __call__(self, verb: Callable[[*Ts], T], *args: *Ts) -> T:
        """Return what ``verb(*args)`` returns."""


class InThread(Protocol):
    """Runs a blocking call of this lane in a worker thread; a cancellation abandons it."""

    async def __call__(self, call: Callable[[*Ts], T], *args: *Ts) -> T:
        """Return what ``call(*args)`` returns."""


@dataclass(slots=True)
class Pace:
    """When the next message may go: shared by the lanes whose channels share a token."""

    free_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How one channel wants to be told: the configuration's words.

    More than *burst* messages a minute are told in one (0: never); *template* writes a message in the place of the
    built-in text and raises TemplateMistake; *tell* names the channels that want to know of given-up messages.
    """

    burst: int = 0
    template: Callable[[Doc, Family, Room], Message] | None = None
    zone: tzinfo | None = UTC
    host: str = ""
    tell: Sequence[str] = ()
