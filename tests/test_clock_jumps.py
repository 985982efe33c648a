"""The wall clock is set by an hour, either way, under the running program: nothing stops, floods or is lost.

The program is the installed one, in a process of its own.  All of it reads the time in one place (``watcher.clock``),
from ``time.time``; so that is what these tests move, from outside: a module that Python imports before the program
(``sitecustomize``) adds what a file says.  The monotonic clock is the machine's, as it is when a real clock is set.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import Reply, WebReceiver, web_receiver
from support_simulator import NOON, Clock

from watcher.simulator import Simulator, distillation, failing, fine_tuning

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

HOUR = 3600.0
SHIM = """
import time

def _time(real=time.time):
    with open({file!r}) as stream:
        return real() + float(stream.read() or 0)

time.time = _time
"""


@pytest.fixture
def hook() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


class WallClock:
    """What the program takes for the time, against the real one."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "offset"
        self.set(0.0)
        self.hook = SHIM.format(file=str(self._file))

    def set(self, seconds: float) -> None:
        """Set it by so many seconds against the real one."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self._file)


@pytest.fixture
def wall(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


def seen(home: Home, count: int) -> bool:
    """Return whether so many jobs have been seen."""
    return home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(count,)]


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_polling_goes_on_at_its_pace_news_arrives_once_and_the_daemon_stays_well(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, wall: WallClock, jump: float
) -> None:
    """There and back again; the watchdog is fed all the time, and health finds nothing."""
    jobs = [simulator.play(make()) for make in (distillation, failing, fine_tuning)]
    address = tmp_path / "notify"
    env = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "1000000"}
    home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, env=env, hook=wall.hook)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        systemd.setblocking(False)
        with home.running() as daemon:
            daemon.wait_for(lambda: seen(home, 3))
            for offset, minute in ((jump, 53), (0.0, 80)):
                wall.set(offset)
                daemon.wait_for(lambda: len(home.logged("clock_jumped")) == (1 if offset else 2))  # noqa: B023
                lists = simulator.counts["List"]
                clock.now = NOON + minute * 60
                daemon.wait_for(lambda: simulator.counts["List"] > lists + 3)  # noqa: B023
                assert home.run("health").returncode == 0
            clock.now = NOON + 111 * 60
            daemon.wait_for(lambda: sum("COMPLETED" in alert.title for alert in posted(hook)) == 1)
            drain(systemd)
            daemon.wait_for(lambda: "WATCHDOG=1" in drain(systemd))
            assert daemon.terminate() == 0
    told = [(alert.event, alert.title) for alert in posted(hook)]
    assert len(told) == len(set(told))
    assert home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)]
    # No storm, which would be hundreds.  On a slow machine the three may be due apart, and are got then, now and again.
    assert simulator.counts["Get"] <= 20 * len(jobs)
    assert [round(line["seconds"], -2) for line in home.logged("clock_jumped")] == [jump, -jump]
    assert home.logged("standing_still") == []


def drain(sock: socket.socket) -> list[str]:
    """Return what was told meanwhile."""
    told = []
    while True:
        try:
            told.append(sock.recv(65536).decode())
        except BlockingIOError:
            return told


def test_a_message_that_waits_for_its_next_try_does_not_wait_an_hour_more(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, wall: WallClock
) -> None:
    """Its time was reckoned by the old clock."""
    hook.replies.append(Reply(503, headers={"Retry-After": "600"}))
    home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)}, hook=wall.hook)
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home, 1))
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: home.logged("channel_failing"))
        wall.set(-HOUR)
        daemon.wait_for(lambda: len(hook.requests) == 2)
        daemon.wait_for(lambda: home.query("SELECT state, attempts FROM deliveries") == [("sent", 2)])
        assert daemon.terminate() == 0


def test_a_clock_that_was_set_back_while_the_daemon_was_down_holds_nothing_up(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, wall: WallClock
) -> None:
    """Neither what waits for its next try, nor jobs that are due, are later than they would have been."""
    hook.replies.append(Reply(503, headers={"Retry-After": "600"}))
    home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)}, hook=wall.hook)
    wall.set(2 * HOUR)
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home, 1))
        clock.now = NOON + 5 * 60
        daemon.wait_for(lambda: home.logged("channel_failing"))
        assert daemon.terminate() == 0
    wall.set(0.0)
    with home.running() as daemon:
        daemon.wait_for(lambda: len(hook.requests) == 2)
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: len(hook.requests) == 3)
        assert json.loads(home.run("status", "-o", "json").stdout)["healthy"]
        assert daemon.terminate() == 0
