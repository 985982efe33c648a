"""One lane over a real database, with a receiver and a clock of the test's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

import anyio
from support_jobs import arn
from support_sweep import Diary

from watcher.daemon.uptime import Uptime
from watcher.deliver import Lane, Manner, Pace
from watcher.model import (
    Failed,
    Family,
    JobArn,
    Message,
    Outcome,
    Posting,
    Sent,
    StatusChanged,
    StepChanged,
    Transition,
    Verdict,
)
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.store.ledger import Miss

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FAILED = StatusChanged("InProgress", "Failed", Outcome.FAILED)
STEP = StepChanged("training", "NotStarted", "InProgress")


@dataclass
class Post:
    """A receiver that takes all, unless it is told what to answer."""

    family: Family = Family.TEXT
    min_interval: float = 0.0
    limit_key: str = "key"
    body_limit: int = 32_768
    answers: list[Verdict] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def fits(self, message: Message) -> bool:
        """Count characters."""
        return len(message.title) + 2 + len(message.body) <= self.body_limit

    def send(self, message: Message) -> Verdict:
        """Take a message."""
        self.messages.append(message)
        return self.answers.pop(0) if self.answers else Sent()

    def close(self) -> None:
        """Nothing to close."""


class Stage:
    """A store, a clock, and lanes."""

    def __init__(self, store: Store) -> None:
        self.store, self.now, self.log = store, 1_800_000_000.0, Diary()
        self.paces: dict[str, Pace] = {}
        self.uptime = Uptime(lambda: self.now)
        self.jobs = [
            store.jobs.add(Wanted(JobArn.parse(arn(n)), "us-east-1", label=f"job-{n}"), self.now, ask=False)[0].id
            for n in range(1, 41)
        ]

    def lane(self, post: Post | Failed, name: str = "slack", **manner: Any) -> Lane:
        """Return a lane that sends to *post*."""
        return Lane(
            name,
            lambda: post,
            self.store.outbox,
            self.store.history,
            self._transact,
            self._in_thread,
            manner=Manner(host="test", **manner),
            pace_of=lambda key: self.paces.setdefault(key, Pace()),
            now=lambda: self.now,
            luck=lambda: 0.5,
            log=self.log,
            on_news=lambda: None,
            running=self.uptime,
        )

    def news(self, number: int, change: Transition = FAILED, **posting: Any) -> None:
        """Queue a message about a job."""
        job = self.jobs[number - 1]
        miss = Miss(0, 0, 0, "", (change,), (Posting("slack", **posting),))
        self.store.ledger.missed(job, miss, self.now)

    def turns(self, lane: Lane, count: int = 100) -> None:
        """Take turns until nothing is due."""
        for _ in range(count):
            due = anyio.run(lane.turn)
            if due is None or (due > self.now and due - self.now > 60):
                return
            self.now = max(self.now, due)

    def run_until(self, lane: Lane, moment: float) -> None:
        """Take every turn until then, as a daemon does that runs all the time."""
        due = 0.0
        while self.now < moment:
            self.uptime()
            if due <= self.now:
                next_turn = anyio.run(lane.turn)
                due = moment if next_turn is None else max(next_turn, self.now + 0.1)
            self.now = min(self.now + 30.0, due, moment)
        self.uptime()

    def states(self) -> list[tuple[str]]:
        """Return the states of the messages, in the order of their queueing."""
        with self.store.database.reading() as sql:
            return [tuple(row) for row in sql.execute("SELECT state FROM deliveries ORDER BY id")]

    def rows(self) -> list[tuple[object, ...]]:
        """Return the whole table of messages."""
        with self.store.database.reading() as sql:
            return [tuple(row) for row in sql.execute("SELECT * FROM deliveries ORDER BY id")]

    def times(self) -> list[float]:
        """Return when each message is due, in the order of their queueing."""
        with self.store.database.reading() as sql:
            return [row[0] for row in sql.execute("SELECT next_attempt_at FROM deliveries ORDER BY id")]

    async def _transact(self, verb: Callable[[*Ts], T], *args: *Ts) -> T:
        return verb(*args)

    async def _in_thread(self, call: Callable[[*Ts], T], *args: *Ts) -> T:
        return call(*args)


def opened(tmp_path: Path) -> Iterator[Stage]:
    """A stage, for a fixture."""
    store = Store.open(tmp_path / "x.db")
    yield Stage(store)
    store.close()
