"""A poll group of each kind, from the simulated Bedrock over HTTP into a real store: what it costs, and what it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import anyio
import msgspec
import pytest
import support_client
import support_simulator as support
from support_simulator import Clock
from support_sweep import NO_REMINDERS, Diary

from watcher.bedrock.answers import read_page
from watcher.bedrock.client import Keys, Look, Settings
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.kind import Kind
from watcher.bedrock.kinds import KINDS
from watcher.logs import Log
from watcher.model import DEFAULT_EVENTS, JobArn
from watcher.policy import Cadence, Route, Traits
from watcher.policy.discovery import Rule
from watcher.simulator import SCENARIOS, Fault, Simulator
from watcher.simulator import Kind as Trouble
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.sweep import Finder, Group, Outage
from watcher.sweep.watched import mark_of_facts, mark_of_summary

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
environment = pytest.fixture(autouse=True)(support_client.nobodys_credentials)

EACH_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


async def transact(verb: Callable[[*Ts], T], *args: *Ts) -> T:
    return verb(*args)


class Scene:
    """Four jobs of one kind, watched by one group."""

    def __init__(self, kind: Kind, simulator: Simulator, clock: Clock, endpoint: str, store: Store) -> None:
        self.simulator, self.clock, self.store = simulator, clock, store
        make = next(make for make in SCENARIOS.values() if make().kind == kind.name)
        arns = [simulator.play(make(f"{make().name}-{number}")) for number in range(4)]
        log: Log = Diary()
        self.look = Look(kind, "us-east-1", Keys(Credentials(), Settings(endpoint_url=endpoint)))
        self.group = Group(
            f"default@123456789012/us-east-1/{kind.name}",
            kind,
            self.look,
            store.ledger,
            transact,
            account=Outage(
                "default@123456789012/*/*",
                store.ledger,
                transact,
                traits=lambda: self.group.traits(),  # noqa: PLW0108 - it comes after the account
                now=clock,
                on_news=lambda: None,
                log=log,
            ),
            now=clock,
            luck=lambda: 0.5,
            on_news=lambda: None,
            log=log,
        )
        self.group.limits, self.group.routes = NO_REMINDERS, (Route("all", DEFAULT_EVENTS),)
        for arn in arns:
            job, _ = store.jobs.add(Wanted(JobArn.parse(arn), "us-east-1"), clock(), ask=False)
            self.group.jobs.take(job)

    async def turn(self, seconds: float = 0.0) -> dict[str, int]:
        """Take a turn after some seconds; return what was asked in it."""
        self.clock.now += seconds
        before = self.simulator.counts.copy()
        await self.group.turn()
        return dict(self.simulator.counts - before)


@EACH_KIND
def test_what_does_not_move_costs_one_list_where_list_tells_enough(
    kind: Kind, simulator: Simulator, clock: Clock, endpoint: str, tmp_path: Path
) -> None:
    """And a Get of each job where it does not."""

    async def story() -> None:
        assert await scene.turn() == {"Get": 4}
        for _ in range(3):
            assert await scene.turn(20) == {}
            assert await scene.turn(30) == ({"List": 1} if kind.listed else {"Get": 4})
        await scene.look.close()

    with closing(Store.open(tmp_path / "db")) as store:
        scene = Scene(kind, simulator, clock, endpoint, store)
        anyio.run(story)
        assert store.history.events() == [(event, job) for event, job in store.history.events() if event.version == 1]


@EACH_KIND
def test_the_end_of_every_job_is_found_and_then_it_is_left_alone(
    kind: Kind, simulator: Simulator, clock: Clock, endpoint: str, tmp_path: Path
) -> None:
    async def story() -> None:
        await scene.turn()
        await scene.turn(2 * 86_400)
        assert await scene.turn(3600) == {}
        await scene.look.close()

    with closing(Store.open(tmp_path / "db")) as store:
        scene = Scene(kind, simulator, clock, endpoint, store)
        anyio.run(story)
        jobs = store.jobs.listed(every=True)
        assert [job.state for job in jobs] == ["ended"] * 4
        assert all(job.ended_at > job.created_at for job in jobs)
        ends = [event for event, _ in store.history.events() if event.version == 2]
        assert len(ends) == 4
    assert not scene.group.jobs


@EACH_KIND
def test_a_list_that_is_denied_is_made_up_for_by_gets(
    kind: Kind, simulator: Simulator, clock: Clock, endpoint: str, tmp_path: Path
) -> None:
    """By the operation's own name, the error says what to allow."""
    simulator.inject(Fault(kind=Trouble.DENIED, operation="List"))

    async def story() -> None:
        await scene.turn()
        asked = await scene.turn(50)
        assert asked["Get"] == 4
        assert asked.get("List", 0) == (1 if kind.listed else 0)
        await scene.look.close()

    with closing(Store.open(tmp_path / "db")) as store:
        scene = Scene(kind, simulator, clock, endpoint, store)
        anyio.run(story)


