"""The promise of the house: nothing is lost, whatever dies and whenever, over a real database file.

Jobs live random lives; the sweep and the lanes are the real ones; the process "dies" (an exception that nothing
catches) before and after each commit and before and after each send, and begins again from the file.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, TypeVarTuple

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from support_jobs import arn, histories, response, step
from support_sweep import NO_REMINDERS, Diary

from watcher.bedrock.answers import Answer, Page
from watcher.bedrock.customization import KIND
from watcher.clock import utc
from watcher.deliver import Lane, Letter, Manner, Pace
from watcher.diff import diff, merge
from watcher.logs import Log
from watcher.model import DEFAULT_EVENTS, Failed, Family, JobArn, Message, Sent, Verdict
from watcher.policy import Cadence, Route, Traits, post
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.sweep import Group, Outage

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CHANNELS = ("one", "two")
ROUTES = tuple(Route(name, DEFAULT_EVENTS) for name in CHANNELS)
REPEAT = "This may be a repeat"


class Dies(BaseException):
    """The process ends here, as by SIGKILL."""


LOG: Log = Diary()


@dataclass
class World:
    """What survives a death: the database file, the jobs' truth, the receivers' mailboxes, and the clock."""

    path: Path
    deaths: frozenset[int]
    moods: Iterator[str]
    now: float = 1_800_000_000.0
    truth: dict[str, dict[str, Any]] = field(default_factory=dict)
    mailboxes: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    unmarked: bool = False
    burst: int = 0
    doubtful: int = 0
    chances: Iterator[int] = field(default_factory=itertools.count)

    def risk(self) -> None:
        """Die, if it is time to."""
        if next(self.chances) in self.deaths:
            self.doubtful += self.unmarked
            self.unmarked = False
            raise Dies

    async def transact(self, verb: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run a verb, at risk before and after its commit."""
        self.risk()
        result = verb(*args)
        if getattr(verb, "__name__", "") == "sent":
            self.unmarked = False
        self.risk()
        return result

    async def in_thread(self, call: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run a blocking call."""
        return call(*args)


@dataclass
class Eyes:
    """AWS, answering the truth."""

    world: World

    async def get(self, identifier: str) -> Answer:
        """Answer as Get does."""
        facts = self.world.truth[identifier]
        return Answer(facts, json.dumps(facts))

    async def page(self, created_after: float, token: str | None, status: str = "") -> Page:
        """Never asked: two jobs are too few for a List."""
        raise AssertionError

    async def tags(self, arn: str) -> dict[str, str]:
        """Never asked: there is no rule."""
        raise AssertionError


@dataclass
class Post:
    """A receiver that is sometimes in a mood, and at risk before and after it has the message."""

    world: World
    name: str
    family: Family = Family.TEXT
    min_interval: float = 0.0
    limit_key: str = "key"
    body_limit: int = 32_768

    def fits(self, message: Message) -> bool:
        """Count characters."""
        return len(message.title) + 2 + len(message.body) <= self.body_limit

    def send(self, message: Message) -> Verdict:
        """Take the message, or not."""
        self.world.risk()
        mood = next(self.world.moods)
        if mood == "refuse":
            return Failed("503 try later")
        if mood == "lose":
            return Failed("read timeout", uncertain=True)
        self.world.mailboxes[self.name].append(message)
        if mood == "mumble":
            self.world.doubtful += 1
            return Failed("read timeout", uncertain=True)
        self.world.unmarked = True
        self.world.risk()
        return Sent()

    def close(self) -> None:
        """Nothing to close."""


class MarkFirst(Lane):
    """What eight other programs do: the message is marked before it is sent."""

    async def _send(self, letter: Letter) -> Verdict:
        await self._mark(letter.claim, Sent(), 0.0, go_on=False)
        return await super()._send(letter)


@contextmanager
def alive(world: World, lane: type[Lane]) -> Iterator[tuple[Store, Group, list[Lane]]]:
    """Begin a process's life from the file."""
    store = Store.open(world.path)
    try:
        store.outbox.recover(world.now)
        account = Outage(
            "a@1/*/*",
            store.ledger,
            world.transact,
            traits=lambda: group.traits(),  # noqa: PLW0108 - it comes after the account
            now=lambda: world.now,
            on_news=lambda: None,
            log=LOG,
        )
        group = Group(
            "a@1/scope/kind",
            KIND,
            Eyes(world),
            store.ledger,
            world.transact,
            account=account,
            now=lambda: world.now,
            luck=lambda: 0.5,
            on_news=lambda: None,
            log=LOG,
        )
        group.limits = NO_REMINDERS
        group.cadence, group.routes = Cadence(), ROUTES
        for job in store.ledger.roster(0):
            if job.state != "ended":
                group.jobs.take(job)
        lanes = [
            lane(
                name,
                lambda name=name: Post(world, name),  # type: ignore[misc]
                store.outbox,
                store.history,
                world.transact,
                world.in_thread,
                now=lambda: world.now,
                luck=lambda: 0.0,
                manner=Manner(burst=world.burst, host="test"),
                pace_of=lambda _: Pace(),
                log=LOG,
                on_news=lambda: None,
            )
            for name in CHANNELS
        ]
        yield store, group, lanes
    finally:
        store.close()


async def live(world: World, lane: type[Lane], *, drain: bool) -> bool:
    """Take every turn that is due; return whether the process survived it."""
    try:
        with alive(world, lane) as (_, group, lanes):
            group.jobs.hasten(0.0)
            await group.turn()
            for one in lanes:
                while (due := await one.turn()) is not None and (drain or due <= world.now):
                    world.now = max(world.now, due)
    except Dies:
        return False
    except BaseExceptionGroup as group:
        if group.split(Dies)[1] is None:  # the Gets have a task group of their own
            return False
        raise
    return True


def play(
    directory: Path,
    lives: list[list[dict[str, Any]]],
    deaths: frozenset[int],
    moods: list[str],
    lane: type[Lane],
    burst: int = 0,
) -> World:
    """Play all *lives* side by side, dying at the chances numbered by *deaths*; then let everything drain in peace."""
    world = World(directory / "story.db", deaths, itertools.cycle([*moods, "take"]), burst=burst)
    store = Store.open(world.path)
    for number in range(1, len(lives) + 1):
        store.jobs.add(Wanted(JobArn.parse(arn(number)), "us-east-1"), world.now, ask=False)
    store.close()
    for scene in itertools.zip_longest(*lives):
        for number, facts in enumerate(scene, 1):
            if facts is not None:
                world.truth[arn(number)] = facts
        while not anyio.run(lambda: live(world, lane, drain=False)):
            pass
        world.now += 60.0
    world.deaths = frozenset()
    world.moods = itertools.repeat("take")
    anyio.run(lambda: live(world, lane, drain=True))
    return world


def expected(life: list[dict[str, Any]]) -> int:
    """Return how many messages a life makes on a channel that wants the default events."""
    facts: dict[str, Any] = {}
    told, old = 0, None
    for one in life:
        facts = merge(facts, one)
        new = KIND.read(facts)
        told += bool(post(diff(old, new), [Traits()], ROUTES[:1], utc(0)))
        old = new
        if new.outcome.terminal:
            break
    return told


def check(world: World, lives: list[list[dict[str, Any]]]) -> None:
    """Assert the promise, from the receivers' mailboxes alone."""
    repeats = 0
    for channel in CHANNELS:
        for number, life in enumerate(lives, 1):
            arrived = [message for message in world.mailboxes[channel] if f" job-{number}" in message.title]
            events = [_event_number(message) for message in arrived]
            assert events == sorted(events), "reordered"
            assert len(set(events)) == expected(life), "lost, or told of nothing"
            ending = life[-1]["status"].upper()
            assert any(ending in message.title for message in arrived), "the ending was not told"
            for before, message in itertools.pairwise(arrived):
                if _event_number(before) == _event_number(message):
                    repeats += 1
                    assert REPEAT in message.body, "a repeat that does not say so"
    assert repeats <= world.doubtful, "a duplicate without a crash between send and mark"


def _event_number(message: Message) -> int:
    return int(message.body.rpartition("event ")[2].partition(",")[0])


MOODS = st.lists(st.sampled_from(["take", "take", "refuse", "lose", "mumble"]), max_size=6)
LIVES = st.lists(st.integers(1, 2), min_size=1, max_size=2).flatmap(
    lambda numbers: st.tuples(*(histories(number, 4) for number in range(1, len(numbers) + 1)))
)


@settings(max_examples=60)
@given(lives=LIVES, deaths=st.frozensets(st.integers(0, 80), max_size=10), moods=MOODS)
def test_nothing_is_lost_reordered_or_repeated_without_a_reason(
    lives: tuple[list[dict[str, Any]], ...], deaths: frozenset[int], moods: list[str]
) -> None:
    """Whatever dies between any two steps, each channel gets each event, in order, and repeats say so."""
    with TemporaryDirectory() as directory:
        check(play(Path(directory), list(lives), deaths, moods, Lane), list(lives))


@settings(max_examples=40)
@given(lives=LIVES, deaths=st.frozensets(st.integers(0, 80), max_size=10), moods=MOODS)
def test_nothing_is_lost_in_summaries_either(
    lives: tuple[list[dict[str, Any]], ...], deaths: frozenset[int], moods: list[str]
) -> None:
    """In a burst messages are told together: each ending is named on each channel, after what came before it."""
    with TemporaryDirectory() as directory:
        world = play(Path(directory), list(lives), deaths, moods, Lane, burst=1)
    for channel in CHANNELS:
        text = "\n".join(f"{message.title}\n{message.body}" for message in world.mailboxes[channel])
        for number, life in enumerate(lives, 1):
            ending = f"{life[-1]['status'].upper()} job-{number}"
            assert ending in text
            steps = [text.find(f"{verb} job-{number} (") for verb in ("STARTED", "FINISHED")]
            assert max(steps) < text.rindex(ending)


def test_every_single_death_is_survived() -> None:
    """Die once, at each chance in turn, in a story of three events: the exhaustive form of the property."""
    life = _three_events()
    for chance in itertools.count():
        with TemporaryDirectory() as directory:
            world = play(Path(directory), [life], frozenset({chance}), [], Lane)
            check(world, [life])
            if next(world.chances) <= chance:
                break
    assert chance > 30, "the story had fewer risks than it must have"


def test_the_story_goes_red_when_mark_comes_before_send() -> None:
    """The property is worth something: with the two swapped, a death between them loses a message."""
    life = _three_events()
    lost = 0
    for chance in range(60):
        with TemporaryDirectory() as directory:
            world = play(Path(directory), [life], frozenset({chance}), [], MarkFirst)
            try:
                check(world, [life])
            except AssertionError as error:
                lost += "lost" in str(error)
    assert lost >= 2


def _three_events() -> list[dict[str, Any]]:
    return [
        response(1, minute=1, statusDetails={"validationDetails": step("InProgress", 1)}),
        response(1, minute=9, statusDetails={"validationDetails": step("Completed", 1, 9)}),
        response(1, status="Failed", minute=12, failureMessage="Maximum input token count 4097 exceeds limit of 4096"),
    ]
