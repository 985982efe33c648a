"""``bedrock-watch run``: the daemon in the foreground.

Not its business: what the daemon does (``daemon``).
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import click

from watcher.cli import early
from watcher.cli.context import Context
from watcher.errors import ExitCode, WatchError

if TYPE_CHECKING:
    from pathlib import Path

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
    from watcher import logs

    log = logs.setup(verbose=context.verbose, colors=context.colors(sys.stderr))
    try:
        return _leave(_watch(context, log, once=once))
    except WatchError as error:
        if not logs.is_stderr():
            raise
        # In the journal it is one event, and has a priority.
        log.error("ended", error=error.what, remedy=error.remedy)
        return error.exit_code


def _watch(context: Context, log: Log, *, once: bool) -> int:
    import anyio

    from watcher import presence, privileges
    from watcher.config import load
    from watcher.daemon.process import Daemon
    from watcher.doctor.choices import shared_key
    from watcher.store import Store
    from watcher.systemd import Notifier

    config, notify = context.config, Notifier.of()
    privileges.require_owner(config.state_dir)
    for warning in (*config.warnings, *shared_key(config)):
        log.warning("configuration", warning=warning)

    async def main() -> int:
        daemon = Daemon(config, store, log, partial(load, context.config_path), notify)
        if early.hangups:
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

    try:
        with presence.only_one(config.state_dir):
            store = Store.open(presence.database(config.state_dir), migrating=migrating, owner=True)
            if aside := store.database.set_aside:
                log.warning("foreign_journal_moved", to=str(aside), remedy="find out who put it there")
            try:
                return anyio.run(main)
            finally:
                store.close()
                notify.close()
    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - a bug is recorded; what has a name is raised again
        return _end_of(error, log, config.state_dir)


def _end_of(error: BaseException, log: Log, state_dir: Path) -> int:
    """Log and record the bug that ended the daemon, and return the exit code.

    Raises what has a name of ours, and is no bug.  A process that runs out of memory has no bug either.
    """
    from watcher import __version__, clock, crashes

    leaves = _leaves(error)
    bugs = [leaf for leaf in leaves if not isinstance(leaf, WatchError)]
    if not bugs:
        raise leaves[0] from None
    if all(isinstance(leaf, MemoryError) for leaf in bugs):
        log.error("out_of_memory", remedy="give it more memory, or watch fewer jobs")
        return ExitCode.FAILED
    if any(isinstance(leaf, KeyboardInterrupt | SystemExit) for leaf in bugs):
        raise error
    crash = crashes.crash_of(error, clock.now(), __version__)
    text = "".join(traceback.format_exception(error))
    log.error("bug", error=crash.error, doing=crash.doing or "not known", traceback=text)
    try:
        crashes.record(state_dir, crash)
    except OSError as failure:
        log.error("crash_not_recorded", file=str(state_dir / crashes.FILE), error=str(failure))
    return ExitCode.BUG


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in _leaves(one)]
    return [error]


def _leave(code: int) -> int:
    """Return *code*, unless a send that cannot be cancelled would keep the process alive: then end it now."""
    if any(thread.name == "AnyIO worker thread" for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
