"""What the installed program tells the service manager over the socket that it is given; sd_notify(3)."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import support_simulator as support
from support_daemon import Home, Process, hold, hook_url
from support_frozen import thaw
from support_receivers import web_receiver
from support_simulator import NOON, Clock

from watcher.simulator import Simulator, failing
from watcher.systemd import Notifier, own_service

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)


class Manager:
    """A service manager's end of the socket; *told* is what it was told so far."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.told: list[dict[str, str]] = []

    def hear(self) -> list[dict[str, str]]:
        """Return all that was told so far."""
        self._socket.setblocking(False)
        while True:
            try:
                message = self._socket.recv(65536).decode()
            except BlockingIOError:
                return self.told
            self.told.append(dict(line.split("=", 1) for line in message.splitlines()))

    def has(self, **told: str) -> bool:
        """Return whether one message has told this."""
        return any(told.items() <= message.items() for message in self.hear())

    def count(self, name: str) -> int:
        """Return how many messages have told *name*."""
        return sum(name in message for message in self.hear())


@contextmanager
def manager(address: str) -> Iterator[Manager]:
    """Listen at *address*, in the words of ``$NOTIFY_SOCKET``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + address[1:] if address.startswith("@") else address)
        yield Manager(sock)


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"{tmp_path}/notify" if request.param == "path" else f"@bedrock-watch-{uuid4()}"


def test_ready_reload_and_stop_are_told_in_order(
    tmp_path: Path, simulator: Simulator, endpoint: str, address: str
) -> None:
    """RELOADING comes with the monotonic time of the same clock as ours; nothing of it asks for a watchdog."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())], env={"NOTIFY_SOCKET": address})
    before = time.monotonic_ns() // 1000
    with manager(address) as systemd, home.running() as daemon:
        daemon.wait_for(lambda: systemd.has(READY="1"))
        daemon.wait_for(lambda: any("1 running" in message.get("STATUS", "") for message in systemd.hear()))
        daemon.popen.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: systemd.count("READY") == 2)
        assert daemon.terminate() == 0
        told = systemd.hear()
    order = [name for message in told for name in message if name in ("READY", "RELOADING", "STOPPING")]
    assert order == ["READY", "RELOADING", "READY", "STOPPING"]
    (reloading,) = (message for message in told if "RELOADING" in message)
    assert before < int(reloading["MONOTONIC_USEC"]) < time.monotonic_ns() // 1000
    assert not any("WATCHDOG" in message for message in told)
    assert all("\n" not in value for message in told for value in message.values())


def test_an_aws_that_is_away_does_not_fail_a_start(tmp_path: Path) -> None:
    """Neither for a job by its ARN, nor for one by a name whose region only the AWS profile knows."""
    profiles = tmp_path / "aws"
    profiles.write_text("[default]\nregion = eu-west-1\n")
    address = f"{tmp_path}/notify"
    home = Home(
        tmp_path, "http://127.0.0.1:9", ["my-job"], env={"NOTIFY_SOCKET": address, "AWS_CONFIG_FILE": str(profiles)}
    )
    home.region = ""
    with manager(address) as systemd, home.running() as daemon:
        daemon.wait_for(lambda: systemd.has(READY="1"))
        daemon.wait_for(lambda: any("cannot look" in message.get("STATUS", "") for message in systemd.hear()))
        assert daemon.terminate() == 0


def test_the_watchdog_is_fed_while_every_loop_moves(tmp_path: Path, simulator: Simulator, endpoint: str) -> None:
    address = f"{tmp_path}/notify"
    env = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}
    home = Home(tmp_path, endpoint, [simulator.play(failing())], env=env)
    with manager(address) as systemd, home.running() as daemon:
        daemon.wait_for(lambda: systemd.count("WATCHDOG") >= 5)
        daemon.popen.send_signal(signal.SIGSTOP)
        systemd.hear()
        count = systemd.count("WATCHDOG")
        time.sleep(1.0)
        assert systemd.count("WATCHDOG") <= count + 1
        daemon.popen.send_signal(signal.SIGCONT)
        daemon.wait_for(lambda: systemd.count("WATCHDOG") >= count + 5)
        assert daemon.terminate() == 0


def test_a_watchdog_that_is_another_process_s_is_not_fed(tmp_path: Path, simulator: Simulator, endpoint: str) -> None:
    address = f"{tmp_path}/notify"
    env = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"}
    home = Home(tmp_path, endpoint, [simulator.play(failing())], env=env)
    with manager(address) as systemd, home.running() as daemon:
        daemon.wait_for(lambda: systemd.count("STATUS") >= 3)
        assert systemd.count("WATCHDOG") == 0
        assert daemon.terminate() == 0


