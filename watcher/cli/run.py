"""``bedrock-watch run``: the daemon in the foreground.

Not its business: what the daemon does (``daemon``).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import click

from watcher.cli.context import Context
from watcher.errors import ExitCode, WatchError

if TYPE_CHECKING:
    from watcher.logs import Log


@click.command()
@click.option("--once", is_flag=True, help="Poll everything due, deliver, and exit (for cron).")
@click.pass_obj
def run(context: Context, *, once: bool) -> int:
    """Watch the jobs and tell the channels, until SIGTERM or Ctrl-C.

    SIGHUP has the configuration read anew; one that cannot be used is refused, and the old one stays in use.
    Logs to stderr: lines for people on a terminal, fields for the systemd journal, JSON otherwise.  One daemon per
    database.
    """
    hangups: list[int] = []
    # Until the daemon listens: to ask for a reload must never end it.
    signal.signal(signal.SIGHUP, lambda number, _: hangups.append(number))
    from watcher import logs

    log = logs.setup(verbose=context.verbose, colors=context.colors(sys.stderr))
    try:
        return _leave(_watch(context, log, hangups, once=once))
    except WatchError as error:
        if not logs.is_stderr():
            raise
        # In the journal it is one event, and has a priority.
        log.error("ended", error=error.what, remedy=error.remedy)
        return error.exit_code


def _watch(context: Context, log: Log, hangups: list[int], *, once: bool) -> int:
    import anyio

    from watcher import presence
    from watcher.config import load
    from watcher.daemon import Daemon
    from watcher.store import Store
    from watcher.systemd import Notifier

    config, notify = context.config, Notifier.of()
    for warning in config.warnings:
        log.warning("configuration", warning=warning)

    async def main() -> int:
        daemon = Daemon(config, store, log, partial(load, context.config_path), notify)
        if hangups:
            daemon.reload()
        if once:
            return await daemon.run_once()
        await daemon.run()
        return ExitCode.DONE

    def migrating(old: int, new: int) -> AbstractContextManager[None]:
        if not old:  # it is being made
            return nullcontext()
        log.info("migrating", database=str(presence.database(config.state_dir)), old=old, new=new)
        return notify.patience()

    with presence.only_one(config.state_dir):
        store = Store.open(presence.database(config.state_dir), migrating=migrating)
        try:
            return anyio.run(main)
        except BaseExceptionGroup as group:
            return _end_of(group, log)
        finally:
            store.close()
            notify.close()


def _end_of(group: BaseExceptionGroup[BaseException], log: Log) -> int:
    """Log the bug that ended the daemon, and return the exit code; raises what has a name of ours, and is no bug."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, WatchError):
        raise error from None
    log.error("bug", error=f"{type(error).__name__}: {error}", traceback="".join(traceback.format_exception(group)))
    return ExitCode.BUG


def _leave(code: int) -> int:
    """Return *code*, unless a send that cannot be cancelled would keep the process alive: then end it now."""
    if any(thread.name == "AnyIO worker thread" for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
