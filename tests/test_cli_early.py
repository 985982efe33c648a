"""Signals are obeyed from the program's first moment on, as process 1 too, and Ctrl-C never prints a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from support_daemon import DEADLINE, Home

from watcher.cli import early


def handles(pid: int, number: int) -> bool:
    """Return whether the process handles a signal (SigCgt of proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    raise AssertionError("no SigCgt")


def start(home: Home, words: Sequence[str], *, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, *home.command(*words)],
        env=home.environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def once_it_handles(pid: int, number: int) -> None:
    end = time.monotonic() + DEADLINE
    while not handles(pid, number):
        assert time.monotonic() < end
        time.sleep(0.0005)


DELAYS = pytest.mark.parametrize("delay", [0.0, 0.05, 0.2, 0.6])

ARMED = """
import sys
from watcher.cli import early, main
arm = early.arm
def arm_and_say(words):
    arm(words)
    print("armed", file=sys.stderr, flush=True)
early.arm = arm_and_say
main()
"""
"""The program, which says when it is armed: Python has a handler of its own for SIGINT from its start."""


@DELAYS
@pytest.mark.parametrize(
    ("words", "number", "codes"),
    [
        (["run"], signal.SIGTERM, {0}),
        (["wait", "x"], signal.SIGTERM, {143, 2, 4, 5}),
        (["list"], signal.SIGTERM, {143, 0}),
    ],
)
def test_a_signal_at_any_moment_ends_the_program_without_a_traceback(
    tmp_path: Path, words: Sequence[str], number: int, codes: set[int], delay: float
) -> None:
    """A short command may be over by then: then its own exit code stands."""
    process = start(Home(tmp_path, "http://127.0.0.1:9"), words)
    once_it_handles(process.pid, number)
    time.sleep(delay)
    process.send_signal(number)
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode in codes, err
    assert "Traceback" not in err


@DELAYS
@pytest.mark.parametrize(
    ("words", "codes"), [(["run"], {0}), (["list"], {130, 0}), (["status"], {130, 3}), (["wait", "x"], {130, 4, 5})]
)
def test_ctrl_c_at_any_moment_prints_no_traceback(
    tmp_path: Path, words: Sequence[str], codes: set[int], delay: float
) -> None:
    home = Home(tmp_path, "http://127.0.0.1:9")
    command = [sys.executable, "-c", ARMED, *home.command(*words)[3:]]
    process = subprocess.Popen(
        command, env=home.environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "armed\n"
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode in codes, err
    assert "Traceback" not in err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start process 1 of a namespace; .ci/run is root")
@pytest.mark.parametrize("delay", [0.0, 0.1, 0.5])
@pytest.mark.parametrize(
    "words", [["run"], ["wait", "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/a/abcdefghij12"]]
)
def test_as_process_1_sigterm_is_obeyed(tmp_path: Path, words: Sequence[str], delay: float) -> None:
    home = Home(tmp_path, "http://127.0.0.1:9")
    outer = start(home, words, before=["unshare", "--pid", "--fork", "--kill-child"])
    try:
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
        end = time.monotonic() + DEADLINE
        while not children.read_text().split():
            assert time.monotonic() < end
            time.sleep(0.001)
        pid = int(children.read_text().split()[0])
        once_it_handles(pid, signal.SIGTERM)
        time.sleep(delay)
        os.kill(pid, signal.SIGTERM)
        _, err = outer.communicate(timeout=DEADLINE)
        assert "Traceback" not in err
    finally:
        outer.kill()


def test_a_hangup_before_the_daemon_listens_asks_for_a_reload(tmp_path: Path) -> None:
    home = Home(tmp_path, "http://127.0.0.1:9")
    process = start(home, ["run"])
    once_it_handles(process.pid, signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err


def test_nothing_but_the_handlers_is_imported_before_them() -> None:
    code = "import sys; import watcher.cli; print(*sorted(m for m in sys.modules if m.startswith('watcher')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["watcher", "watcher.cli", "watcher.cli.early", "watcher.errors"]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ([], ""),
        (["run"], "run"),
        (["--config", "run", "wait", "x"], "wait"),
        (["--config=x", "-vv", "run", "--once"], "run"),
        (["--color", "never", "show", "run"], "show"),
        (["--help"], ""),
    ],
)
def test_the_command_is_found_among_the_global_options(words: list[str], command: str) -> None:
    assert early._command(words) == command
