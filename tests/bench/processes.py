"""Processes as the operating system accounts for them: CPU, memory, and how they are begun and ended.

CPU is POSIX's clock of a process (clock_getcpuclockid(3): all its threads, user and system, in nanoseconds), or for one
that has ended the kernel's account of it (wait4(2)).
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEADLINE = 300.0
"""Seconds after which something that does not happen cannot be measured."""

BEDROCK_WATCH = str(Path(sys.executable).with_name("bedrock-watch"))
"""The installed program."""

_LIBC = ctypes.CDLL(None)


class Unmeasurable(Exception):
    """Something that was to be measured did not happen; the text says what."""


def cpu(pid: int) -> float:
    """Return the CPU seconds that a living process has used so far."""
    clock = ctypes.c_int()
    if _LIBC.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise Unmeasurable(f"process {pid} is gone")
    return time.clock_gettime(clock.value)


def memory(pid: int, what: str = "VmRSS") -> float:
    """Return a process's resident memory in MB (10^6 bytes); its peak with *what* ``VmHWM``."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    raise Unmeasurable(f"process {pid} has no {what}")


def environment(**more: str) -> dict[str, str]:
    """Return an environment with dummy credentials, and without anybody's real ones or proxies."""
    foreign = ("AWS_", "BEDROCK_WATCH_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "PYTHON")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and not name.lower().endswith("_proxy")
    }
    return kept | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TZ": "UTC",
        **more,
    }


def spent(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Run a command to its end, its output into a pipe, and return its CPU seconds; raises Unmeasurable if it fails."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(env)) as process:
        assert process.stdout is not None
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Unmeasurable(f"{' '.join(command)} exits with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def wait_for(condition: Callable[[], object], what: str, process: subprocess.Popen[Any] | None = None) -> None:
    """Return as soon as *condition* holds; raises Unmeasurable when it never does, or when *process* ends before."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end or (process is not None and process.poll() is not None):
            raise Unmeasurable(f"waited in vain until {what}")
        time.sleep(0.02)


@contextmanager
def helper(module: str, *words: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """Run one of this package's programs, with pipes, until the block ends: its stdin ends first."""
    command = [sys.executable, "-m", f"bench.{module}", *words]
    here = str(Path(__file__).parent.parent)
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(PYTHONPATH=here, **more)
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def line(process: subprocess.Popen[str]) -> Any:
    """Return the next line of a helper, parsed; raises Unmeasurable when it has ended instead."""
    assert process.stdout is not None
    text = process.stdout.readline()
    if not text:
        raise Unmeasurable(f"{' '.join(map(str, process.args[2:4]))} ended early")  # type: ignore[index]
    return json.loads(text)


class Place:
    """A running world, from outside."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self.ports = ports
        self.url = f"http://127.0.0.1:{ports['http']}"

    def ask(self, verb: str) -> Any:
        """Return the answer of the world's control."""
        with urllib.request.urlopen(f"{self.url}/_world/{verb}", timeout=DEADLINE) as response:  # noqa: S310
            return json.load(response)

    def has(self, what: str, at_least: int) -> bool:
        """Return whether something (``told``, ``cycles``, ...) has happened so often."""
        return bool(self.ask("counts").get(what, 0) >= at_least)


@contextmanager
def world(jobs: int, certificate: str = "") -> Iterator[Place]:
    """Run a world of so many jobs."""
    with helper("world", str(jobs), certificate) as process:
        yield Place(line(process))
