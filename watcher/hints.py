"""One turn of a queue: receive, have the jobs that are named looked at, and delete what was dealt with.

A message only makes a job due; what happened, the look finds out.  It is deleted when that look is in the store, so a
crash in between costs a look more, and no news.  Not its business: the looks themselves (``sweep``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Protocol, TypeVar, TypeVarTuple

import anyio

from watcher.bedrock.eventbridge import job_of
from watcher.bedrock.queue import Letter
from watcher.doing import Cause, doing
from watcher.errors import LookError
from watcher.logs import Log
from watcher.model import JobArn

PATIENCE = 10.0
"""Seconds that a look is waited for; after that the message comes again, when the queue says so."""

_GLANCE = 0.1
_RETRY_FIRST, _RETRY_SLOWEST = 5.0, 120.0
_PAUSE = 1.0
"""Seconds before the next receive after one that brought nothing to look at, lest a queue of foreign messages spin."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Mailbox(Protocol):
    """What a queue must do."""

    async def receive(self) -> list[Letter]:
        """Return what is there, waiting for it a while; raises LookError."""

    async def delete(self, letter: Letter) -> None:
        """Take a message off; raises LookError."""


class Book(Protocol):
    """What the store must do."""

    def hint(self, arn: JobArn, name: str, now: float) -> int | None:
        """Make a watched job due, and return its number; None when it is not watched, or over."""

    def hinted(self, jobs: Mapping[int, float]) -> Mapping[int, bool]:
        """Return of each job that waits for no look any more whether it was looked at since then."""


class Transact(Protocol):
    """Runs a verb of the store in its thread."""

    def __call__(self, verb: Callable[[*Ts], T], *args: *Ts) -> Awaitable[T]:
        """Run it."""


async def _nothing() -> frozenset[str]:
    return frozenset()


class Hints:
    """The turns of one queue.  *failing* is why it cannot be read, if so.

    *on_hint* wakes whoever looks; *on_stranger* is called with a job that nobody watches, which a rule may be about;
    *set_aside* returns the keys of the messages that are in quarantine.
    """

    def __init__(  # noqa: PLR0913 - the composition root's one call
        self,
        name: str,
        mailbox: Mailbox,
        book: Book,
        transact: Transact,
        *,
        now: Callable[[], float],
        on_hint: Callable[[], None],
        on_stranger: Callable[[JobArn], None],
        log: Log,
        set_aside: Callable[[], Awaitable[frozenset[str]]] = _nothing,
    ) -> None:
        self.name, self._set_aside = name, set_aside
        self.failing: LookError | None = None
        self._mailbox, self._book, self._transact = mailbox, book, transact
        self._now, self._on_hint, self._on_stranger, self._log = now, on_hint, on_stranger, log
        self._failures = 0
        self._warned = False

    async def turn(self) -> float:
        """Take one; return when the next one is due (epoch seconds)."""
        try:
            letters = await self._mailbox.receive()
            dealt_with = await self._look(letters)
            for letter in dealt_with:
                await self._mailbox.delete(letter)
        except LookError as error:
            return self._fail(error)
        if self.failing:
            self._log.info("queue_works_again", queue=self.name)
        self.failing, self._failures = None, 0
        return self._now() + (0.0 if dealt_with or not letters else _PAUSE)

    async def _look(self, letters: list[Letter]) -> list[Letter]:
        """Have the jobs looked at that *letters* name; return those that are dealt with."""
        done: list[Letter] = []
        waiting: dict[int, list[Letter]] = {}
        began: dict[int, float] = {}
        set_aside = await self._set_aside() if letters else frozenset()
        for letter in letters:
            key = blake2b(letter.body.encode("utf-8", "replace"), digest_size=8).hexdigest()
            if key in set_aside:
                continue  # left to the queue, which gives it to its dead-letter queue
            with doing(Cause(f"reading a message of queue {self.name}", "message", key, f"SQS message {key}")):
                named = job_of(letter.body)
            if named is None:
                self._warn(letter)
                continue
            now = self._now()
            job = await self._transact(self._book.hint, named.arn, named.name, now)
            if job is None:
                self._on_stranger(named.arn)
                done.append(letter)  # it is nobody's here, or over: there is no look at it to wait for
                continue
            self._log.info("hint", queue=self.name, job=str(named.arn))
            waiting.setdefault(job, []).append(letter)
            began.setdefault(job, now)
        if began:
            self._on_hint()
        for job in await self._looked_at(began):
            done += waiting[job]
        return done

    async def _looked_at(self, began: dict[int, float]) -> list[int]:
        """Wait until the jobs have been looked at since then; return those of which that is recorded."""
        found: list[int] = []
        with anyio.move_on_after(PATIENCE):
            while began:
                settled = await self._transact(self._book.hinted, began)
                found += [job for job, looked in settled.items() if looked]
                began = {job: at for job, at in began.items() if job not in settled}
                if began:
                    await anyio.sleep(_GLANCE)
        return found

    def _warn(self, letter: Letter) -> None:
        if not self._warned:
            self._warned = True
            self._log.warning(
                "unknown_message",
                queue=self.name,
                begins=letter.body[:80],
                remedy="it is left to the queue's dead-letter queue, as others will be: send it only the events of"
                " bedrock-watch eventbridge-pattern",
            )

    def _fail(self, error: LookError) -> float:
        if not self.failing:
            self._log.warning("queue_failing", queue=self.name, error=error.what, remedy=error.remedy)
        self.failing = error
        self._failures += 1
        return self._now() + min(_RETRY_FIRST * 2.0 ** min(self._failures - 1, 10), _RETRY_SLOWEST)
