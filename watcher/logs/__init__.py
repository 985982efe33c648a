"""Logging: for the systemd journal as fields, for a person on a terminal as lines, otherwise as JSON.

Not its business: what is logged.  The libraries' own loggers are kept quiet: botocore prints a traceback for each
failed refresh of credentials, urllib3 and Apprise print URLs, and those hold secrets.
"""

from __future__ import annotations

import atexit
import logging
import sys
from functools import partial
from typing import Any, Protocol

from watcher.logs.journal import Journal, is_stderr
from watcher.logs.stream import QueuedStream
from watcher.writequeue import WriteQueue, write_all

_QUIET = ("aioboto3", "aiobotocore", "botocore", "boto3", "urllib3", "requests", "asyncio", "aiohttp")


__all__ = ["Log", "is_stderr", "setup"]


class Log(Protocol):
    """What the rooms need of a logger: structlog's bound loggers have it."""

    def debug(self, event: str, **fields: Any) -> Any:  # noqa: ANN401
        """Log what only a developer wants."""

    def info(self, event: str, **fields: Any) -> Any:  # noqa: ANN401
        """Log that something happened, or works again."""

    def warning(self, event: str, **fields: Any) -> Any:  # noqa: ANN401
        """Log that something began to fail."""

    def error(self, event: str, **fields: Any) -> Any:  # noqa: ANN401
        """Log that something failed that somebody has to see to."""


class _Lines:
    """Takes finished lines for stderr: a full disk, or a terminal that is gone, costs lines, not the daemon."""

    def __init__(self, queue: WriteQueue, descriptor: int) -> None:
        self._queue, self._descriptor = queue, descriptor

    def _put(self, line: str, *, important: bool) -> None:
        data = f"{line}\n".encode(errors="backslashreplace")
        self._queue.put(partial(write_all, self._descriptor, data), len(data), important=important)

    def info(self, line: str) -> None:
        """Queue a line that may be dropped for more important ones."""
        self._put(line, important=False)

    def warning(self, line: str) -> None:
        """Queue a line that pushes out routine ones."""
        self._put(line, important=True)

    debug, error = info, warning


def setup(*, verbose: int = 0, colors: bool = False) -> Log:
    """Configure logging to stderr and return the logger; with *verbose* debug lines too, on a terminal in *colors*.

    From here on nothing blocks on stderr: the log, and all else that is written to ``sys.stderr``, goes through a
    queue and a thread of its own.
    """
    import structlog  # noqa: PLC0415 - only the daemon pays for it

    terminal, descriptor = sys.stderr.isatty(), sys.stderr.fileno()
    level = logging.DEBUG if verbose else logging.INFO
    queue = WriteQueue(on_dropped=_report_dropped)
    processors: list[Any] = [structlog.processors.add_log_level]
    sink: Journal | _Lines = _Lines(queue, descriptor)
    if is_stderr():
        sink = Journal(queue=queue, descriptor=descriptor)
    else:
        processors.append(structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%SZ" if terminal else "iso", utc=True))
        if terminal:
            processors.append(structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0, sort_keys=False))
        else:
            processors.append(structlog.processors.JSONRenderer(ensure_ascii=False))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: sink,
    )
    sys.stderr = QueuedStream(queue, descriptor)
    atexit.register(queue.flush)
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)
    hush()
    # Until a channel is opened: from then on its words go to whoever sends (``channels.standins``).
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    log: Log = structlog.get_logger()
    return log


def _report_dropped(count: int) -> None:
    """Log how many lines were dropped, at the end of the gap."""
    import structlog  # noqa: PLC0415 - setup has imported it

    structlog.get_logger().warning("log_lines_dropped", count=count, remedy="let something read the log")


def hush() -> None:
    """Keep the libraries' own words back; what they mean is told by whoever asked them."""
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
