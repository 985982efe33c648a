"""One turn of delivering: the next due message of one channel, rendered, sent, marked.

One channel is one lane; nothing that happens in one delays another.  *Then send, then mark*: a crash between the two
repeats a message, and says so.  Not its business: waiting between turns (``loop``), transports (``channels``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from typing import Protocol, TypeVar, TypeVarTuple

from watcher.bedrock.kind import MalformedResponse
from watcher.bedrock.kinds import KINDS
from watcher.clock import utc
from watcher.logs import Log
from watcher.model import Delivery, Event, Failed, Family, Job, Message, Sent, Snapshot, Step, Verdict
from watcher.policy import GIVE_UP_AFTER, retry_send
from watcher.render import Story, compose, write
from watcher.store.history import Record

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Post(Protocol):
    """A channel that can be sent to.  Blocking; raises nothing for what a network or a server does."""

    family: Family
    min_interval: float

    def send(self, message: Message) -> Verdict:
        """Send one message."""

    def close(self) -> None:
        """Let go of connections."""


class Queue(Protocol):
    """What a lane needs of the outbox.  Each verb is one transaction."""

    def claim(self, channel: str, now: float, subject: str | None = None) -> tuple[Delivery | None, float | None]:
        """Take the next due message, or tell when there will be one."""

    def sent(self, delivery: Delivery, verdict: Sent, now: float) -> None:
        """Mark a message as delivered."""

    def failed(self, delivery: Delivery, verdict: Failed, retry_at: float, give_up_before: float) -> bool:
        """Put a message back; return False when it is to be given up instead."""

    def bury(self, delivery: Delivery, reason: str, now: float, tell: Sequence[str]) -> None:
        """Give a message up."""


class Archive(Protocol):
    """Where the facts of a message come from."""

    def story(self, event: Event) -> tuple[Job | None, Record | None, str, tuple[Step, ...], tuple[str, ...]]:
        """Return the event's job, its facts, the status and sub-tasks as they were, and the jobs of its scope."""


class Transact(Protocol):
    """Runs a verb where the database lives; a cancellation waits for it to end."""

    async def __call__(self, verb: Callable[[*Ts], T], *args: *Ts) -> T:
        """Return what ``verb(*args)`` returns."""


class InThread(Protocol):
    """Runs a blocking call of this lane in a worker thread; a cancellation abandons it."""

    async def __call__(self, call: Callable[[*Ts], T], *args: *Ts) -> T:
        """Return what ``call(*args)`` returns."""


class Lane:
    """One channel's lane.  *open_post* is blocking and raises WatchError; it is called again after it failed.

    *tell* names the channels that want to know of given-up messages; *on_news* is called when they have one.
    """

    def __init__(  # noqa: PLR0913 - the composition root's one call
        self,
        channel: str,
        open_post: Callable[[], Post | Failed],
        queue: Queue,
        archive: Archive,
        transact: Transact,
        in_thread: InThread,
        *,
        now: Callable[[], float],
        luck: Callable[[], float],
        host: str,
        log: Log,
        on_news: Callable[[], None],
        tell: Sequence[str] = (),
        subject: str | None = None,
        zone: tzinfo | None = UTC,
    ) -> None:
        self.channel = channel
        self.tell = tell
        self._open_post, self._queue, self._archive = open_post, queue, archive
        self._transact, self._in_thread = transact, in_thread
        self._now, self._luck, self._host, self._log, self._on_news = now, luck, host, log, on_news
        self._subject, self._zone = subject, zone
        self._post: Post | None = None
        self.failing = False
        self._free_at = 0.0

    async def turn(self) -> float | None:
        """Send the next due message, if any; return when (epoch seconds) the next turn is, None: when there is news."""
        now = self._now()
        if now < self._free_at <= now + 60.0:
            return self._free_at
        delivery, due = await self._transact(self._queue.claim, self.channel, now, self._subject)
        if delivery is None:
            return due
        verdict = await self._send(delivery)
        await self._mark(delivery, verdict)
        self._free_at = self._now() + (self._post.min_interval if self._post else 0.0)
        return self._free_at

    async def close(self) -> None:
        """Let go of the channel's connections."""
        if self._post is not None:
            await self._in_thread(self._post.close)

    async def _send(self, delivery: Delivery) -> Verdict:
        if self._post is None:
            opened = await self._in_thread(self._open_post)
            if isinstance(opened, Failed):
                return opened
            self._post = opened
        told = await self._transact(self._archive.story, delivery.event)
        story = tell_story(delivery, told, self._now(), self._host, self._zone)
        return await self._in_thread(self._post.send, write(compose(story), self._post.family))

    async def _mark(self, delivery: Delivery, verdict: Verdict) -> None:
        now = self._now()
        if isinstance(verdict, Sent):
            await self._transact(self._queue.sent, delivery, verdict, now)
            if self.failing:
                self._log.info("channel_works_again", channel=self.channel)
            self.failing = False
            return
        if not self.failing:
            self._log.warning("channel_failing", channel=self.channel, error=verdict.reason, event_id=delivery.event.id)
        self.failing = True
        retry_at = now + retry_send(delivery.attempts, self._luck(), verdict.retry_after or 0.0)
        if not await self._transact(self._queue.failed, delivery, verdict, retry_at, now - GIVE_UP_AFTER):
            await self._transact(self._queue.bury, delivery, verdict.reason, now, self.tell)
            self._on_news()
            self._log.warning(
                "message_given_up", channel=self.channel, error=verdict.reason, event_id=delivery.event.id
            )


def tell_story(
    delivery: Delivery,
    told: tuple[Job | None, Record | None, str, tuple[Step, ...], tuple[str, ...]],
    now: float,
    host: str,
    zone: tzinfo | None,
) -> Story:
    """Return the Story of a delivery from what the archive told."""
    job, record, status, steps, in_scope = told
    return Story(
        event=delivery.event,
        now=utc(now),
        host=host,
        job=job,
        snapshot=_snapshot(job, record),
        status=status,
        steps=steps,
        uncertain=delivery.uncertain,
        revived=delivery.revived,
        jobs_in_scope=in_scope,
        zone=zone,
    )


def _snapshot(job: Job | None, record: Record | None) -> Snapshot | None:
    if job is None or record is None:
        return None
    try:
        return KINDS[job.kind].read(record.facts)
    except MalformedResponse:
        # Written by another version: the news itself is in the event, only the facts are missing.
        return None
