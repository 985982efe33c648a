"""Downtime leaves a trace: an event from when to when nothing was monitored, and why; long ones are alerted.

The clocks are moved from outside (``sitecustomize`` of the process): the wall clock, and CLOCK_BOOTTIME, which counts
while a machine sleeps.
"""

from __future__ import annotations

import json
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import web_receiver

from watcher.daemon.monitoring import LastSign, gap_since
from watcher.simulator import Simulator, failing

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

HOUR = 3600.0
SHIM = """
import time

def _moved(name):
    with open({file!r}) as stream:
        return float(dict(zip(("wall", "boot"), stream.read().split()))[name])

def _time(real=time.time):
    return real() + _moved("wall")

def _gettime(which, real=time.clock_gettime):
    return real(which) + (_moved("boot") if which == time.CLOCK_BOOTTIME else 0.0)

time.time, time.clock_gettime = _time, _gettime
"""


class Clocks:
    """What a process takes for the time, against the real one."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "clocks"
        self.move()
        self.hook = SHIM.format(file=str(self._file))

    def move(self, wall: float = 0.0, boot: float = 0.0) -> None:
        """Set the two clocks by so many seconds against the real ones."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{wall} {boot}")
        fresh.replace(self._file)


@pytest.fixture
def clocks(tmp_path: Path) -> Clocks:
    return Clocks(tmp_path)


def gaps(home: Home) -> list[dict[str, Any]]:
    """Return the gaps that ``events`` shows."""
    events = json.loads(home.run("events", "-o", "json").stdout)["events"]
    return [change for event in events for change in event["transitions"] if change["type"] == "Gap"]


def seconds(gap: dict[str, Any]) -> float:
    return (datetime.fromisoformat(gap["ended_at"]) - datetime.fromisoformat(gap["began_at"])).total_seconds()


@pytest.mark.parametrize(("how", "cause"), [("kill", "killed"), ("terminate", "stopped")])
def test_a_daemon_that_was_down_for_an_hour_says_so_and_why(
    tmp_path: Path, simulator: Simulator, endpoint: str, clocks: Clocks, how: str, cause: str
) -> None:
    with web_receiver() as hook:
        home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)}, hook=clocks.hook)
        with home.running() as daemon:
            getattr(daemon, how)()
        clocks.move(wall=HOUR, boot=HOUR)
        with home.running() as daemon:
            daemon.wait_for(lambda: any("MONITORING GAP" in alert.title for alert in posted(hook)))
            assert daemon.terminate() == 0
    (gap,) = gaps(home)
    assert gap["cause"] == cause
    assert HOUR <= seconds(gap) < HOUR + 60
    assert "Nothing was monitored from " in home.run("events").stdout


def test_a_gap_that_is_shorter_than_blind_after_is_recorded_and_alerts_nobody(
    tmp_path: Path, simulator: Simulator, endpoint: str, clocks: Clocks
) -> None:
    with web_receiver() as hook:
        home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)}, hook=clocks.hook)
        with home.running() as daemon:
            daemon.kill()
        clocks.move(wall=20, boot=20)
        with home.running() as daemon:
            daemon.wait_for(lambda: gaps(home))
            assert daemon.terminate() == 0
    assert home.query("SELECT count(*) FROM deliveries") == [(0,)]


def test_a_restart_at_once_is_no_gap(tmp_path: Path, simulator: Simulator, endpoint: str, clocks: Clocks) -> None:
    home = Home(tmp_path, endpoint, [simulator.play(failing())], hook=clocks.hook)
    for _ in range(2):
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
            assert daemon.terminate() == 0
    assert gaps(home) == []


@pytest.mark.parametrize("step", [-HOUR, HOUR, 10 * 365 * 24 * HOUR])
def test_a_step_of_the_wall_clock_is_no_gap(
    tmp_path: Path, simulator: Simulator, endpoint: str, clocks: Clocks, step: float
) -> None:
    """Neither while the daemon runs, nor while it is down."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())], hook=clocks.hook)
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        clocks.move(wall=step)
        daemon.wait_for(lambda: home.logged("clock_jumped"))
        assert daemon.terminate() == 0
    clocks.move(wall=2 * step)
    with home.running() as daemon:
        daemon.wait_for(lambda: len(home.logged("started")) == 2)
        assert daemon.terminate() == 0
    assert gaps(home) == []


def test_a_machine_that_slept_and_a_step_of_its_clock_make_a_gap_of_what_it_slept(
    tmp_path: Path, simulator: Simulator, endpoint: str, clocks: Clocks
) -> None:
    home = Home(tmp_path, endpoint, [simulator.play(failing())], hook=clocks.hook)
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        clocks.move(wall=5 * HOUR, boot=2 * HOUR)
        daemon.wait_for(lambda: gaps(home))
        assert daemon.terminate() == 0
    (gap,) = gaps(home)
    assert gap["cause"] == "suspended"
    assert 2 * HOUR <= seconds(gap) < 2 * HOUR + 60


def test_a_process_that_was_stopped_by_a_signal_says_so(
    tmp_path: Path, simulator: Simulator, endpoint: str, clocks: Clocks
) -> None:
    home = Home(tmp_path, endpoint, [simulator.play(failing())], hook=clocks.hook)
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        daemon.popen.send_signal(signal.SIGSTOP)
        clocks.move(wall=HOUR, boot=HOUR)
        daemon.popen.send_signal(signal.SIGCONT)
        daemon.wait_for(lambda: gaps(home))
        assert daemon.terminate() == 0
    (gap,) = gaps(home)
    assert gap["cause"] == "suspended"


@pytest.mark.parametrize(
    ("now", "booted", "boot", "crashed_at", "cause", "length"),
    [
        (1100.0, 600.0, "a", 0.0, "killed", 100.0),
        (1100.0, 600.0, "a", 1005.0, "crashed", 100.0),
        (1100.0, 600.0, "a", 800.0, "killed", 100.0),
        (9000.0, 600.0, "a", 0.0, "killed", 100.0),  # the wall clock was set meanwhile
        (10.0, 600.0, "a", 0.0, "killed", 100.0),
        (1100.0, 5.0, "b", 0.0, "rebooted", 100.0),
        (500.0, 5.0, "b", 0.0, "", 0.0),  # another boot, and a clock that went back: nothing can be told
        (1005.0, 505.0, "a", 0.0, "", 0.0),
    ],
)
def test_how_long_a_gap_was_and_why(
    now: float, booted: float, boot: str, crashed_at: float, cause: str, length: float
) -> None:
    gap = gap_since(LastSign(1000.0, 500.0, "a", ""), now, booted, boot, crashed_at)
    assert (gap.cause if gap else "") == cause
    assert ((gap.ended_at - gap.began_at).total_seconds() if gap else 0.0) == length


@pytest.mark.parametrize("status", [{}, {"written_at": "x", "boottime": 1}, {"written_at": 1e300, "boottime": 1}])
def test_a_forged_sign_of_life_is_none(status: dict[str, Any]) -> None:
    assert LastSign.of(status) is None
