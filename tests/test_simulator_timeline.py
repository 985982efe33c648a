"""The timelines, as arithmetic: forwards only, never in the future, and of the right length."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
import support_simulator as support
from hypothesis import given
from hypothesis import strategies as st
from support_simulator import NOON, Bedrock, Clock, get

from watcher.errors import UsageError
from watcher.model import CUSTOMIZATION
from watcher.simulator import SCENARIOS, Phase, Script, Simulator, fine_tuning, queued
from watcher.simulator.timeline import Run, begin, stop, timestamp

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
bedrock = pytest.fixture(support.bedrock)


def moments(run: Run, now: float) -> list[float]:
    """Every time in the response and in the summary of that moment, as epoch seconds, but when a job will expire."""
    told = {**run.response(run.index(now)), **run.summary(run.index(now))}
    text = str({key: value for key, value in told.items() if "xpiration" not in key})
    found = re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+Z", text)
    return [datetime.fromisoformat(each).timestamp() for each in found]


speeds = st.floats(1, 100_000)
every = list(SCENARIOS.values())
of_customization = [make for make in every if make().kind == CUSTOMIZATION]
scripts = st.builds(lambda make, speed: make(speed=speed), st.sampled_from(every), speeds)
customizations = st.builds(lambda make, speed: make(speed=speed), st.sampled_from(of_customization), speeds)
elapsed = st.lists(st.floats(0, 40_000), min_size=1, max_size=20).map(sorted)
RANK = {"NotStarted": 0, "InProgress": 1, "Stopping": 2, "Completed": 3, "Failed": 3, "Stopped": 3}


@given(script=customizations, elapsed=elapsed, halt=st.none() | st.tuples(st.integers(0, 19), st.floats(0, 600)))
def test_statuses_only_move_forward_and_no_time_is_ever_in_the_future(
    script: Script, elapsed: list[float], halt: tuple[int, float] | None
) -> None:
    """For every ready script at every speed, stopped or not, looked at whenever."""
    run = begin(script, "abcdefghij12", NOON)
    seen = []
    for place, seconds in enumerate(elapsed):
        now = NOON + seconds
        if halt and halt[0] == place and run.phases[run.index(now)].status == "InProgress":
            run = stop(run, now, halt[1])
        assert max(moments(run, now)) <= now
        seen.append(run.response(run.index(now)))
    for old, new in pairwise(seen):
        assert RANK[old["status"]] <= RANK[new["status"]]
        assert old["status"] not in run.play.terminal or new == old
        assert old["lastModifiedTime"] <= new["lastModifiedTime"]
        for step, before in old["statusDetails"].items():
            after = new["statusDetails"][step]
            assert RANK[before["status"]] <= RANK[after["status"]]
            assert before.get("creationTime") in (None, after.get("creationTime"))


@given(script=scripts)
def test_a_job_ends_when_its_real_duration_is_over_with_awss_duration_in_its_times(script: Script) -> None:
    total = sum(phase.seconds for phase in script.phases)
    run = begin(script, "abcdefghij12", NOON)
    last = len(run.phases) - 1
    assert run.index(NOON + total / script.speed + 0.001) == last
    assert run.index(NOON + total / script.speed * 0.99) < last
    assert run.starts[-1] - run.created == pytest.approx(total, abs=0.001)
    assert run.starts[-1] == pytest.approx(NOON + total / script.speed, abs=0.001)


@given(script=scripts, at=st.floats(0, 40_000), seconds=st.floats(0.01, 600))
def test_a_stop_lasts_as_long_in_real_time_as_it_was_asked_to(script: Script, at: float, seconds: float) -> None:
    """The same for a slow job, a fast one, and one whose clock has caught up with the real one."""
    endless = replace(script, phases=(*script.phases[:-1], replace(script.phases[-1], status="InProgress")))
    run = stop(begin(endless, "abcdefghij12", NOON), NOON + at, seconds)
    before, after = NOON + at + seconds * 0.99, NOON + at + seconds * 1.01
    assert run.phases[run.index(before)].status == "Stopping"
    assert run.phases[run.index(after)].status == "Stopped"
    assert max(moments(run, before)) <= before
    assert max(moments(run, after)) <= after


def test_a_queued_job_is_in_progress_with_nothing_started(simulator: Simulator, clock: Clock, bedrock: Bedrock) -> None:
    arn = simulator.play(queued())
    clock.now += 4 * 3600
    response = get(bedrock, arn)
    assert response["status"] == "InProgress"
    assert response["statusDetails"] == {
        "validationDetails": {"status": "NotStarted"},
        "trainingDetails": {"status": "NotStarted"},
    }


def test_times_are_cut_to_milliseconds_and_never_rounded_up() -> None:
    assert timestamp(NOON + 0.9999) == "2025-06-02T12:00:00.999Z"


@pytest.mark.parametrize("speed", [0.5, 0, -1, float("nan")])
def test_a_script_slower_than_life_is_refused(speed: float) -> None:
    with pytest.raises(UsageError, match="speed"):
        fine_tuning(speed=speed)


def test_a_script_without_phases_is_refused() -> None:
    with pytest.raises(UsageError, match="no phase"):
        Script("empty", ())


def test_a_script_of_ones_own_may_have_no_sub_tasks(simulator: Simulator, bedrock: Bedrock) -> None:
    arn = simulator.play(Script("plain", (Phase(0, "Completed"),), job_id="abcdefghij12"))
    assert arn.endswith("/abcdefghij12")
    assert "statusDetails" not in get(bedrock, arn)


def test_the_real_clock_is_the_default() -> None:
    simulator = Simulator()
    before = time.time()
    simulator.play(fine_tuning())
    (job,) = simulator.jobs
    assert before <= job.run.began <= time.time()
