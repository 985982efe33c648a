"""What the parts of a run share: the world as it is, what is counted, and what was done when."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chaos.front import Front
from chaos.gateway import Gateway
from chaos.histories import ends_at
from chaos.plan import Birth, Plan
from chaos.receivers import MailInbox, WebInbox
from chaos.records import Life, Span
from chaos.services import Services
from chaos.setup import Home

_USUAL = frozenset({0, 1, 2, 3, 4, 5, 6, 78})
"""The exit codes that a command may have while the database, the disk or the configuration is in trouble."""


@dataclass
class Stage:
    """The world of one run.  *bugs* are findings that no record of a receiver shows, a sentence each."""

    plan: Plan
    home: Home
    simulator: Gateway
    inboxes: dict[str, WebInbox | MailInbox]
    front: Front
    services: Services
    counts: Counter[str] = field(default_factory=Counter)
    spans: list[Span] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    clock: set[float] = field(default_factory=lambda: {0.0})
    over: threading.Event = field(default_factory=threading.Event)
    daemon: subprocess.Popen[bytes] | None = None
    limited: bool = False
    small_disk: bool = False
    born: dict[str, Birth] = field(default_factory=dict)
    configuring: threading.Lock = field(default_factory=threading.Lock)
    began: float = field(default_factory=time.time)

    @property
    def kills(self) -> int:
        """How many daemons were killed by SIGKILL."""
        return self.counts["kills"]

    @contextmanager
    def span(self, what: str, about: str = "") -> Iterator[None]:
        """Keep on record from when to when something was so."""
        begin = time.time()
        place = len(self.spans)
        self.spans.append(Span(what, begin, float("inf"), about))
        try:
            yield
        finally:
            self.spans[place] = Span(what, begin, time.time(), about)

    def is_so(self, what: Iterable[str], within: float = 0.0) -> bool:
        """Return whether one of these is so, or was within so many seconds."""
        now = time.time()
        return any(span.what in what and span.end >= now - within for span in tuple(self.spans))

    def running(self) -> list[str]:
        """Return the names of the jobs that were told to the daemon."""
        return sorted(self.born)

    def arn(self, name: str) -> str:
        """Return a job's ARN."""
        return next(job.run.arn for job in self.simulator.jobs if job.run.name == name)

    def command(self, *words: str) -> int:
        """Run a command as a person would, and see to it that it ends in an orderly way; return its exit code."""
        self.counts["commands"] += 1
        done = self.home.run(*words)
        if done.returncode not in _USUAL or "Traceback" in done.stderr:
            self.bugs.append(f"bedrock-watch {' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.returncode

    def insist(self, *words: str) -> None:
        """Run a command until it succeeds: the disk may be full, or the database locked, for a while."""
        for _ in range(20):
            if self.command(*words) in (0, 4, 5):
                return
            time.sleep(1.0)
        self.bugs.append(f"bedrock-watch {' '.join(words)} never succeeded")

    def remaining(self) -> float:
        """Return how many seconds the jobs that have begun still have before them."""
        return max(max(map(ends_at, self.simulator.jobs), default=0.0) - time.time(), 0.0)


def keep_all_requests(simulator: Gateway) -> None:
    """Let the simulator remember every request, not only the latest."""
    simulator.requests = deque()
