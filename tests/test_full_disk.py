"""A disk without room, and a database that another process holds: told, nothing lost, and the work goes on by itself.

The disk is a real file system of two megabytes, which only root can mount: elsewhere these tests are skipped, and say so.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, Process, hold, hook_url, posted
from support_receivers import WebReceiver, web_receiver
from support_simulator import NOON, Clock

from watcher.simulator import Simulator, failing, fine_tuning

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

COMPLETED = "[bedrock] COMPLETED titan-tickets-v7 after 1h50m"
FAILED = "[bedrock] FAILED nova-legal-v1 (training) after 1h30m"


@pytest.fixture
def hook() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return where a file system of two megabytes is mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", place], capture_output=True, check=False)  # noqa: S607
    if done.returncode:
        pytest.skip(f"NOT TESTED: a full disk needs a file system to fill: {done.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)  # noqa: S607


def fill(disk: Path) -> None:
    """Leave no room."""
    with (disk / "filler").open("ab", buffering=0) as filler:
        for size in (65536, 4096, 1):
            with suppress(OSError):
                while True:
                    filler.write(b"x" * size)


def make_room(disk: Path) -> None:
    """Let others write again."""
    (disk / "filler").unlink()


def seen(home: Home, count: int) -> bool:
    """Return whether so many jobs have been seen."""
    return home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(count,)]


def ailment(home: Home, daemon: Process) -> str:
    """Return what ``health`` says, which is the exit code too."""
    done = home.run("health", "-o", "json")
    document = json.loads(done.stdout)
    assert done.returncode == (0 if document["healthy"] else 3)
    return document["ailment"] or ""


def test_a_full_disk_is_told_nothing_is_lost_and_the_work_goes_on_when_there_is_room(
    tmp_path: Path, disk: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """Log, status file, STATUS= and health tell; no message is sent that could not be marked before."""
    jobs = [simulator.play(failing()), simulator.play(fine_tuning())]
    home = Home(disk, endpoint, jobs, {"hook": hook_url(hook)})
    home.log_file = tmp_path / "daemon.log"
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home, 2))
        assert ailment(home, daemon) == ""
        fill(disk)
        clock.now = NOON + 111 * 60
        daemon.wait_for(lambda: home.logged("database_failing"))
        daemon.wait_for(lambda: home.status()["database_error"])
        assert "cannot write" in home.status()["headline"]
        assert "database or disk is full" in ailment(home, daemon)
        shown = home.run("status")
        assert (shown.returncode, "database or disk is full" in shown.stdout) == (3, True)
        lists = simulator.counts["Get"]
        assert hook.requests == []
        make_room(disk)
        daemon.wait_for(lambda: len(hook.requests) == 2)
        daemon.wait_for(lambda: ailment(home, daemon) == "")
        assert daemon.terminate() == 0
    assert lists >= 4
    assert sorted(alert.title for alert in posted(hook)) == [COMPLETED, FAILED]
    assert home.query("SELECT state, uncertain FROM deliveries") == [("sent", 0)] * 2
    assert len(home.logged("database_failing")) == len(home.logged("database_works_again"))
    assert home.query("PRAGMA integrity_check") == [("ok",)]


def test_a_message_that_arrived_while_the_disk_was_full_is_marked_later_and_not_sent_again(
    tmp_path: Path, disk: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    home = Home(disk, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
    home.log_file = tmp_path / "daemon.log"
    released = hold(hook)
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home, 1))
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: hook.requests)
        fill(disk)
        released.set()
        daemon.wait_for(lambda: home.logged("database_failing"))
        assert home.query("SELECT state FROM deliveries") == [("sending",)]
        make_room(disk)
        daemon.wait_for(lambda: home.query("SELECT state FROM deliveries") == [("sent",)])
        assert daemon.terminate() == 0
    assert [alert.title for alert in posted(hook)] == [FAILED]
    assert home.query("SELECT uncertain, attempts FROM deliveries") == [(0, 1)]


def test_a_daemon_that_ends_on_a_full_disk_marks_what_may_have_arrived(
    tmp_path: Path, disk: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """It ends in its ten seconds, for a stop is a stop; the next one repeats that message, and says so."""
    home = Home(disk, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
    home.log_file = tmp_path / "daemon.log"
    released = hold(hook)
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home, 1))
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: hook.requests)
        fill(disk)
        released.set()
        daemon.wait_for(lambda: home.logged("database_failing"))
        assert daemon.terminate() == 0
    make_room(disk)
    with home.running() as daemon:
        daemon.wait_for(lambda: len(hook.requests) == 2)
        daemon.wait_for(lambda: home.query("SELECT state FROM deliveries") == [("sent",)])
        assert daemon.terminate() == 0
    assert [alert.marked for alert in posted(hook)] == [False, True]


def test_a_database_that_another_process_holds_for_long_is_waited_for(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """For longer than SQLite itself waits.  Who holds it may be any tool."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home, 1))
        with closing(sqlite3.connect(tmp_path / "state/bedrock-watch.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            clock.now = NOON + 91 * 60
            daemon.wait_for(lambda: home.logged("database_failing"))
            daemon.wait_for(lambda: "locked by another process" in home.status()["database_error"])
            shown = home.run("status")
            assert (shown.returncode, "locked by another process" in shown.stdout) == (3, True)
            other.execute("ROLLBACK")
        daemon.wait_for(lambda: hook.requests)
        assert daemon.terminate() == 0
    assert [alert.title for alert in posted(hook)] == [FAILED]
    assert len(home.logged("database_works_again")) == 1
