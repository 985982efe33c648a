"""What machine a run was made on: without this, its numbers say nothing.  It names no host, no user and no path."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.watching import BUILD


def describe() -> dict[str, Any]:
    """Return the machine's description."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_mb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: version(name) for name in ("bedrock-watch", "aioboto3", "botocore", "apprise", "msgspec")},
        "fsync_ms": round(_fsync() * 1000, 3),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _fsync() -> float:
    """Return how many seconds it takes to write a page to the disk for good, the median of 50."""
    BUILD.mkdir(exist_ok=True)
    took = []
    with tempfile.TemporaryFile(dir=BUILD) as file:
        for _ in range(50):
            begun = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - begun)
    return statistics.median(took)
