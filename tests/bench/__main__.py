"""``make bench``: measure, print, and write ``bench.json`` and ``cost.svg``.  Exits with 1 only if it cannot measure."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import costs, machine, news, report, stalls, starts
from bench.costs import FLOOR, OURS
from bench.goals import Results
from bench.processes import Unmeasurable
from bench.watching import BUILD

_ALL = (OURS, "boto3-get", "boto3-list", "aws", "airflow", FLOOR)
_LISTS = (OURS, "boto3-list", FLOOR)

Step = tuple[str, Callable[[Results], None]]


def _cost(jobs: int, rounds: int, clients: tuple[str, ...]) -> Step:
    def measure(results: Results) -> None:
        present = [client for client in clients if client not in results.absent]
        results.costs += costs.compare(jobs, rounds, present)

    return f"{jobs:,} unchanged jobs", measure


def _confirmation(rounds: int) -> Step:
    return "the daily Get", lambda results: results.costs.append(costs.confirmation(rounds))


def _set(what: str, name: str, measure: Callable[[], Any]) -> Step:
    return what, lambda results: setattr(results, name, measure())


def _drains(messages: int, rounds: int) -> Step:
    schemes = ("http", "https")
    return _set("draining a queue", "drains", lambda: [news.drain(scheme, messages, rounds) for scheme in schemes])


FULL: tuple[Step, ...] = (
    _cost(1_000, 5, _ALL),
    _cost(10_000, 3, _LISTS),
    _cost(100_000, 2, (OURS, FLOOR)),
    _confirmation(2),
    _set("the daemon at rest", "rest", lambda: costs.at_rest(20.0)),
    _set("telling changes", "detection", lambda: news.detection(150)),
    _drains(1_000, 3),
    _set("beginning", "starts", lambda: starts.starts(21)),
    _set("the event loop", "stalls", lambda: [stalls.stalls(10_000, 20)]),
)

SHORT: tuple[Step, ...] = (
    _cost(1_000, 3, _ALL),
    _cost(10_000, 1, (OURS, FLOOR)),
    _confirmation(1),
    _set("the daemon at rest", "rest", lambda: costs.at_rest(5.0)),
    _set("telling changes", "detection", lambda: news.detection(30)),
    _drains(300, 1),
    _set("beginning", "starts", lambda: starts.starts(5)),
    _set("the event loop", "stalls", lambda: [stalls.stalls(10_000, 3)]),
)


def main() -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer and smaller rounds: about a minute, for CI")
    parser.add_argument("--out", type=Path, default=BUILD, help="directory for bench.json and cost.svg")
    options = parser.parse_args()
    results = Results(machine.describe(), costs.absent())
    begun = time.monotonic()
    for what, measure in SHORT if options.short else FULL:
        print(f"[{time.monotonic() - begun:4.0f} s] {what}", file=sys.stderr, flush=True)
        try:
            measure(results)
        except Unmeasurable as error:
            print(f"bench: {what}: {error}", file=sys.stderr)
            return 1
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.json").write_text(json.dumps(report.document(results), indent=1) + "\n")
    (options.out / "cost.svg").write_text(report.plot(results))
    print(report.text(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
