"""The daemon as the commands see it: whether one runs here, whether one runs elsewhere, and how to start one.

Not its business: what the daemon does (``daemon``), and its lock and status file (``presence``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watcher import presence
from watcher.errors import BadConfig, NotRunning, WatchError

if TYPE_CHECKING:
    from watcher.cli.context import Context

SYSTEM_STATE_DIR = Path("/var/lib/bedrock-watch")
"""Where the installed service keeps its database (``deploy/systemd``)."""


def daemon_pid(context: Context) -> int | None:
    """Return the pid of the daemon that watches with the database in use, or None; raises WatchError."""
    try:
        return presence.daemon_pid(context.state_dir)
    except OSError as error:
        from watcher.files import who_may

        raise WatchError(
            f"cannot tell whether the daemon runs: {error.filename or context.state_dir}: {error.strerror}",
            who_may(context.state_dir, write=False),
        ) from error


def own_words(context: Context, pid: int | None) -> dict[str, Any]:
    """Return what the daemon of that pid last wrote of itself; nothing when it wrote nothing yet."""
    status = presence.read_status(context.state_dir)
    return status if status and pid is not None and status.get("pid") == pid else {}


def despite_mistakes(context: Context) -> str:
    """Make *context* usable though its configuration is not; return what is wrong with that, or nothing.

    A daemon goes on with the configuration that it began with: how it is can be asked for all the same.
    Raises BadConfig when there is no daemon of that file.
    """
    from dataclasses import replace

    from watcher.config import BadConfigFile, examine

    try:
        _ = context.config
    except BadConfigFile as error:
        usable, _ = examine(context.config_path)
        default = examine("/dev/null")[0].state_dir
        for state_dir in (usable.state_dir, default, SYSTEM_STATE_DIR):
            status = presence.read_status(state_dir) or {}
            if status.get("configuration") == str(usable.path) and status.get("pid") == _pid_or_none(state_dir):
                context.config = replace(usable, state_dir=state_dir)
                return str(error)
        raise
    return ""


def _pid_or_none(state_dir: Path) -> int | None:
    try:
        return presence.daemon_pid(state_dir)
    except OSError:
        return None


def how_to_start(context: Context) -> str:
    """Return the words that start the daemon with the configuration in use."""
    from shlex import quote

    from watcher.config import user_path

    if context.state_dir == SYSTEM_STATE_DIR:  # by hand it would have another identity, and not the service's secrets
        return "start it: sudo systemctl start bedrock-watch"
    if context.config_path:  # the service of a user has the usual one
        return f"start it: bedrock-watch --config {quote(context.config_path)} run"
    own = user_path().parent.parent / "systemd/user/bedrock-watch.service"
    return "start it: " + ("systemctl --user start bedrock-watch" if own.is_file() else "bedrock-watch run")


def no_channel(context: Context) -> str:
    """Return the warning that nobody is told, or nothing when somebody is."""
    if context.config.channels:
        return ""
    where = context.config.path or "a configuration (bedrock-watch config init writes one)"
    then = ", and reload the daemon" if daemon_pid(context) is not None else ""
    return f"nobody will be told: no channel is configured\n  add a [[channel]] to {where}{then}"


def outdated(context: Context, pid: int | None) -> str:
    """Return the warning that the daemon of that pid uses an older configuration, or nothing when it does not."""
    own = own_words(context, pid)
    used, path = own.get("configured_at"), context.config.path
    try:
        if used is None or path is None or path.stat().st_mtime <= used:
            return ""
    except OSError:  # it is gone, which is told otherwise
        return ""
    return f"{path} has changed since the daemon read it, which uses the old one\n  {how_to_reload(own)}"


def how_to_reload(own: Mapping[str, Any]) -> str:
    """Return the words that have a daemon, which says *own* of itself, read its configuration anew."""
    service = own.get("service") or {}
    if not service:
        return f"reload it: kill -HUP {own['pid']}"
    manager = "systemctl --user" if service["manager"] == "user" else "sudo systemctl"
    return f"reload it: {manager} reload {service['unit'].removesuffix('.service')}"


def refuse_if_watched_elsewhere(context: Context) -> None:
    """Raise NotRunning when no daemon watches with the database in use, but one does with another."""
    if daemon_pid(context) is not None:
        return
    here = context.state_dir.resolve()
    for state_dir in _other_places(context):
        try:
            pid = presence.daemon_pid(state_dir)
        except OSError:
            continue  # closed to this user, who could not add anything there
        if pid is not None and state_dir.resolve() != here:
            raise NotRunning(
                f"no daemon watches with {context.database}, but one (pid {pid}) does with"
                f" {presence.database(state_dir)}",
                f"add it there: {_way_to(state_dir, pid)}",
            )


def _way_to(state_dir: Path, pid: int) -> str:
    """Return the words that add a job to the daemon of *state_dir*."""
    from shlex import quote

    status = presence.read_status(state_dir) or {}
    configuration = status.get("configuration", "") if status.get("pid") == pid else ""
    if configuration.startswith("/"):
        return f"bedrock-watch --config {quote(configuration)} add JOB"
    # It runs on the built-in defaults, which an empty file stands for.
    return f"STATE_DIRECTORY={quote(str(state_dir))} bedrock-watch --config /dev/null add JOB"


def _other_places(context: Context) -> Iterator[Path]:
    """Yield the state directories that other configurations on this machine name, and the usual ones."""
    from watcher.config import load, user_path
    from watcher.config.files import SYSTEM_PATH, VARIABLE

    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    yield load("/dev/null", environment).state_dir
    yield SYSTEM_STATE_DIR
    for path in (os.environ.get(VARIABLE), user_path(), SYSTEM_PATH):
        try:
            if path and Path(path).is_file() and Path(path) != context.config.path:
                yield load(str(path)).state_dir
        except (BadConfig, OSError):
            continue  # not usable, so no daemon was started with it lately
