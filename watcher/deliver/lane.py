"""One delivery cycle: the next due message of one channel, rendered, sent, marked.

One channel is one lane; nothing that happens in one delays another.  *Then send, then mark*: a crash between the two
repeats a message, and says so.  Not its business: waiting between turns (``loop``), transports (``channels``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from watcher.deliver.ports import Archive, InThread, Manner, Pace, Post, Queue, Transact
from watcher.deliver.words import tell_story, unworded
from watcher.doing import Cause, doing
from watcher.logs import Log
from watcher.model import Delivery, Failed, Family, Message, Sent, Verdict
from watcher.policy import Running, retry_send
from watcher.render import Doc, Story, TemplateMistake, compose, most_events, write, write_summary
from watcher.store.outbox import BURST, Claim
from watcher.store.outcomes import Times

_UNWORDED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

BETWEEN_SUMMARIES = 15.0
"""Seconds between two summaries in a burst."""

BETWEEN_FULL = 3.0
"""Seconds after a full summary, because waiting would add nothing.  Telegram takes 20 messages a minute in a group."""

FAIRNESS = 0.05
"""Seconds by which a lane that has just sent yields to the others with the same rate limit."""

LONGEST_RUN = 1.0
"""Seconds for which one cycle keeps sending if there is no rate limit."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one send carries: the deliveries of *claim*, in one message; *is_full*: it has room for no more."""

    claim: Claim
    message: Message | None = None
    is_full: bool = False