@EACH_KIND
def test_a_status_that_nobody_knows_is_running_and_none_of_another_form_is_believed(
    kind: Kind, simulator: Simulator, clock: Clock, endpoint: str, tmp_path: Path
) -> None:
    async def story() -> None:
        simulator.inject(Fault(kind=Trouble.WRONG_STATUS, operation="Get"))
        await scene.turn()
        assert scene.group.jobs.running == 0
        simulator.clear()
        simulator.inject(Fault(kind=Trouble.UNKNOWN_STATUS, operation="Get"))
        await scene.turn(3600)
        assert scene.group.jobs.running == 4
        await scene.look.close()

    with closing(Store.open(tmp_path / "db")) as store:
        scene = Scene(kind, simulator, clock, endpoint, store)
        anyio.run(story)
        assert len(scene.group.jobs) == 4


def test_a_list_that_tells_too_little_does_not_put_off_the_get_that_tells_more(
    simulator: Simulator, clock: Clock, endpoint: str, tmp_path: Path
) -> None:
    """A rule lists evaluations whenever one of them is due; the others keep the time at which they are asked for."""
    kind = KINDS["evaluation-job"]

    async def story() -> None:
        await scene.turn()
        jobs = scene.group.jobs
        often, *_ = jobs.rows
        for _ in range(12):
            jobs.due_at[jobs.rows[often]] = clock.now
            await scene.turn(20)
        gets = Counter(request.what for request in tuple(simulator.requests) if request.operation == "Get")
        assert sorted(gets.values())[:3] == [4, 4, 4], "each in its own time, and a fifth of that early"
        await scene.look.close()

    with closing(Store.open(tmp_path / "db")) as store:
        scene = Scene(kind, simulator, clock, endpoint, store)
        scene.group.cadence = Cadence(100, 100)
        log: Log = Diary()
        traits = Traits(account="123456789012", region="us-east-1", unseen=True)
        scene.group.finder = Finder(scene.group.key, kind, traits, store.findings, transact, now=clock, log=log)
        scene.group.finder.use((Rule("all", "123456789012", "us-east-1", kind.name),))
        anyio.run(story)


def test_a_batch_whose_count_moves_is_got_so_that_people_see_how_far_it_is() -> None:
    """Though nothing else of it moves; and whatever number it is does no harm."""
    kind = KINDS["model-invocation-job"]
    facts = {"jobArn": "a", "status": "InProgress", "lastModifiedTime": "2026-11-20T08:00:00Z"}
    marks = set()
    for count in (5, 6, 10**5000, None):
        known = facts if count is None else {**facts, "processedRecordCount": count}
        mark = mark_of_facts(kind, known)
        if count != 10**5000:  # which no JSON that we read can hold
            listed = read_page(msgspec.json.encode({"invocationJobSummaries": [known]}), kind.list_members)
            assert mark_of_summary(listed.summaries[0]) == mark
        marks.add(mark)
    assert len(marks) == 4
