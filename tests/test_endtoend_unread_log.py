"""A log that nobody reads stops nothing: jobs are polled, alerts are sent, and SIGTERM ends the daemon."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import DEADLINE, Home, hook_url, posted
from support_receivers import web_receiver
from support_simulator import NOON, Clock

from watcher.simulator import Simulator, failing

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)


@contextmanager
def full_pipe() -> Iterator[int]:
    """Yield a pipe that has no room left and that nobody reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, bytes(65536))
    except BlockingIOError:
        os.set_blocking(writing, True)
    yield writing
    os.close(reading)
    os.close(writing)


@contextmanager
def stopped_terminal() -> Iterator[int]:
    """Yield a terminal whose output was stopped, as Ctrl-S does."""
    master, slave = pty.openpty()
    termios.tcflow(slave, termios.TCOOFF)
    yield slave
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("unread", [full_pipe, stopped_terminal])
def test_a_log_that_nobody_reads_stops_neither_polls_nor_alerts_nor_sigterm(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, unread: Callable[[], AbstractContextManager[int]]
) -> None:
    with web_receiver() as hook, unread() as stderr:
        home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
        daemon = subprocess.Popen(home.command("run"), stderr=stderr, env=home.environment())
        try:
            wait_for(lambda: simulator.counts["Get"] >= 1)
            clock.now = NOON + 5 * 3600
            wait_for(lambda: any("FAILED" in alert.title for alert in posted(hook)))
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(DEADLINE) == 0
        finally:
            daemon.kill()


def test_a_service_manager_that_does_not_read_stops_neither_polls_nor_sigterm(
    tmp_path: Path, simulator: Simulator, endpoint: str
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{tmp_path}/notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            filler.setblocking(False)
            try:
                while True:
                    filler.sendto(b"X=1", f"{tmp_path}/notify")
            except BlockingIOError:
                pass
        home = Home(tmp_path, endpoint, [simulator.play(failing())])
        env = home.environment() | {"NOTIFY_SOCKET": f"{tmp_path}/notify"}
        daemon = subprocess.Popen(home.command("run"), stderr=subprocess.DEVNULL, env=env)
        try:
            wait_for(lambda: simulator.counts["Get"] >= 2)
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(DEADLINE) == 0
        finally:
            daemon.kill()


def test_an_error_at_the_start_ends_the_daemon_though_nobody_reads_it(tmp_path: Path) -> None:
    with full_pipe() as stderr:
        home = Home(tmp_path, "http://127.0.0.1:9", more="[nonsense]\n")
        daemon = subprocess.Popen(home.command("run"), stderr=stderr, env=home.environment())
        try:
            assert daemon.wait(DEADLINE) == 78
        finally:
            daemon.kill()


def wait_for(condition: Callable[[], object]) -> None:
    """Return as soon as *condition* holds; fail when it never does."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
