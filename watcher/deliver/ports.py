"""The interfaces that a lane uses: channel, outbox, facts, and runners for blocking calls.

Not its business: any implementation; the composition root (``daemon``) passes them in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Protocol, TypeVar, TypeVarTuple

from watcher.model import Delivery, Event, Failed, Family, Message, Sent, Verdict
from watcher.policy import LONGEST_SEND_RETRY
from watcher.render import Doc, Room
from watcher.store.history import Background
from watcher.store.outbox import Claim
from watcher.store.outcomes import Times

LONGEST_PAUSE = 60.0
"""Seconds; a longer pause between two messages means that the clock was set back."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Post(Protocol):
    """A channel that can be sent to.  Blocking; raises nothing for what a network or a server does."""

    @property
    def family(self) -> Family:
        """The text format that it reads."""

    @property
    def min_interval(self) -> float:
        """Seconds to leave between two messages."""

    @property
    def body_limit(self) -> int:
        """About how many characters of a body the service takes."""

    @property
    def limit_key(self) -> str:
        """The rate-limit key; equal for channels that share a token."""

    def fits(self, message: Message) -> bool:
        """Return whether the service takes all of *message* in one piece; sends nothing."""

    def send(self, message: Message) -> Verdict:
        """Send one message."""

    def close(self) -> None:
        """Close connections."""


class Queue(Protocol):
    """What a lane needs of the outbox.  Each verb is one transaction."""

    def due_at(self, channel: str, subject: str | None) -> float | None:
        """Return when the next message is due, if there is one."""

    def claim(self, channel: str, now: float, most: int, subject: str | None, burst: bool) -> Claim:  # noqa: FBT001
        """Claim the next due messages, or return when the next one will be due."""

    def paused_until(self, channel: str) -> float:
        """Return until when the receiver asked for no requests, as stored; 0 if it did not."""

    def thread(self, channel: str, subject: str) -> dict[str, str]:
        """Return what the receiver answered to the first message of a subject."""

    def sent(
        self,
        deliveries: Sequence[Delivery],
        verdict: Sent,
        began_at: float,
        now: float,
        go_on: bool,  # noqa: FBT001
    ) -> Claim:
        """Mark messages as delivered; with *go_on* take the next one."""

    def failed(
        self, deliveries: Sequence[Delivery], verdict: Failed, times: Times, tell: Sequence[str]
    ) -> list[Delivery]:
        """Put messages back, or write that they failed permanently, which the channels *tell* get to know.

        Return the latter.
        """

    def put_back(self, deliveries: Sequence[Delivery]) -> None:
        """Release messages that were claimed but not tried."""

    def hurry(self, channel: str, now: float) -> None:
        """Retry at once messages that wait after a failure."""


class Archive(Protocol):
    """Source of the facts for a message."""

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
    """When the next message may go: shared by the lanes whose channels share a token.

    *paused_until* is what their receiver asked for.  Both are epoch seconds.
    """

    free_at: float = 0.0
    paused_until: float = 0.0

    def opens_at(self, now: float) -> float:
        """Return when the next message may go.  A pause longer than any is by a clock that was set back since."""
        free_at = self.free_at if self.free_at <= now + LONGEST_PAUSE else 0.0
        paused_until = self.paused_until if self.paused_until <= now + LONGEST_SEND_RETRY else 0.0
        return max(free_at, paused_until)

    def pause(self, now: float, seconds: float | None) -> float:
        """Pause for as long as the receiver asked, at most an hour; return until when, 0 for no pause."""
        if seconds is None or not seconds > 0:
            return 0.0
        until = now + min(seconds, LONGEST_SEND_RETRY)
        self.paused_until = max(self.paused_until if self.opens_at(now) > now else 0.0, until)
        return until


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
