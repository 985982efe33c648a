"""The files: that the service can use its own, its group as well, and that nobody else reads a secret."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from watcher import presence
from watcher.config import ChannelConfig, Config
from watcher.config.values import HeartbeatConfig
from watcher.doctor.finding import Finding, Grade
from watcher.files import who_may

CHECK = "files"

_BESIDE = ("", "-wal", "-shm")
"""What SQLite names the files of a database, after its own name."""


def check_files(config: Config, written: Config) -> Iterator[Finding]:
    """Look at the modes of the configuration, of the secrets and of what is in the state directory.

    The secrets are those of the configuration in use, and of it as it is *written* now.
    """
    secrets = [*_secrets(config), *_secrets(written)]
    if config.path is not None:
        yield _configuration(config.path, secret=any(one.url for one in _secrets(written)))
    for path in dict.fromkeys(one.url_file for one in secrets if one.url_file):
        yield from _secret(path)
    yield from _state(config.state_dir)


def _secrets(config: Config) -> list[ChannelConfig | HeartbeatConfig]:
    return [*config.channels, config.heartbeat]


def _configuration(path: Path, *, secret: bool) -> Finding:
    """Return how the file at *path* is; *secret*: it holds a URL itself."""
    mode = _mode(path)
    if mode is None:
        return _unseen(path)
    if mode & stat.S_IWOTH:
        return _finding(path, Grade.FAIL, "everybody may write it, and so decide who is told", "o-w")
    if mode & stat.S_IROTH and secret:
        return _finding(path, Grade.FAIL, "it holds a URL that is a secret, and everybody may read it", "o-r")
    return Finding(CHECK, str(path), Grade.OK, f"mode {mode:04o}")


def _secret(path: Path) -> Iterator[Finding]:
    mode = _mode(path)
    if mode is None:
        if not os.access(path.parent, os.X_OK):
            yield _unseen(path)
        # That there is none is the configuration's mistake, and told as such.
    elif mode & (stat.S_IROTH | stat.S_IWOTH):
        yield _finding(path, Grade.FAIL, "it holds a secret, and everybody may use it", "go-rwx")
    elif mode & (stat.S_IRGRP | stat.S_IWGRP):
        yield _finding(path, Grade.WARN, "it holds a secret, and its whole group may use it", "g-rwx")
    else:
        yield Finding(CHECK, str(path), Grade.OK, f"mode {mode:04o}")


def _state(directory: Path) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(directory.stat().st_mode)
    except FileNotFoundError:
        yield _unmade(directory)
        return
    except OSError:
        yield _unseen(directory)
        return
    if not os.access(directory, os.W_OK | os.X_OK):
        yield Finding(CHECK, str(directory), Grade.FAIL, "this user may not write in it", who_may(directory))
        return
    database = presence.database(directory)
    names = [database.name + end for end in _BESIDE] + ["daemon.lock", "status.json"]
    shared = bool(mode & stat.S_IWGRP)
    found = [finding for name in names if (finding := _in_state(directory / name, shared=shared))]
    if mode & stat.S_IRWXO:
        found.insert(0, _finding(directory, Grade.WARN, "everybody may look into it", "o-rwx"))
    yield from found or [Finding(CHECK, str(directory), Grade.OK, f"mode {mode:04o}, and what is in it")]


def _unmade(directory: Path) -> Finding:
    above = next(one for one in directory.parents if _exists(one))
    if not os.access(above, os.W_OK | os.X_OK):
        what = f"not there yet, and this user may not make it in {above}"
        return Finding(CHECK, str(directory), Grade.FAIL, what, f"{who_may(above)}, or name another state_dir")
    return Finding(CHECK, str(directory), Grade.OK, "not there yet: it is made when it is first needed")


def _in_state(path: Path, *, shared: bool) -> Finding | None:
    """Return what is wrong with a file of the state directory; *shared*: its group may write in the directory."""
    mode = _mode(path)
    if mode is None:
        return None  # it is made when it is needed
    if not os.access(path, os.R_OK | os.W_OK):
        return Finding(CHECK, str(path), Grade.FAIL, "this user may not write it", who_may(path))
    if mode & stat.S_IRWXO and path.suffix != ".json":
        return _finding(path, Grade.WARN, "everybody may use it", "o-rwx")
    if shared and not mode & stat.S_IWGRP:
        return _finding(path, Grade.WARN, "the directory is the group's, and the group may not write this", "g+rw")
    return None


def _finding(path: Path, grade: Grade, what: str, change: str) -> Finding:
    return Finding(CHECK, str(path), grade, what, f"chmod {change} {path}")


def _unseen(path: Path) -> Finding:
    if _exists(path.parent):
        return Finding(CHECK, str(path), Grade.UNKNOWN, "there is none, or none that this user may see", who_may(path))
    return Finding(CHECK, str(path), Grade.UNKNOWN, "this user may not look there", who_may(path, write=False))


def _mode(path: Path) -> int | None:
    """Return the mode of a file; None when there is none, or this user may not look."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where this user may not look
