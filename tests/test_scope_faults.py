"""What all jobs of a scope share is one fault of the scope, told once and in time, at a few requests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from support_jobs import arn, at, response
from support_sweep import Scene, refusal, scene

from watcher.bedrock.answers import Answer
from watcher.errors import LookFault
from watcher.model import StatusChanged, WatchLost, WatchRegained
from watcher.sweep import gets
from watcher.sweep.gets import PROBES
from watcher.sweep.listing import BY_GET

SCOPE = "scope/default@123456789012/us-east-1/model-customization-job"
OUTAGES = [LookFault.SERVER, LookFault.NETWORK, LookFault.ENDPOINT, LookFault.DENIED, LookFault.MALFORMED]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as one:
        luck = itertools.cycle([0.1, 0.7, 0.4, 0.9, 0.2])
        make = one.new_group

        def new_group() -> Any:
            group = make()
            group._luck = lambda: next(luck)
            return group

        one.new_group = new_group  # type: ignore[method-assign]
        yield one


def well(play: Scene, count: int) -> None:
    """Let *count* jobs be watched, and have been seen."""
    numbers = range(1, count + 1)
    play.aws.jobs = {arn(number): response(number) for number in numbers}
    play.watch(*numbers)
    play.turn()
    play.aws.gets.clear()
    play.aws.lists = 0


def rounds(play: Scene, until: float) -> Iterator[int]:
    """Take the turns that are due until then; yield how many requests each made."""
    due = play.group.next_turn
    while due is not None and due <= until:
        play.aws.gets.clear()
        play.aws.lists = 0
        play.now = max(due, play.now)
        due = play.turn()
        yield len(play.aws.gets) + play.aws.lists


def lost(play: Scene) -> list[str]:
    """Return about what it was told that it cannot be looked at."""
    return [subject for subject, changes in play.told() if any(isinstance(one, WatchLost) for one in changes)]


@pytest.mark.parametrize("fault", OUTAGES)
@pytest.mark.parametrize("count", [1, 2, 7, 9, 300])
def test_an_outage_is_told_once_when_it_is_to_be_told_at_a_few_requests(
    play: Scene, fault: LookFault, count: int
) -> None:
    well(play, count)
    play.aws.get_error = play.aws.list_error = refusal(fault)
    began = play.group.next_turn
    assert began is not None
    made = list(rounds(play, began + play.cadence.blind_after))
    assert max(made) <= 1 + PROBES
    alone = count == 1 and not refusal(fault).of_scope
    assert [subject.split("/")[0] for subject in lost(play)] == ["job" if alone else "scope"]
    assert sum(made) <= 12 * (1 + PROBES)


@pytest.mark.parametrize("fault", OUTAGES)
def test_jobs_that_were_never_seen_cost_no_more(play: Scene, fault: LookFault) -> None:
    play.watch(*range(1, 301))
    play.aws.get_error = play.aws.list_error = refusal(fault)
    play.turn()
    made = [len(play.aws.gets), *rounds(play, play.now + play.cadence.blind_after + 120)]
    assert max(made) <= 1 + PROBES
    assert lost(play) == [SCOPE]


def test_the_jobs_that_are_asked_for_in_an_outage_are_others_each_time(play: Scene) -> None:
    well(play, 100)
    play.aws.get_error = play.aws.list_error = refusal(LookFault.SERVER)
    asked = [frozenset(play.aws.gets) for _ in rounds(play, play.now + 600)]
    assert len(asked) > 3
    assert len(set(asked)) > 3


def test_one_job_that_works_opens_the_scope_for_all(play: Scene) -> None:
    well(play, 20)
    play.aws.get_error = play.aws.list_error = refusal(LookFault.SERVER)
    for _ in rounds(play, play.now + 1000):
        pass
    play.aws.get_error = play.aws.list_error = None
    play.aws.errors = {arn(number): refusal(LookFault.SERVER) for number in range(2, 20)}
    play.aws.list_error = refusal(LookFault.SERVER)
    for _ in range(4):
        play.turn(after=150)
    assert [type(one) for subject, (one, *_) in play.told() if subject == SCOPE] == [WatchLost, WatchRegained]
    assert play.group.jobs.awake[2].failures > 0


def test_a_job_of_its_own_trouble_closes_nothing_and_costs_one_request_more(play: Scene) -> None:
    well(play, 50)
    play.aws.errors = {arn(7): refusal(LookFault.NETWORK)}
    play.group.jobs.wake(play.store.ledger.jobs([7]))
    job = play.group.jobs.awake[7]
    job.failures, job.due_at, job.asked = 1, 0.0, True
    play.turn()
    assert (play.aws.gets[0], len(play.aws.gets)) == (arn(7), 2)
    assert "scope_failing" not in play.log.lines
    assert job.failures == 2


def test_one_job_that_is_due_shows_an_outage_by_those_that_are_not(play: Scene) -> None:
    well(play, 50)
    play.aws.get_error = play.aws.list_error = refusal(LookFault.SERVER)
    play.group.jobs.wake(play.store.ledger.jobs([7]))
    play.group.jobs.awake[7].asked = True
    play.turn()
    assert len(play.aws.gets) == 1 + PROBES
    assert play.log.lines.count("scope_failing") == 1
    assert "job_failing" not in play.log.lines


def test_gets_that_all_fail_alike_are_one_fault_though_list_works(play: Scene) -> None:
    """A policy without Get, or a gateway that passes List alone."""
    well(play, 40)
    play.aws.jobs = {arn(number): response(number, minute=9) for number in range(1, 41)}
    play.aws.get_error = refusal(LookFault.DENIED, "AccessDeniedException")
    made = list(rounds(play, play.now + 1000))
    assert max(made) <= 1 + 40
    assert lost(play) == [SCOPE]


def test_a_group_that_works_without_list_is_not_closed_by_jobs_that_are_denied(play: Scene) -> None:
    well(play, 30)
    play.aws.list_error = refusal(LookFault.DENIED, "AccessDeniedException")
    play.turn(after=150)
    assert len(play.aws.gets) == 30
    play.aws.get_error = refusal(LookFault.DENIED, "AccessDeniedException")
    play.turn(after=150)
    assert "scope_failing" not in play.log.lines
    assert play.log.lines.count("job_failing") == 30


def test_a_list_that_fails_alone_costs_a_bounded_number_of_gets_and_every_job_gets_its_own(play: Scene) -> None:
    count = 3 * BY_GET
    well(play, count)
    play.aws.list_error = refusal(LookFault.SERVER)
    asked: set[str] = set()
    for made in rounds(play, play.now + 900):
        assert made <= 1 + BY_GET + 2  # some are confirmed at this hour
        asked |= set(play.aws.gets)
    assert len(asked) == count
    assert lost(play) == []
    play.aws.list_error = None
    afterwards = list(rounds(play, play.now + 400))
    assert max(afterwards[2:]) <= 2
    assert play.log.lines.count("list_failed") == play.log.lines.count("list_works_again") == 1


def test_a_list_that_hangs_is_no_outage_while_gets_work(play: Scene) -> None:
    well(play, 20)
    play.aws.list_error = refusal(LookFault.NETWORK)
    play.aws.jobs[arn(3)] = response(3, minute=90, status="Failed", endTime=at(90))
    play.turn(after=150)
    assert "scope_failing" not in play.log.lines
    assert [one.new for _, changes in play.told() for one in changes if isinstance(one, StatusChanged)] == ["Failed"]


class Hanging:
    """Makes some Gets of a scene hang until they may go on."""

    def __init__(self, play: Scene, monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
        self.begun: list[str] = []
        self.most = 0
        self.go_on: anyio.Event | None = None
        self._under_way = 0
        self._hang = {arn(number) for number in numbers}
        self._answer = play.aws.get
        monkeypatch.setattr(gets, "HASTE", 0.05)
        monkeypatch.setattr(gets, "_GLANCE", 0.01)
        monkeypatch.setattr(play.aws, "get", self._get)

    async def _get(self, identifier: str) -> Answer:
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            if identifier in self._hang:
                self.begun.append(identifier)
                assert self.go_on is not None
                await self.go_on.wait()
            return await self._answer(identifier)
        finally:
            self._under_way -= 1


def test_a_get_that_hangs_holds_up_no_other_job(play: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the turn: a second one is taken while the first one's Get still hangs; its answer is told when it comes."""
    numbers = range(1, 31)
    play.watch(*numbers)
    play.aws.jobs = {arn(number): response(number) for number in numbers}
    hanging = Hanging(play, monkeypatch, *range(1, 21))

    async def scenario() -> None:
        hanging.go_on = anyio.Event()
        async with anyio.create_task_group() as beside:
            play.group.ask_beside(beside)
            await play.group.turn()
            assert {subject for subject, _ in play.told()} == {f"job/{number}" for number in range(21, 31)}
            play.now += 150
            for number in range(21, 31):
                play.aws.jobs[arn(number)] = response(number, minute=90, status="Failed", endTime=at(90))
            await play.group.turn()
            failed = [one for _, changes in play.told() for one in changes if isinstance(one, StatusChanged)]
            assert len(failed) == 10
            assert hanging.most <= gets.AT_ONCE
            hanging.go_on.set()
        play.group.ask_beside(None)
        await play.group.turn()

    anyio.run(scenario)
    assert {subject for subject, _ in play.told()} == {f"job/{number}" for number in numbers}
    assert "job_failing" not in play.log.lines


def test_jobs_that_hang_share_one_connection(play: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    well(play, 12)
    hanging = Hanging(play, monkeypatch, *range(1, 6))
    play.aws.list_error = refusal(LookFault.DENIED)

    async def scenario() -> None:
        hanging.go_on = anyio.Event()
        async with anyio.create_task_group() as beside:
            play.group.ask_beside(beside)
            play.now += 150
            await play.group.turn()
            await anyio.wait_all_tasks_blocked()
            hanging.begun.clear()
            for _ in range(3):
                play.now += 150
                await play.group.turn()
            assert hanging.begun == []  # one is still under way, and the others wait for it
            hanging.go_on.set()

    anyio.run(scenario)
    assert sorted(set(play.aws.gets)) == sorted(play.aws.jobs)


def test_when_all_gets_hang_nobody_is_left_behind_and_the_scope_fails(
    play: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    well(play, 30)
    Hanging(play, monkeypatch)
    play.aws.get_error = play.aws.list_error = refusal(LookFault.NETWORK)
    play.turn(after=150)
    assert play.log.lines.count("scope_failing") == 1
    assert not any(job.hung for job in play.group.jobs.awake.values())
