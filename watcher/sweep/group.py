"""The jobs that share credentials, account, region and kind, and their turn.

Nothing that happens to one group, or to one job, delays another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import anyio.lowlevel
from anyio.abc import TaskGroup

from watcher.bedrock.answers import Answer
from watcher.bedrock.kind import Kind
from watcher.doing import Cause, doing
from watcher.errors import LookError, LookFault
from watcher.logs import Log
from watcher.model import FINDING, Posting, Sighting, Transition
from watcher.policy import LISTED_FROM, Cadence, Limits, Route, Traits, topics
from watcher.sweep.attribution import Attribution
from watcher.sweep.decide import AGAIN, Circumstances, is_worth_writing, sight
from watcher.sweep.edges import Book, Eyes, Transact
from watcher.sweep.finder import Finder
from watcher.sweep.gets import Gets
from watcher.sweep.listing import Listing
from watcher.sweep.outage import Outage
from watcher.sweep.pages import Pages
from watcher.sweep.roster import Roster
from watcher.sweep.turn import Turn, longest_wait
from watcher.sweep.watched import Watched, is_settled, is_time, summary_hash

AT_A_STRETCH = 1000
"""Jobs that are gone through before others may run: a millisecond or two."""

WOKEN_AT_ONCE = 200
"""Jobs that are read from the store at once: a millisecond or two again."""

_ENDS_THE_TURN = frozenset({LookFault.CREDENTIALS, LookFault.SETTINGS, LookFault.THROTTLED})
"""Errors of List after which a Get would make things worse, or fail too."""

LEARN_AGAIN = 3600.0
"""How long jobs usually take is read anew after this many seconds."""


class Group:
    """One scope's jobs.  *on_news* is called after each commit that queued messages or moved a job to another row."""

    def __init__(  # noqa: PLR0913 - the composition root's one call
        self,
        key: str,
        kind: Kind,
        eyes: Eyes,
        book: Book,
        transact: Transact,
        *,
        account: Outage,
        now: Callable[[], float],
        luck: Callable[[], float],
        on_news: Callable[[], None],
        log: Log,
        may_remind: Callable[[], bool] = lambda: True,
    ) -> None:
        self._may_remind = may_remind
        self.key = key
        self.jobs = Roster()
        self.cadence = Cadence()
        self.limits = Limits()
        self.may_list = True
        """Whether List may be used here; it is False while List is in quarantine, after it crashed us."""
        self.routes: tuple[Route, ...] = ()
        self._kind, self._eyes, self._book, self._transact = kind, eyes, book, transact
        self._account = account
        self.finder: Finder | None = None
        self._now, self._luck, self._on_news, self._log = now, luck, on_news, log
        self._next_eyes: Eyes | None = None
        self._whole = self._outage(key, ("scope", "scope_failing", "scope_works_again"))
        self._finding = self._outage(f"{key}{FINDING}", ("scope", "finding_fails", "finding_works_again"))
        self._listing = Listing(key, self._finding, log)
        self._blame = Attribution(
            self.jobs, self._whole, account, self._listing, book, transact, now=now, on_news=on_news, log=log
        )
        self._gets = Gets(
            lambda job: self._eyes.get(job.identifier),
            self._take,
            is_watched=lambda job: job.id in self.jobs,
            is_closed=lambda turn: self._blame.shared(turn) is not None,
            judge=lambda turn: self._blame.attribute(turn, self.finder),
            now=now,
        )
        self._durations: dict[tuple[str, str], tuple[float, tuple[float, ...]]] = {}
        self.swept_at = 0.0
        self.next_turn: float | None = None

    async def traits(self) -> list[Traits]:
        """Those of its jobs, and of the jobs that its rules would find: whom to tell of its troubles."""
        unseen = [self.finder.traits] if self.finder is not None else []
        return [*await self._transact(self._book.traits, [*self.jobs]), *unseen]

    @property
    def troubled(self) -> bool:
        """Whether AWS could not be asked, or refused, about any of these jobs."""
        return self.blind or any(job.failures for job in self.jobs.awake.values())

    @property
    def turning_over(self) -> bool:
        """Whether other eyes wait for the end of a turn (``look_with``)."""
        return self._next_eyes is not None

    def ask_beside(self, tasks: TaskGroup | None) -> None:
        """Run slow Gets in *tasks*; without it, a poll cycle waits for them."""
        self._gets.beside = tasks

    @property
    def blind(self) -> bool:
        """Whether AWS cannot be asked about any of these jobs."""
        return self._whole.lost or self._account.lost

    async def turn(self) -> float | None:
        """Look at what is due; return when (epoch seconds) the next turn is, or None with nothing to watch."""
        if self._next_eyes is not None:
            self._eyes, self._next_eyes = self._next_eyes, None
        await self._whole.load()
        await self._account.load()
        turn = Turn(self._now(), Circumstances(self._kind, self.cadence, self.limits, self.routes, self._luck()))
        certain = await self._due(turn.now)
        with self._account.entered(asked=bool(self._blame.asking())) as may_look:
            if may_look and (certain or any(self.jobs.wanted) or self._finds(turn.now)):
                await self._gets.all(turn, await self._wake(await self._sift(turn, certain)))
                await self._probe(turn)
                await self._blame.attribute(turn, self.finder)
                self.swept_at = turn.now
        await self._rest()
        self.next_turn = self._next()
        return self.next_turn

    def reconfigure(self, cadence: Cadence, limits: Limits, routes: tuple[Route, ...]) -> None:
        """Go by these from the next turn on."""
        self.jobs.hasten(self._now() + cadence.slowest)
        if limits != self.limits:
            self.jobs.work_out_reminders()  # as the store has it (Ledger.use_limits)
        self.cadence, self.limits, self.routes = cadence, limits, routes

    def look_with(self, eyes: Eyes) -> None:
        """Ask AWS another way from the next turn on, and at once what could not be asked."""
        self._next_eyes = eyes
        self._listing.try_again()
        if self.finder is not None:
            self.finder.try_again()
        self._account.try_again()
        self._whole.try_again()

    def clock_was_set(self) -> None:
        """Wait for no time that was reckoned by another clock."""
        self._whole.try_again()
        self._finding.try_again()

    def _outage(self, key: str, words: tuple[str, str, str]) -> Outage:
        now, on_news, log = self._now, self._on_news, self._log
        return Outage(
            key, self._book, self._transact, traits=self.traits, now=now, on_news=on_news, log=log, words=words
        )

    async def _due(self, now: float) -> set[int]:
        """Return the jobs that are due and for which only a Get will do; the other ones are *wanted* of List."""
        jobs, certain, awake = self.jobs, set[int](), list(self.jobs.awake.values())
        jobs.want_none()
        if self._whole.waits(now) and not self._blame.asking():
            return certain
        for first in range(0, max(len(awake), jobs.quiet), AT_A_STRETCH):
            for job in awake[first : first + AT_A_STRETCH]:
                if job.asked or is_time(job.due_at, job.looked_at, now, longest_wait(self.cadence.slowest, job.state)):
                    certain.add(job.id)
            certain.update(jobs.want(first, AT_A_STRETCH, now, longest_wait(self.cadence.slowest)))
            await anyio.lowlevel.checkpoint()
        return certain

    async def _wake(self, jobs: Iterable[int]) -> list[Watched]:
        """Return *jobs* as they are to be asked for: what memory does not hold of them is read from the store."""
        waking = list(dict.fromkeys(jobs))
        for first in range(0, len(waking), WOKEN_AT_ONCE):
            asleep = [job for job in waking[first : first + WOKEN_AT_ONCE] if job not in self.jobs.awake]
            if asleep:
                self.jobs.wake(await self._transact(self._book.jobs, asleep))
        return [self.jobs.awake[job] for job in waking if job in self.jobs.awake]

    async def _rest(self) -> None:
        """Let those that are quiet again be so: the turn is over."""
        quiet = [job for job in self.jobs.awake.values() if job.quiet]
        for first in range(0, len(quiet), AT_A_STRETCH):
            self.jobs.rest(quiet[first : first + AT_A_STRETCH])
            await anyio.lowlevel.checkpoint()

    def _next(self) -> float | None:
        dues = [self.jobs.next_due(), self.finder.due_at if self.finder and self.may_list else None]
        first = min((due for due in dues if due is not None), default=None)
        if first is None:
            return None
        return max(first, self._account.opens_at(), self._whole.opens_at())

    async def _sift(self, turn: Turn, certain: set[int]) -> list[int]:
        """Return the jobs to Get: those that List cannot answer for, that it shows moved, or that it lacks."""
        finder = self.finder if self.finder and (any(self.jobs.wanted) or self._finds(turn.now)) else None
        if not self._kind.listed:
            certain.update(self.jobs.missing())
            self.jobs.want_none()
        few = not self.may_list or (finder is None and self.jobs.wanted.count(True) < LISTED_FROM)
        if few:
            return [*certain, *self.jobs.missing()]
        if self._listing.waits(turn.now):
            return [*certain, *self._listing.unlisted(self.jobs)]
        if finder is not None:
            finder.due_at = turn.now + self.cadence.slowest * (0.9 + 0.2 * turn.how.luck)
        try:
            with doing(Cause(f"listing {self.key}", "list", self.key, f"List of {self.key}")):
                return [*certain, *await self._list(turn, finder)]
        except LookError as error:
            if error.fault in _ENDS_THE_TURN or not self.jobs:
                turn.scope_error = error
                return []
            turn.list_error = error
            self._listing.fail(turn, error, finds=finder is not None)
            return [*certain, *turn.summaries, *self._listing.unlisted(self.jobs)]

    async def _list(self, turn: Turn, finder: Finder | None) -> list[int]:
        """Return which jobs moved, by List, and which of the wanted ones are not there; find others on the way."""
        listed = await Pages(turn, self._eyes, self._kind, self.jobs, self._saw).read(finder)
        if finder is not None and await finder.settle(self._eyes):
            self._on_news()
        await self._listing.works(turn, finder)
        turn.listed, self._blame.works_unlisted = True, False
        return listed

    def _finds(self, now: float) -> bool:
        """Whether it is time to look for jobs that nobody has added."""
        if self.finder is None or not self.may_list or self.finder.due_at > now:
            return False
        return not self._listing.waits(now) and not self._whole.waits(now)

    async def _take(self, turn: Turn, job: Watched, answer: Answer) -> None:
        """Process AWS's response for a job; raises LookError if it describes another job."""
        await self._saw(turn)
        if job.id not in self.jobs:
            return  # somebody stopped watching it while AWS was asked
        now = self._now()
        known = await self._transact(self._book.facts, job.id)
        usual = await self._usual(answer)
        try:
            how = replace(turn.how, may_remind=self._may_remind())
            seen = sight(how, job, answer, known, usual, now)
        except RecursionError as error:
            raise LookError(LookFault.MALFORMED, "MalformedResponse", "it is nested too deeply", AGAIN) from error
        turn.got = True
        await self._whole.works(turn.how, turn.now)
        self._blame.works_unlisted = self._blame.works_unlisted or self._listing.denied
        if seen is None:
            # A reading that lags: nothing is settled by it, and it is asked for again soon.
            job.looked_at, job.due_at = now, now + self.cadence.fastest
            await self._blame.answer([job] if job.asked else [])
            return
        if is_worth_writing(job, seen, known[1]):
            into = await self._transact(self._book.record, seen)
            if into != job.id:
                self.jobs.pop(job.id)
                self._on_news()
                return
            about = {"job": job.identifier, "name": job.label or seen.snapshot.name}
            self._tell(about, seen.transitions, seen.postings)
        self._take_over(job, seen)
        summary = turn.summaries.get(job.id)
        if summary is not None and is_settled(self._kind, answer.facts, summary):
            job.listed = summary_hash(summary)

    async def _saw(self, turn: Turn) -> None:
        """AWS has answered: that is told before anything that the answer tells."""
        await self._account.works(turn.how, turn.now)

    async def _usual(self, answer: Answer) -> tuple[float, ...]:
        """Return how long jobs alike took, read anew every hour."""
        alike = self._kind.alike(answer.facts)
        if not alike[0]:
            return ()
        read_at, durations = self._durations.get(alike, (0.0, ()))
        if not 0 <= self._now() - read_at < LEARN_AGAIN:
            durations = await self._transact(self._book.usual, *alike, self._now())
            self._durations[alike] = (self._now(), durations)
        return durations

    def _tell(
        self, about: Mapping[str, str], transitions: tuple[Transition, ...], postings: tuple[Posting, ...]
    ) -> None:
        """After a commit: log what it told, and wake the lanes."""
        if names := sorted(topics(transitions)):
            told = ", ".join(posting.channel for posting in postings)
            self._log.info("news", **about, what=", ".join(names), told=told or "nobody")
        if postings:
            self._on_news()

    def _take_over(self, job: Watched, seen: Sighting) -> None:
        """Bring the working copy to what was written."""
        if job.failures:
            self._log.info("job_works_again", job=job.identifier)
        job.arn, job.state, job.mark, job.closing_at = seen.arn, seen.state, seen.mark, seen.closing_at
        job.reminded, job.remind_at = seen.reminded, seen.remind_at
        job.looked_at = job.confirmed_at = seen.seen_at
        job.due_at = seen.next_poll_at
        job.created_at = seen.snapshot.created_at.timestamp() if seen.snapshot.created_at else seen.seen_at
        moved = seen.snapshot.changed_at or seen.snapshot.created_at
        job.changed_at = moved.timestamp() if moved else seen.seen_at
        job.failures = job.misses = 0
        job.failing_since = job.blind_since = 0.0
        job.asked = False
        if job.state == "ended":
            self.jobs.pop(job.id)

    async def _probe(self, turn: Turn) -> None:
        """If all due jobs failed alike, probe jobs whose last poll succeeded to see whether anything works."""
        if self._blame.is_doubtful(turn):
            witnesses = await self._wake(self._blame.witnesses(turn))
            for some in (witnesses[:1], witnesses[1:]):
                if some and not turn.got:
                    await self._gets.all(turn, some)
            turn.probed = True
