"""Logging: structlog lines, for a person on a terminal, as JSON otherwise.

Not its business: what is logged.  The libraries' own loggers are kept quiet: botocore prints a traceback for each
failed refresh of credentials, urllib3 and Apprise print URLs, and those hold secrets.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Any, Protocol, TextIO, cast

_QUIET = ("aioboto3", "aiobotocore", "botocore", "boto3", "urllib3", "requests", "apprise", "asyncio", "aiohttp")


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


class _Stream:
    """Stderr, as long as it takes something: a full disk, or a terminal that is gone, costs lines, not the daemon."""

    def write(self, text: str) -> None:
        """Write."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush."""
        with suppress(OSError):
            sys.stderr.flush()


def setup(*, verbose: int = 0, color: str = "auto") -> Log:
    """Configure logging to stderr and return the logger; with *verbose* debug lines too."""
    import structlog  # noqa: PLC0415 - only the daemon pays for it

    terminal = sys.stderr.isatty()
    colors = color == "always" or (color == "auto" and terminal)
    level = logging.DEBUG if verbose else logging.INFO
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if terminal:
        shared.append(structlog.dev.ConsoleRenderer(colors=colors))
    else:
        shared += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stream())),
    )
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    log: Log = structlog.get_logger()
    return log