class Lane:
    """One channel's lane.  *open_post* is blocking; when it fails it is called again for the next message.

    *pace_of* returns the pace that an open channel keeps; *on_news* is called when other channels have messages.
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
        manner: Manner,
        pace_of: Callable[[str], Pace],
        now: Callable[[], float],
        luck: Callable[[], float],
        log: Log,
        on_news: Callable[[], None],
        running: Callable[[], Running | None] = lambda: None,
        subject: str | None = None,
    ) -> None:
        self.channel = channel
        self.failing = False
        self._open_post, self._queue, self._archive = open_post, queue, archive
        self._transact, self._in_thread = transact, in_thread
        self._manner, self._pace_of = manner, pace_of
        self._now, self._luck, self._log, self._on_news = now, luck, log, on_news
        self._running, self._subject = running, subject
        self._post: Post | None = None
        self._pace = Pace()
        self._recent: deque[float] = deque()
        self._template_told = self._reopen = False
        self._failed_permanently = 0

    def reconfigure(self, manner: Manner, open_post: Callable[[], Post | Failed] | None = None) -> None:
        """Apply new delivery settings; with *open_post* the channel is reopened before the next message."""
        self._manner, self._template_told = manner, False
        if open_post is not None:
            self._open_post, self._reopen = open_post, True

    def leave(self) -> None:
        """Stop after the message being sent."""
        self._reopen = True

    async def turn(self) -> float | None:
        """Send what is due next; return when (epoch seconds) the next turn is, None: when there is news."""
        now, refusal = self._now(), None
        if self._reopen:
            self._reopen = False
            await self.close()
        if self._post is None:
            due = await self._transact(self._queue.due_at, self.channel, self._subject)
            if due is None or due > now:
                return due
            refusal = await self._open()
        if (opens_at := self._pace.opens_at(now)) > now:
            return opens_at
        # Taken before anything is awaited: lanes that share a pace must not take the same moment.
        self._pace.free_at = now + (self._post.min_interval if self._post else 0.0)
        burst = self._is_bursting(now)
        claim = await self._transact(self._queue.claim, self.channel, now, self._together(), self._subject, burst)
        if not claim.deliveries:
            self._pace.free_at = now
            return claim.due_at
        began = now
        while claim.deliveries:
            with doing(_cause(claim)):
                letter = Letter(claim) if refusal else await self._worded(claim)
                verdict, claim = refusal or await self._send(letter), letter.claim
            self._recent.append(began)
            if claim.fold == BURST:
                pause = BETWEEN_FULL if letter.is_full else BETWEEN_SUMMARIES
                self._pace.free_at = max(self._pace.free_at, self._now() + pause)
            claim = await self._mark(claim, verdict, began, go_on=self._may_go_on(now))
            began = self._now()
        # Whoever waits for the same pace goes first.
        opens_at = self._pace.opens_at(self._now())
        return opens_at + (FAIRNESS if opens_at > now else 0.0)

    async def close(self) -> None:
        """Close the channel's connections."""
        post, self._post = self._post, None
        if post is not None:
            await self._in_thread(post.close)

    def _is_bursting(self, now: float) -> bool:
        while self._recent and not now - 60.0 < self._recent[0] <= now:
            self._recent.popleft()
        return 0 < self._manner.burst <= len(self._recent)

    def _may_go_on(self, since: float) -> bool:
        """Return whether another message may follow in the turn that began at *since*."""
        now = self._now()
        paced = self._post is None or self._post.min_interval > 0
        return not (paced or self._reopen or self._is_bursting(now)) and since <= now < since + LONGEST_RUN

    def _together(self) -> int:
        """Return about how many messages one summary can name here."""
        post = self._post
        return 1 if post is None else most_events(post.family, post.body_limit)

    async def _open(self) -> Failed | None:
        opened = await self._in_thread(self._open_post)
        if isinstance(opened, Failed):
            return opened
        self._post, self._pace = opened, self._pace_of(opened.limit_key)
        paused_until = await self._transact(self._queue.paused_until, self.channel)
        self._pace.paused_until = max(self._pace.paused_until, paused_until)
        return None

    async def _send(self, letter: Letter) -> Verdict:
        post = self._post
        assert post is not None  # noqa: S101 - turn() has opened it
        assert letter.message is not None  # noqa: S101 - it was worded
        return await self._in_thread(post.send, letter.message)

    async def _worded(self, claim: Claim) -> Letter:
        """Return the message for as much of *claim* as one message has room for.

        The rest goes back to the queue before anything is sent: a crash marks as a possible repeat what was in flight.
        """
        post = self._post
        assert post is not None  # noqa: S101 - turn() has opened it
        stories = [await self._story(delivery) for delivery in claim.deliveries]
        message, count = await self._message(post, claim, stories)
        full = len(claim.deliveries) >= self._together()
        if rest := claim.deliveries[count:]:
            await self._transact(self._queue.put_back, rest)
            claim, full = replace(claim, deliveries=claim.deliveries[:count]), True
        return Letter(claim, message, full)

    async def _story(self, delivery: Delivery) -> Story:
        told = await self._transact(self._archive.story, delivery.event)
        return tell_story(delivery, told, self._now(), self._manner)

    async def _message(self, post: Post, claim: Claim, stories: Sequence[Story]) -> tuple[Message, int]:
        """Return a message about the first of *stories*, and about how many of them it is."""
        try:
            message, count = await self._in_thread(self._composed, post, claim, stories)
        except _UNWORDED as error:
            # Our bug, or facts that nobody has thought of: the news must arrive all the same, and hold up nothing.
            events = ", ".join(str(story.event.id) for story in stories)
            self._log.warning("message_unworded", channel=self.channel, events=events, error=repr(error))
            return unworded(events), len(stories)
        if post.family is not Family.SLACK or count > 1:
            return message, count
        thread = await self._transact(self._queue.thread, self.channel, stories[0].event.subject)
        return replace(message, thread=thread), count

    def _composed(self, post: Post, claim: Claim, stories: Sequence[Story]) -> tuple[Message, int]:
        if claim.fold and (summary := write_summary(stories, claim.fold, post.family, post.fits)):
            return summary
        return self._written(compose(stories[0]), post), 1

    def _written(self, doc: Doc, post: Post) -> Message:
        if self._manner.template is None:
            return write(doc, post.family, post.fits)
        try:
            return self._manner.template(doc, post.family, post.fits)
        except TemplateMistake as mistake:
            if not self._template_told:
                self._log.warning("template_failed", channel=self.channel, error=mistake.what)
            self._template_told = True
            return write(doc, post.family, post.fits)

    async def _mark(self, claim: Claim, verdict: Verdict, began: float, *, go_on: bool) -> Claim:
        """Record the result of a send; with *go_on*, return what to send next."""
        if isinstance(verdict, Sent):
            return await self._mark_sent(claim, verdict, began, go_on=go_on)
        now, deliveries = self._now(), claim.deliveries
        if not self.failing:
            event = deliveries[0].event.id
            self._log.warning("channel_failing", channel=self.channel, error=verdict.reason, event_id=event)
        self.failing = True
        paused_until = self._pace.pause(now, verdict.retry_after)
        retry_at = max(now + retry_send(deliveries[0].attempts, self._luck()), paused_until)
        times = Times(began, now, retry_at, self._running(), paused_until)
        over = await self._transact(self._queue.failed, deliveries, verdict, times, self._manner.tell)
        if over:
            self._on_news()
            if not self._failed_permanently:  # once per outage; the sum is logged at its end
                self._log.warning("messages_given_up", channel=self.channel, count=len(over), error=verdict.reason)
            self._failed_permanently += len(over)
        return Claim()

    async def _mark_sent(self, claim: Claim, verdict: Sent, began: float, *, go_on: bool) -> Claim:
        now = self._now()
        go_on = go_on and not self.failing and not claim.fold and self._subject is None
        claim = await self._transact(self._queue.sent, claim.deliveries, verdict, began, now, go_on)
        if self.failing:
            await self._transact(self._queue.hurry, self.channel, now)
        if self.failing or claim.requeued:
            self._log.info(
                "channel_works_again",
                channel=self.channel,
                given_up=self._failed_permanently,
                requeued=claim.requeued,
            )
        self.failing, self._failed_permanently = False, 0
        return claim


def _cause(claim: Claim) -> Cause:
    """Return the cause to record if rendering or sending the messages of *claim* crashes."""
    keys = ",".join(str(delivery.id) for delivery in claim.deliveries)
    title = f"message {keys} for channel {claim.deliveries[0].channel}"
    return Cause(f"sending {title}", "delivery", keys, title)