@pytest.mark.parametrize(
    ("env", "watchdog"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({"WATCHDOG_USEC": "0"}, 0.0),
    ],
)
def test_the_watchdog_is_read_as_sd_watchdog_enabled_reads_it(env: dict[str, str], watchdog: float) -> None:
    assert Notifier.of(env).watchdog == watchdog


@pytest.mark.parametrize(
    ("main", "group", "own"),
    [
        (True, "0::/system.slice/bedrock-watch.service", ("bedrock-watch.service", "system")),
        (
            True,
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/bedrock-watch.service",
            ("bedrock-watch.service", "user"),
        ),
        (True, "1:cpu:/\n0::/system.slice/a:b@2.service", ("a:b@2.service", "system")),
        (True, "0::/user.slice/user-1000.slice/session-3.scope", None),
        (False, "0::/user.slice/user-1000.slice/user@1000.service/app.slice/terminal.service", None),
        (True, None, None),
    ],
)
def test_which_service_we_are_is_known_to_its_main_process(
    tmp_path: Path, group: str | None, own: tuple[str, str] | None, *, main: bool
) -> None:
    """Not to what somebody runs by hand in a terminal that is a service itself."""
    file = tmp_path / "cgroup"
    if group:
        file.write_text(f"{group}\n")
    expected = dict(zip(("unit", "manager"), own, strict=True)) if own else {}
    assert own_service({"SYSTEMD_EXEC_PID": str(os.getpid() if main else 1)}, file) == expected
    assert own_service({}, file) == {}


@pytest.mark.parametrize("address", ["", "relative", "vsock:2:1234", "/nowhere/at/all", "@nobody-listens-here"])
def test_nobody_listening_is_no_error(address: str) -> None:
    notifier = Notifier(address)
    notifier.ready("fine")
    notifier.close()


def test_a_line_break_in_a_status_begins_no_other_variable(tmp_path: Path) -> None:
    with manager(f"{tmp_path}/notify") as systemd:
        notifier = Notifier(f"{tmp_path}/notify")
        notifier.status("one\nWATCHDOG=trigger\n")
        notifier.close()
        assert systemd.hear() == [{"STATUS": "one WATCHDOG=trigger"}]


def test_an_old_database_that_is_brought_up_to_date_has_the_time_it_takes(tmp_path: Path) -> None:
    """Before READY, so that a long migration is not ended in the middle again and again."""
    (tmp_path / "state").mkdir()
    thaw(1, tmp_path / "state/bedrock-watch.db")
    address = f"{tmp_path}/notify"
    home = Home(tmp_path, "http://127.0.0.1:9", env={"NOTIFY_SOCKET": address})
    with manager(address) as systemd, home.running() as daemon:
        daemon.wait_for(lambda: systemd.has(READY="1"))
        told = systemd.hear()
        assert daemon.terminate() == 0
    assert [sorted(message) for message in told[:2]] == [["EXTEND_TIMEOUT_USEC"], ["READY", "STATUS"]]
    assert home.logged("migrating")


def test_a_stop_while_it_starts_is_an_orderly_one(tmp_path: Path, simulator: Simulator, endpoint: str) -> None:
    """The database is held by somebody, so that the start waits; it never gets READY, and ends well all the same."""
    address = f"{tmp_path}/notify"
    home = Home(tmp_path, endpoint, [simulator.play(failing())], env={"NOTIFY_SOCKET": address})
    with home.running() as daemon:
        assert daemon.terminate() == 0
    with closing(sqlite3.connect(tmp_path / "state/bedrock-watch.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with manager(address) as systemd, (tmp_path / "second.log").open("wb") as log:
            popen = subprocess.Popen(home.command("run"), stderr=log, env=home.environment())
            daemon = Process(popen, home)
            daemon.wait_for(lambda: "database_failing" in (tmp_path / "second.log").read_text())
            assert daemon.terminate() == 0
            assert systemd.count("READY") == 0
            assert systemd.count("STOPPING") == 1


def test_a_second_stop_ends_what_the_first_one_waits_for(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """A message is on its way to a receiver that does not answer: it may have arrived, and is marked so at the next start."""
    with web_receiver() as hook:
        home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
        released = hold(hook)
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(1,)])
            clock.now = NOON + 5 * 60
            daemon.wait_for(lambda: hook.requests)
            daemon.popen.send_signal(signal.SIGTERM)
            daemon.wait_for(lambda: home.logged("stopping"))
            assert daemon.terminate() == 0
        released.set()
    assert len(home.logged("stopping")) == 2
    assert home.query("SELECT state FROM deliveries") == [("sending",)]
