"""The command line: words in, words and an exit code out.

The commands are imported one at a time, when they are asked for, because starting up is most of what a short
command costs.  Not its business: anything that the daemon does.
"""

from __future__ import annotations

import os
import sys

from watcher.cli import early

__all__ = ["main"]


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with the code of the contract; never show a traceback.

    Signals come first (``early``), even while modules are imported.
    """
    if args is not None:
        _main(args)
        return
    try:
        early.arm(sys.argv[1:])
        _main(None)
    except KeyboardInterrupt:
        os._exit(130)


def _main(args: list[str] | None) -> None:
    """Run the command line.  A bare ``list`` skips the option parser, which takes longer than the query."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        from watcher.cli.streams import fill_in

        fill_in()
    if args is None:
        from watcher.cli.streams import forgive_stderr

        forgive_stderr()
    if (sys.argv[1:] if args is None else args) == ["list"]:
        import gc

        # Nothing lives long enough to be collected.
        gc.disable()
        from watcher.cli.context import Context
        from watcher.cli.ending import leave
        from watcher.cli.listing import show_list

        context = Context()
        leave(context, lambda: show_list(context), process=args is None)
    from watcher.cli.parser import main as parse

    parse(args)
