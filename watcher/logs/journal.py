"""The systemd journal in its native protocol: each field of an event can be asked for (``journalctl BEDROCK_JOB=...``).

Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.  Not its business: what is logged, and the lines for people.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

SOCKET = "/run/systemd/journal/socket"

_LONGEST = 16_384
"""Bytes of one field: a datagram holds several of these."""

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3}


class Journal:
    """Takes structlog's events: as fields through the journal's socket or, without it, as lines with a priority.

    The lines are what the journal understands of a service's stderr (sd-daemon(3)).
    """

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path

    def take(self, *, event: str, level: str, **fields: Any) -> None:  # noqa: ANN401
        """Write one event; one that nobody takes is lost, and holds nothing up."""
        priority, line = _PRIORITIES.get(level, 5), as_line(event, fields)
        told: dict[str, Any] = {
            "MESSAGE": line,
            "PRIORITY": priority,
            "SYSLOG_IDENTIFIER": "bedrock-watch",
            "BEDROCK_EVENT": event,
            **{f"BEDROCK_{name.upper()}": value for name, value in fields.items()},
        }
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
                sock.sendto(b"".join(_field(name, _text(value)) for name, value in told.items()), self._path)
        except OSError:
            with suppress(OSError):
                sys.stderr.write(f"<{priority}>{line}\n")
                sys.stderr.flush()

    debug = info = warning = error = take


def is_stderr(env: Mapping[str, str] = os.environ) -> bool:
    """Return whether stderr is the journal: ``$JOURNAL_STREAM`` names its device and inode (systemd.exec(5))."""
    try:
        here = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # closed, or not a file
        return False
    return env.get("JOURNAL_STREAM") == f"{here.st_dev}:{here.st_ino}"


def as_line(event: str, fields: Mapping[str, Any]) -> str:
    """Return an event and its fields in one line for people."""
    return " ".join([event, *(f"{name}={_shown(value)}" for name, value in fields.items())])


def _shown(value: object) -> str:
    """Return a value as it is, if it is a word or a number, else as JSON: in quotes, without line breaks."""
    if isinstance(value, str) and value.isprintable() and value and not set(value) & set(' "='):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _text(value: object) -> str:
    """Return a field's value; of a list each item stands on a line."""
    return "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _field(name: str, value: str) -> bytes:
    data = value.encode(errors="replace")[:_LONGEST]
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), len(data).to_bytes(8, "little"), data)
