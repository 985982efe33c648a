"""Something that cannot be looked at, or looked with: told once, tried by one at a time, found again for all.

An account's credentials are one, however many regions and kinds of jobs it has; a scope is one, however many jobs; and
so is the finding of new jobs in it.  Not its business: what is wrong (``bedrock.faults``), and whose fault an error is
(``sweep.group``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import anyio

from watcher.clock import utc
from watcher.errors import WRONG_ACCOUNT, LookError
from watcher.logs import Log
from watcher.model import Posting, Transition, WatchRegained
from watcher.policy import SLOWEST_RETRY, Traits, post, topics
from watcher.store.ledger import Scope
from watcher.sweep.decide import Circumstances, scope_miss
from watcher.sweep.edges import Book, Transact
from watcher.sweep.turn import scope_after

_PROBING = 5.0
"""Seconds until a group asks again whether another one's try has worked; it is woken when it has."""


class Outage:
    """Whether those who share it can look, and what is told when they cannot.

    *traits* are those of the jobs to tell of, *wake* is called when looking works again, *on_news* after each commit
    that queued messages; *words* are the log's: what the key is of, and how the trouble begins and ends.

    Others may have the same credentials: jobs given by name, whose account nobody is sure of, or with a profile that is
    their account's anyway.  *elders* are those that tell in this one's place, *youngers* those in whose place it tells.
    """

    def __init__(  # noqa: PLR0913 - the composition root's one call
        self,
        key: str,
        book: Book,
        transact: Transact,
        *,
        traits: Callable[[], Awaitable[Sequence[Traits]]],
        now: Callable[[], float],
        on_news: Callable[[], None],
        log: Log,
        words: tuple[str, str, str] = ("scope", "scope_failing", "scope_works_again"),
        wake: Callable[[], None] = lambda: None,
        elders: Callable[[], Sequence[Outage]] = tuple,
        youngers: Callable[[], Sequence[Outage]] = tuple,
    ) -> None:
        self.key = key
        self.traits = traits
        self._book, self._transact = book, transact
        self._now, self._wake, self._on_news, self._log, self._words = now, wake, on_news, log, words
        self._elders, self._youngers = elders, youngers
        self._scope: Scope | None = None
        self._read = self._quiet = False
        self._missed_at = 0.0
        self._trying = False
        self._lock = anyio.Lock()

    @property
    def lost(self) -> bool:
        """Whether looking does not work."""
        return self._scope is not None

    def waits(self, now: float) -> bool:
        """Return whether it does not work, and it is not yet time to try again."""
        # A later time means that the clock was set back.
        return self._scope is not None and now < self._scope.next_poll_at <= now + 2 * SLOWEST_RETRY

    def opens_at(self) -> float:
        """Return when it may be tried again (epoch seconds); 0 when nothing is wrong."""
        if self._scope is None:
            return 0.0
        return self._now() + _PROBING if self._trying else self._scope.next_poll_at

    def try_again(self) -> None:
        """Let the next group try at once: something was changed that may help."""
        self._missed_at = 0.0
        if self._scope is not None:
            self._scope = replace(self._scope, next_poll_at=0.0)

    async def load(self) -> None:
        """Read what an earlier process knew."""
        if not self._read:
            async with self._lock:
                if not self._read:
                    self._scope, self._read = await self._transact(self._book.scope, self.key), True
                    self._quiet = self.lost and await self._is_spoken_for(self.code)

    @contextmanager
    def entered(self, *, asked: bool) -> Iterator[bool]:
        """Give whether a group may look now: any may, unless that does not work; then one at a time tries.

        *asked*: somebody waits for the answer.
        """
        if self._scope is None:
            yield True
            return
        if self._trying or (self.waits(self._now()) and not asked):
            yield False
            return
        self._trying = True
        try:
            yield True
        finally:
            self._trying = False

    async def miss(self, how: Circumstances, error: LookError, began: float) -> None:
        """Write that a turn that *began* then could not look; told when that has lasted."""
        async with self._lock:
            if began <= self._missed_at:
                return  # another group has written the same trouble meanwhile
            now, before = self._now(), self._scope
            if before is None or not before.blind_since:
                self._quiet = await self._is_spoken_for(error.code)
            state = scope_miss(how, before, error, now)
            state = replace(state, postings=await self._address(how, state.transitions, error.code, now))
            await self._transact(self._book.scope_missed, self.key, state, now)
            if before is None:
                subject, failing, _ = self._words
                self._log.warning(failing, **{subject: self.key, "error": error.what, "remedy": error.remedy})
            self._scope, self._missed_at = scope_after(self.key, before, state, now), now
            self._tell(state.transitions, state.postings)

    async def works(self, how: Circumstances, began: float) -> None:
        """Write that a turn that *began* then could look; told if the loss had been told."""
        if self._scope is None:
            return
        async with self._lock:
            if self._scope is None or began <= self._missed_at:
                return
            now = self._now()
            transitions: tuple[Transition, ...] = ()
            if self._scope.blind_since:
                transitions = (WatchRegained(utc(self._scope.failing_since)),)
            postings = await self._address(how, transitions, self.code, now)
            await self._transact(self._book.scope_regained, self.key, now, transitions, postings)
            subject, _, works_again = self._words
            self._log.info(works_again, **{subject: self.key})
            self._scope = None
            self._tell(transitions, postings)
        self._wake()

    @property
    def code(self) -> str:
        """What AWS, or the SDK, called the last error."""
        return LookError.load(self._scope.last_error).code if self._scope else ""

    async def _is_spoken_for(self, code: str) -> bool:
        """Return whether another one, which has the same trouble, tells of it."""
        elders = self._elders()
        for elder in elders:
            await elder.load()
        return any(elder.lost and elder.code == code for elder in elders)

    async def _address(
        self, how: Circumstances, news: tuple[Transition, ...], code: str, now: float
    ) -> tuple[Posting, ...]:
        """Return the messages that *news* of a trouble of that *code* makes."""
        if self._quiet or not news:
            return ()
        youngers = () if code == WRONG_ACCOUNT else self._youngers()  # theirs is none of the others' business
        traits = [traits for one in (self, *youngers) for traits in await one.traits()]
        return post(news, traits, how.routes, utc(now))

    def _tell(self, transitions: tuple[Transition, ...], postings: tuple[Posting, ...]) -> None:
        if names := sorted(topics(transitions)):
            told = ", ".join(posting.channel for posting in postings)
            self._log.info("news", scope=self.key, what=", ".join(names), told=told or "nobody")
        if postings:
            self._on_news()
