"""Logging: for the systemd journal as fields, for a person on a terminal as lines, otherwise as JSON.

Not its business: what is logged.  The libraries' own loggers are kept quiet: botocore prints a traceback for each
failed refresh of credentials, urllib3 and Apprise print URLs, and those hold secrets.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Any, Protocol

from watcher.logs.journal import Journal, is_stderr

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


class _Stderr:
    """Takes lines for stderr: a full disk, or a terminal that is gone, costs lines, not the daemon."""

    def take(self, line: str) -> None:
        """Write one line."""
        with suppress(OSError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = take


def setup(*, verbose: int = 0, colors: bool = False) -> Log:
    """Configure logging to stderr and return the logger; with *verbose* debug lines too, on a terminal in *colors*."""
    import structlog  # noqa: PLC0415 - only the daemon pays for it

    terminal = sys.stderr.isatty()
    level = logging.DEBUG if verbose else logging.INFO
    processors: list[Any] = [structlog.processors.add_log_level]
    sink: Journal | _Stderr = _Stderr()
    if is_stderr():
        sink = Journal()
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
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)
    hush()
    # Until a channel is opened: from then on its words go to whoever sends (``channels.standins``).
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    log: Log = structlog.get_logger()
    return log


def hush() -> None:
    """Keep the libraries' own words back; what they mean is told by whoever asked them."""
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
