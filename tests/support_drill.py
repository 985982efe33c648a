"""The installed ``bedrock-watch simulate`` as a process, for tests of fire drills."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support_daemon import DEADLINE, environment

PROGRAM = str(Path(sys.executable).with_name("bedrock-watch"))


@dataclass
class Running:
    """A simulator that runs; *words* is what it has said on stderr so far."""

    popen: subprocess.Popen[str]
    words: list[str] = field(default_factory=list)

    def wait_for(self, pattern: str, times: int = 1) -> list[str]:
        """Return what *pattern* finds in the words, once it is there *times* times."""
        end = time.monotonic() + DEADLINE
        while len(found := re.findall(pattern, "".join(self.words))) < times:
            assert time.monotonic() < end, f"waited in vain for {pattern}: {''.join(self.words)}"
            time.sleep(0.02)
        return found

    @property
    def url(self) -> str:
        """Where it serves."""
        return self.wait_for(r"serves (http://\S+) until")[0]

    @property
    def exports(self) -> dict[str, str]:
        """The variables that it tells people to export."""
        self.wait_for("Restart this drill")
        return dict(re.findall(r"  export (\w+)=(\S+)", "".join(self.words)))

    def started(self, times: int) -> list[str]:
        """Return the ARNs of the jobs, once it has started so many."""
        return self.wait_for(r"(?m)^started \S+: (\S+)$", times)

    def stop(self) -> tuple[int, str]:
        """End it as Ctrl-C does; return its exit code, and what it wrote to stdout."""
        self.popen.send_signal(signal.SIGINT)
        assert self.popen.stdout
        out = self.popen.stdout.read()
        return self.popen.wait(DEADLINE), out


@contextmanager
def simulating(*options: str, cwd: Path | None = None) -> Iterator[Running]:
    """Run the simulator with *options*, and see to it that it is gone at the end."""
    popen = subprocess.Popen(
        [PROGRAM, "simulate", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd=cwd,
    )
    running = Running(popen)
    assert popen.stderr
    reader = threading.Thread(target=running.words.extend, args=(popen.stderr,))
    reader.start()
    try:
        yield running
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait(DEADLINE)
        reader.join(DEADLINE)
        for stream in (popen.stdout, popen.stderr):
            if stream:
                stream.close()


def command(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command of the installed program to its end."""
    return subprocess.run(
        [PROGRAM, *words],
        capture_output=True,
        text=True,
        env=environment() | (env or {}),
        timeout=DEADLINE,
        check=False,
    )
