"""A clock that is wrong by years deletes no history and calls no job stalled: first AWS has to confirm the clock."""

from __future__ import annotations

from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import web_receiver
from support_simulator import Clock
from test_gaps import Clocks

from watcher import clock as wall
from watcher.bedrock.dates import date_of
from watcher.daemon.clockwork import AGREED, ClockTrust
from watcher.simulator import Simulator, distillation, failing

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

YEARS = 10 * 365 * 86_400.0


class Reminding(Home):
    """A home whose daemon says when nothing has changed for twelve hours."""

    def _configuration(self) -> str:
        return super()._configuration().replace('stall_after = "off"', 'stall_after = "12h"')


def polled_at(home: Home) -> float:
    """Return when the daemon last polled, by its own clock."""
    return max((group["swept_at"] for group in home.status().get("groups", {}).values()), default=0.0)


@pytest.mark.parametrize("when", ["before the start", "while it runs"])
def test_a_clock_that_is_ten_years_ahead_deletes_nothing_and_calls_no_job_stalled(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, when: str
) -> None:
    clocks = Clocks(tmp_path)
    with web_receiver() as hook:
        clock.now = wall.now() - 3600
        jobs = [simulator.play(distillation()), simulator.play(failing())]
        clock.now += 3600  # in training
        home = Reminding(tmp_path, endpoint, jobs, hook=clocks.hook, keep="30d")
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM events") == [(2,)])
            if when == "while it runs":
                clocks.move(wall=YEARS)
                daemon.wait_for(lambda: home.logged("clock_jumped"))
                daemon.wait_for(lambda: polled_at(home) > wall.now() + YEARS / 2)
            assert daemon.terminate() == 0
        clocks.move(wall=YEARS)
        home.channels = {"hook": hook_url(hook)}
        with home.running() as daemon:
            daemon.wait_for(lambda: polled_at(home) > wall.now() + YEARS / 2)
            daemon.wait_for(lambda: home.query("SELECT remind_at FROM jobs WHERE remind_at > 0"))
            assert home.query("SELECT count(*) FROM events") == [(2,)]
            assert posted(hook) == []
            assert daemon.terminate() == 0


def test_a_job_is_called_stalled_once_aws_confirms_the_clock(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    with web_receiver() as hook:
        job = simulator.play(distillation())
        clock.now += 3600
        home = Reminding(tmp_path, endpoint, [job], {"hook": hook_url(hook)})
        with home.running() as daemon:
            daemon.wait_for(lambda: any("STALLED" in alert.title for alert in posted(hook)))
            assert daemon.terminate() == 0


def test_only_an_answer_that_agrees_confirms_and_a_step_takes_that_back(monkeypatch: pytest.MonkeyPatch) -> None:
    trust, now = ClockTrust(), wall.now()
    states = [(trust.is_confirmed(), trust.may_remind())]
    for wrong in (AGREED + 60, -AGREED - 60, YEARS):
        trust.hear(now + wrong)
        states.append((trust.is_confirmed(), trust.may_remind()))
    assert states == [(False, False)] * 4
    trust.hear(now - AGREED / 2)
    assert (trust.is_confirmed(), trust.may_remind()) == (True, True)
    monkeypatch.setattr("watcher.daemon.clockwork.clock.now", lambda: now + YEARS)
    assert (trust.is_confirmed(), trust.may_remind()) == (False, False)


def test_without_aws_for_an_hour_reminders_follow_and_pruning_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    trust = ClockTrust()
    later = trust._doubted_at + 3601
    monkeypatch.setattr("watcher.daemon.clockwork.time.monotonic", lambda: later)
    assert (trust.is_confirmed(), trust.may_remind()) == (False, True)


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT", None, 7, "Sun, 06 Nov 99999"])
def test_a_date_that_is_none_is_none(date: object) -> None:
    assert date_of({"ResponseMetadata": {"HTTPHeaders": {"date": date}}}) is None
    assert date_of({}) is None


def test_a_date_is_read_as_http_writes_it() -> None:
    headers = {"date": "Sun, 06 Nov 1994 08:49:37 GMT"}
    assert date_of({"ResponseMetadata": {"HTTPHeaders": headers}}) == 784_111_777.0
