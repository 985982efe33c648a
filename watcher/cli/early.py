"""Signal handlers that work before anything else is imported, and as process 1 of a container.

The kernel discards a signal to process 1 that has no handler, so a container that is stopped while Python still
imports would run on until it is killed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from watcher.errors import ExitCode

hangups: list[int] = []
"""SIGHUPs (reload requests) received before the daemon was ready."""

_WITH_VALUE = ("--config", "--color")


def arm(words: Sequence[str]) -> None:
    """Install the handlers for the command line *words*.

    SIGTERM ends any command with 143.  ``run`` ends cleanly on SIGTERM and Ctrl-C, as it does later, and takes SIGHUP
    for a request to reload, also under nohup.  Elsewhere Ctrl-C raises KeyboardInterrupt.
    """
    if _command(words) != "run":
        signal.signal(signal.SIGTERM, _end)
        return
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, lambda number, _: hangups.append(number))
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell has its background jobs ignore it
        signal.signal(signal.SIGINT, _stop)


def _command(words: Sequence[str]) -> str:
    """Return the name of the command in *words*; empty when there is none."""
    value = False
    for word in words:
        if not value and not word.startswith("-"):
            return word
        value = word in _WITH_VALUE and not value
    return ""


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Exit at once. No message is being sent yet, and the database survives this as it survives SIGKILL."""
    os._exit(ExitCode.DONE)


def _end(number: int, _frame: FrameType | None) -> None:
    """Flush the output, then exit at once."""
    with suppress(Exception):
        sys.stdout.flush()
    os._exit(128 + number)
