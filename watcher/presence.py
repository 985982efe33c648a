"""Whether a daemon lives, beside its database: an advisory lock with its pid, and a small status file.

Little more than the standard library: the command line asks.  Not its business: what the status says.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from watcher import files
from watcher.errors import WatchError

DATABASE = "bedrock-watch.db"
_LOCK = "daemon.lock"
_STATUS = "status.json"
_BLOCK = 4096
_LARGEST = 16 * 1024 * 1024
_TEXT = 8_000
_MOST = 250_000_000_000.0  # epoch seconds: as late as a datetime can be

Form = type | list[Any] | dict[str, Any] | tuple[Any, ...]
"""The form of a member: a type, a list (``[form]``), an object (``{"": form}``), or one of several."""

_FORMS: dict[str, Form] = {
    **dict.fromkeys(("written_at", "written_monotonic", "started_at", "configured_at", "reloaded_at"), float),
    **dict.fromkeys(("program", "headline", "configuration", "database", "reload_error", "database_error"), str),
    "pid": int,
    "standing_still": [str],
    "outages": [{"": (str, float)}],
    "channels": [str],
    "groups": {"": {"": (float, type(None))}},
    "queues": {"": str},
    "service": {"": str},
}
_REQUIRED = frozenset({"pid", "program", "started_at", "written_at", "configuration"})


class AlreadyRunning(WatchError):
    """Another daemon has this database."""


def database(state_dir: Path) -> Path:
    """Return where the database of *state_dir* is."""
    return state_dir / DATABASE


@contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """Be the one daemon of *state_dir*; raises AlreadyRunning with the other's pid.

    The lock is the kernel's (flock): it ends with the process, however that ends.
    """
    path = state_dir / _LOCK
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o770)
        files.make(path)
        descriptor = files.open_regular(path, os.O_RDWR)
    except OSError as error:
        raise WatchError(
            f"cannot write {path}: {error.strerror}", f"{files.who_may(path)}, or name another state_dir"
        ) from error
    try:
        try:
            _lock(descriptor)
        except BlockingIOError:
            pid = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise AlreadyRunning(
                f"a daemon (pid {pid}) already watches with {database(state_dir)}",
                "one is enough; for a second set of jobs, name another state_dir",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Take the lock; raises BlockingIOError when a daemon has it, not for a command that only looks (daemon_pid)."""
    for _ in range(10):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.02)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def daemon_pid(state_dir: Path) -> int | None:
    """Return the pid of the daemon that has *state_dir*, or None when none runs.

    Raises OSError when this user may not look, or when the lock is no regular file.
    """
    try:
        descriptor = files.open_regular(state_dir / _LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(descriptor, 32).decode(errors="replace").strip()
        return int(pid) if pid.isdigit() else 0
    finally:
        os.close(descriptor)
    return None


def begun_at(state_dir: Path) -> float:
    """Return when (epoch seconds) the last daemon of *state_dir* took its lock; 0 when none ever did."""
    try:
        return (state_dir / _LOCK).stat().st_mtime
    except OSError:
        return 0.0


def write_status(state_dir: Path, status: Mapping[str, Any]) -> None:
    """Replace the status file, atomically; on a full disk write over it, for a full disk is what it must tell of."""
    path = state_dir / _STATUS
    fresh = path.with_suffix(f".{os.getpid()}")
    text = json.dumps(status).encode()
    # Whole blocks, so that there is room to write over when there is no other.
    text += b" " * (-len(text) % _BLOCK)
    try:
        files.make(fresh)
        fresh.write_bytes(text)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        with suppress(OSError), path.open("rb+") as stream:
            stream.write(text)
            stream.truncate()


def age(status: Mapping[str, Any], now: float) -> float:
    """Return how many seconds before *now* (epoch seconds) *status* was written, whatever the wall clock did since."""
    if "written_monotonic" in status:
        return time.monotonic() - float(status["written_monotonic"])
    return now - float(status.get("written_at", now))


def read_status(state_dir: Path) -> dict[str, Any] | None:
    """Return what the daemon last wrote of itself; None when there is nothing to read.

    Members of the service's group can write the file.  So a link or a FIFO is not opened, members that do not have the
    type that the daemon gives them are left out, and no text can move a terminal's cursor.
    """
    found = files.read_json(state_dir / _STATUS, _LARGEST)
    status = {name: value for name, value in found.items() if _has_form(value, _FORMS.get(name, (str, float)))}
    if not status.keys() >= _REQUIRED:
        return None
    return {name: _harmless(value) for name, value in status.items()}


def _has_form(value: object, form: Form) -> bool:
    """Return whether *value* is what *form* says: a type, a list of texts, or an object of values of one form."""
    if isinstance(form, list):
        return isinstance(value, list) and all(_has_form(one, form[0]) for one in value)
    if isinstance(form, dict):
        (inner,) = form.values()
        return isinstance(value, dict) and all(_has_form(one, inner) for one in value.values())
    if isinstance(form, tuple):
        return any(_has_form(value, one) for one in form)
    if form is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST
    return isinstance(value, form)


def _harmless(value: Any) -> Any:  # noqa: ANN401 - JSON is JSON
    if isinstance(value, str):
        if value.isprintable():
            return value[:_TEXT]
        from watcher.render.words import clean  # noqa: PLC0415 - its package takes long to import

        return clean(value[:_TEXT], lines=True)
    if isinstance(value, list):
        return [_harmless(one) for one in value]
    if isinstance(value, dict):
        return {_harmless(key): _harmless(one) for key, one in value.items()}
    return value
