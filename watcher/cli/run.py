"""``bedrock-watch run``: the daemon in the foreground.

Not its business: what the daemon does (``daemon``).
"""

from __future__ import annotations

import os
import sys
import threading
import traceback

import click

from watcher.cli.context import Context
from watcher.errors import ExitCode


@click.command()
@click.option("--once", is_flag=True, help="Poll everything due, deliver, and exit (for cron).")
@click.pass_obj
def run(context: Context, *, once: bool) -> int:
    """Watch the jobs and tell the channels, until SIGTERM or Ctrl-C.

    Logs to stderr: lines for people on a terminal, JSON otherwise.  One daemon per database.
    """
    import anyio

    from watcher import logs, presence
    from watcher.daemon import Daemon
    from watcher.store import Store

    config = context.config
    log = logs.setup(verbose=context.verbose, color=context.color)
    for warning in config.warnings:
        log.warning("configuration", warning=warning)

    async def main() -> int:
        daemon = Daemon(config, store, log)
        if once:
            return await daemon.run_once()
        await daemon.run()
        return ExitCode.DONE

    with presence.only_one(config.state_dir):
        store = Store.open(presence.database(config.state_dir))
        try:
            code = anyio.run(main)
        except BaseExceptionGroup as group:
            log.warning("bug", error=_first(group), traceback="".join(traceback.format_exception(group)))
            code = ExitCode.BUG
        finally:
            store.close()
    return _leave(code)


def _first(group: BaseExceptionGroup[BaseException]) -> str:
    """Return the first error of a group, in a line."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def _leave(code: int) -> int:
    """Return *code*, unless a send that cannot be cancelled would keep the process alive: then end it now."""
    if any(thread.name == "AnyIO worker thread" for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
