"""The goals, and what a run says of each: reached, missed by how much, or not measured.  Nothing here fails a run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.costs import FLOOR, OURS, Cost
from bench.news import Drain
from bench.starts import ratio


@dataclass
class Results:
    """Everything that a run measured; what it did not is empty."""

    machine: dict[str, Any]
    absent: dict[str, str]
    costs: list[Cost] = field(default_factory=list)
    rest: float = 0.0
    detection: list[float] = field(default_factory=list)
    drains: list[Drain] = field(default_factory=list)
    starts: dict[str, list[float]] = field(default_factory=dict)
    stalls: list[dict[str, Any]] = field(default_factory=list)

    def cost(self, client: str, jobs: int) -> Cost | None:
        """Return what one client cost on so many jobs, if that was measured."""
        return next((cost for cost in self.costs if (cost.client, cost.jobs) == (client, jobs)), None)


@dataclass(frozen=True)
class Verdict:
    """One goal: *limit* is what it may be at most (*least*: what it must be at least)."""

    goal: str
    measured: float
    limit: float
    unit: str = ""
    least: bool = False

    @property
    def reached(self) -> bool:
        """Whether the goal is reached."""
        return self.measured >= self.limit if self.least else self.measured <= self.limit

    @property
    def words(self) -> str:
        """What is to be said of it."""
        bound = ">=" if self.least else "<="
        said = "reached" if self.reached else f"MISSED by {abs(self.measured / self.limit - 1):.0%}"
        return f"{self.measured:.4g}{self.unit} ({bound} {self.limit:g}{self.unit}): {said}"


def percentile(values: Sequence[float], part: float) -> float:
    """Return the smallest value that is not below *part* of all (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * int(part * 1000) // 1000) - 1, 0)]


def judge(results: Results) -> list[Verdict]:
    """Return what the run says of each goal that it measured."""
    return [verdict for part in _PARTS for verdict in part(results)]


def _cpu(results: Results) -> Iterator[Verdict]:
    ours = results.cost(OURS, 1000)
    for client, least in (("boto3-get", 150.0), ("boto3-list", 40.0)):
        other = results.cost(client, 1000)
        if ours and other:
            yield Verdict(f"CPU of {client} / ours, 1000 jobs", other.times(ours), least, "x", least=True)
    floor = results.cost(FLOOR, 1000)
    if ours and floor:
        yield Verdict("CPU of ours / the bare floor, 1000 jobs", ours.times(floor), 5.0, "x")


def _memory(results: Results) -> Iterator[Verdict]:
    ten, hundred = results.cost(OURS, 10_000), results.cost(OURS, 100_000)
    if ten:
        yield Verdict("RSS at 10,000 jobs, Apprise loaded", ten.rss, 110.0, " MB")
    if hundred:
        yield Verdict("RSS at 100,000 jobs, Apprise loaded", hundred.rss, 160.0, " MB")
    if ten and hundred:
        yield Verdict("RSS a job beyond 10,000", (hundred.rss - ten.rss) / 90, 0.5, " kB")


def _writes(results: Results) -> Iterator[Verdict]:
    for cost in results.costs:
        if cost.commits is not None:
            goal = f"windows of idle sweeps with a write to SQLite, {cost.jobs:,} jobs"
            yield Verdict(goal, float(cost.commits), 0.0)


def _news(results: Results) -> Iterator[Verdict]:
    if results.detection:
        yield Verdict("detection to receipt, p99, 1000 jobs", percentile(results.detection, 0.99), 100.0, " ms")
    for drain in results.drains:
        if drain.scheme == "https":
            ours, naive = statistics.median(drain.ours), statistics.median(drain.naive)
            yield Verdict("outbox drain by HTTPS", ours, 400.0, "/s", least=True)
            yield Verdict("outbox drain by HTTPS / the naive call", ours / naive, 10.0, "x", least=True)


def _starts(results: Results) -> Iterator[Verdict]:
    if results.starts:
        yield Verdict("CPU of list / bare python", ratio(results.starts, "list", "python"), 5.0, "x")
    if "aws" in results.starts:
        yield Verdict("CPU of list / aws --version", ratio(results.starts, "list", "aws"), 0.25, "x")


def _stalls(results: Results) -> Iterator[Verdict]:
    for stall in results.stalls:
        yield Verdict(f"longest callback of the event loop, {stall['jobs']:,} jobs", stall["callback"], 20.0, " ms")


_PARTS: tuple[Callable[[Results], Iterator[Verdict]], ...] = (_cpu, _memory, _writes, _news, _starts, _stalls)
