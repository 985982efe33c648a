"""What looking at unchanged jobs costs each client: CPU, calls, memory, writes.  Rounds are paired: all clients in turn."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from bench.processes import Place, Unmeasurable, cpu, environment, helper, line, memory, wait_for, world
from bench.watching import home
from bench.world import PAGE, arn

OURS, CONFIRM, FLOOR = "bedrock-watch", "confirm", "floor"
WINDOW = 2.0
"""Seconds for which the daemon is watched at least, each round; and three sweeps."""


@dataclass
class Cost:
    """One client on so many jobs.  *rounds*: CPU seconds per 1000 job-polls; *calls* to the API per cycle; *rss* in MB.

    *commits* tells whether another connection saw the database change in the windows; None for clients without one.
    """

    client: str
    jobs: int
    rounds: list[float] = field(default_factory=list)
    calls: float = 0.0
    rss: float = 0.0
    commits: int | None = None

    @property
    def median(self) -> float:
        """The median round."""
        return statistics.median(self.rounds)

    def times(self, other: Cost) -> float:
        """Return how many times this costs what *other* costs: the median of the rounds' ratios."""
        return statistics.median(mine / its for mine, its in zip(self.rounds, other.rounds, strict=False))


Measure = Callable[[Cost], None]


def absent() -> dict[str, str]:
    """Return the clients that are not installed, and how they would be."""
    missing = {}
    if not AWS.exists():
        missing["aws"] = "the AWS CLI is not installed beside Python: pip install awscli"
    if find_spec("airflow") is None:
        missing["airflow"] = "Airflow is not installed: .venv/bin/uv pip install --group airflow"
    return missing


AWS = Path(sys.executable).with_name("aws")


def compare(jobs: int, rounds: int, clients: Sequence[str]) -> list[Cost]:
    """Measure *clients* on so many jobs, one after the other in each round."""
    with world(jobs) as place, ExitStack() as stack:
        measures: list[tuple[Cost, Measure]] = []
        for client in clients:
            begin = {OURS: _daemon, "aws": _aws}.get(client, _rival)
            measures.append((Cost(client, jobs), stack.enter_context(begin(place, jobs, client))))
        for _ in range(rounds):
            for cost, measure in measures:
                measure(cost)
        return [cost for cost, _ in measures]


@contextmanager
def _rival(place: Place, jobs: int, client: str) -> Iterator[Measure]:
    with helper("rivals", client, place.url, str(jobs), AWS_ENDPOINT_URL=place.url) as process, _held(process.pid):
        line(process)
        os.kill(process.pid, signal.SIGSTOP)

        def measure(cost: Cost) -> None:
            assert process.stdin is not None
            before, asked = cpu(process.pid), place.ask("counts")
            os.kill(process.pid, signal.SIGCONT)
            process.stdin.write("\n")
            process.stdin.flush()
            polls = line(process)
            os.kill(process.pid, signal.SIGSTOP)
            cost.rounds.append((cpu(process.pid) - before) * 1000 / polls)
            cost.calls = _calls(asked, place.ask("counts")) * jobs / polls
            cost.rss = memory(process.pid)

        yield measure


@contextmanager
def _held(pid: int) -> Iterator[None]:
    """See to it that a process which is stopped can end."""
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def _daemon(place: Place, jobs: int, client: str) -> Iterator[Measure]:
    del client
    channels = {"hook": f"json://127.0.0.1:{place.ports['http']}/"}
    with home(place.url, jobs, channels=channels) as made, made.daemon() as process:
        made.run("channel", "test")
        wait_for(partial(place.has, "told", 1), "the hook is told", process)
        _watch(place, process, 0.0)
        with _held(process.pid), closing(made.connect()) as connection:
            os.kill(process.pid, signal.SIGSTOP)

            def version() -> int:
                return int(connection.execute("PRAGMA data_version").fetchone()[0])

            def measure(cost: Cost) -> None:
                before, asked, wrote = cpu(process.pid), place.ask("counts"), version()
                os.kill(process.pid, signal.SIGCONT)
                _watch(place, process, WINDOW)
                os.kill(process.pid, signal.SIGSTOP)
                used, now = cpu(process.pid) - before, place.ask("counts")
                cost.rounds.append(used / (now["List"] - asked["List"]) * 1000 / min(jobs, PAGE))
                cost.calls = _calls(asked, now) / (now["cycles"] - asked["cycles"])
                cost.rss = memory(process.pid)
                cost.commits = (cost.commits or 0) + (version() != wrote)

            yield measure


def _watch(place: Place, process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for three sweeps, and for so many seconds."""
    cycles = place.ask("counts").get("cycles", 0)
    time.sleep(seconds)
    wait_for(partial(place.has, "cycles", cycles + 3), "the daemon has swept", process)


def _calls(before: dict[str, int], after: dict[str, int]) -> int:
    return sum(after.get(one, 0) - before.get(one, 0) for one in ("List", "Get"))


@contextmanager
def _aws(place: Place, jobs: int, client: str) -> Iterator[Measure]:
    """Run the AWS CLI, a process for each job; three of them stand for all."""
    del client
    command = [str(AWS), "bedrock", "get-model-customization-job", "--endpoint-url", place.url, "--job-identifier"]

    def measure(cost: Cost) -> None:
        used = []
        for number in range(3):
            with subprocess.Popen([*command, arn(number)], stdout=subprocess.DEVNULL, env=environment()) as process:
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise Unmeasurable(f"aws exits with {process.returncode}")
            used.append(usage.ru_utime + usage.ru_stime)
            cost.rss = usage.ru_maxrss * 1024 / 1e6
        cost.rounds.append(statistics.mean(used) * 1000)
        cost.calls = jobs

    yield measure


def confirmation(rounds: int) -> Cost:
    """Return what the Get costs that each job has once a day, recorded: the CPU from the 100th to the 900th of 1000."""
    cost = Cost(CONFIRM, PAGE)
    for _ in range(rounds):
        with world(PAGE) as place, home(place.url, PAGE, channels={"hook": "json://127.0.0.1:9/"}) as made:
            with closing(made.connect()) as connection:
                connection.execute("UPDATE jobs SET confirmed_at = confirmed_at - 90000")
            done = place.ask("counts")["Get"]
            with made.daemon() as process:
                wait_for(partial(place.has, "Get", done + 100), "the first jobs are confirmed", process)
                begun, used = place.ask("counts")["Get"], cpu(process.pid)
                wait_for(partial(place.has, "Get", done + 900), "most jobs are confirmed", process)
                used, ended = cpu(process.pid) - used, place.ask("counts")["Get"]
                cost.rss = memory(process.pid)
        cost.rounds.append(used / (ended - begun) * 1000)
    cost.calls = PAGE
    return cost


def at_rest(seconds: float) -> float:
    """Return the CPU seconds an hour that a daemon of 1000 jobs uses between its sweeps, at the usual cadence."""
    channels = {"hook": "json://127.0.0.1:9/"}
    with world(PAGE) as place, home(place.url, PAGE, channels=channels, poll=" ") as made, made.daemon() as process:
        wait_for(partial(place.has, "List", 1), "the daemon has swept", process)
        time.sleep(1.0)
        before, begun = cpu(process.pid), time.monotonic()
        time.sleep(seconds)
        return (cpu(process.pid) - before) / (time.monotonic() - begun) * 3600
