"""The systemd journal in its native protocol: each field of an event can be asked for (``journalctl BEDROCK_JOB=...``).

Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.  Not its business: what is logged, and the lines for people.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from watcher.writequeue import WriteQueue, write_all

SOCKET = "/run/systemd/journal/socket"

_LONGEST = 16_384
"""Bytes of one field: a datagram holds several of these."""

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3}


class Journal:
    """Takes structlog's events: as fields through the journal's socket or, without it, as lines with a priority.

    The lines are what the journal understands of a service's stderr (sd-daemon(3)); *descriptor* is that stderr.
    """

    def __init__(self, path: str = SOCKET, queue: WriteQueue | None = None, descriptor: int = 2) -> None:
        self._path, self._queue, self._descriptor = path, queue or WriteQueue(), descriptor

    def take(self, *, event: str, level: str, **fields: Any) -> None:  # noqa: ANN401
        """Queue one event."""
        priority, line = _PRIORITIES.get(level, 5), as_line(event, fields)
        told: dict[str, Any] = {
            "MESSAGE": line,
            "PRIORITY": priority,
            "SYSLOG_IDENTIFIER": "bedrock-watch",
            "BEDROCK_EVENT": event,
            **{f"BEDROCK_{name.upper()}": value for name, value in fields.items()},
        }
        entry = b"".join(_field(name, _text(value)) for name, value in told.items())
        write = partial(self._write, entry, f"<{priority}>{line}\n".encode(errors="backslashreplace"))
        self._queue.put(write, len(entry), important=priority <= _PRIORITIES["warning"])

    debug = info = warning = error = take

    def _write(self, entry: bytes, line: bytes) -> None:
        """Send an entry to the journal; without one, write its line to stderr.  Raises OSError."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.sendto(entry, self._path)
        except OSError:
            write_all(self._descriptor, line)


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
