"""``python -m chaos``: one run, its table, and 1 when anything is wrong.  See the package for what it claims."""

from __future__ import annotations

import argparse
import random
import signal
import sys
from dataclasses import replace

from chaos.arena import perform, scratch
from chaos.daemon_side.sitecustomize import BREAKS
from chaos.plan import FULL, SHORT, Plan
from chaos.table import write


def main() -> int:
    """Run, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="chaos", description="The daemon against everything that goes wrong.")
    parser.add_argument("--short", action="store_true", help="20 kills, for CI; else 200 and ten minutes")
    parser.add_argument("--seed", type=int, default=None, help="of the plan; another one each time unless given")
    parser.add_argument("--kills", type=int, help="at least so many")
    parser.add_argument("--seconds", type=float, help="at least so long")
    parser.add_argument("--broken", choices=sorted(BREAKS), default="", help="break the daemon: the run must be bad")
    parser.add_argument("--keep", default="", metavar="DIR", help="leave the database and the log there")
    options = parser.parse_args()
    size = SHORT if options.short else FULL
    size = replace(
        size,
        kills=size.kills if options.kills is None else options.kills,
        seconds=size.seconds if options.seconds is None else options.seconds,
    )
    # Whoever ends a run wants its processes and its small disk gone, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    sys.stderr.write(f"chaos: seed {seed}, {size.kills} kills; the full run takes about a quarter of an hour\n")
    with scratch(options.keep) as directory:
        result = perform(Plan(seed, size), directory, broken=options.broken)
        sys.stdout.write(write(result) + "\n")
        if not result.good and not options.keep:
            sys.stderr.write("chaos: run it again with --seed and --keep DIR to have the log\n")
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
