"""What it costs to begin: ``bedrock-watch list`` beside a bare Python and ``aws --version``, as CPU."""

from __future__ import annotations

import statistics
import sys

from bench.costs import AWS
from bench.processes import BEDROCK_WATCH, environment, spent, world
from bench.watching import home


def starts(rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each round, by program; ``aws`` is left out where it is not installed."""
    with world(50) as place, home(place.url, 50, channels={"hook": "json://127.0.0.1:9/"}) as made:
        env = environment(BEDROCK_WATCH_CONFIG=str(made.config))
        programs = {"python": [sys.executable, "-c", "pass"], "list": [BEDROCK_WATCH, "list"]}
        if AWS.exists():
            programs["aws"] = [str(AWS), "--version"]
        used: dict[str, list[float]] = {name: [] for name in programs}
        for number in range(rounds + 1):
            for name, command in programs.items():
                seconds = spent(command, env)
                if number:  # the first writes the byte code
                    used[name].append(seconds)
    return used


def ratio(used: dict[str, list[float]], name: str, other: str) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(one / two for one, two in zip(used[name], used[other], strict=True))
