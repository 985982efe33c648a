"""Finding the configuration file, reading it, and saying all that is wrong with it.

Not its business: which keys there are (``sections``).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watcher.config import estate, sections
from watcher.config.queues import read_queues
from watcher.config.reader import Mistake, Reading, Table, expand
from watcher.config.values import FROM_FILE, UNKNOWN, Config
from watcher.errors import BadConfig
from watcher.files import who_may

VARIABLE = "BEDROCK_WATCH_CONFIG"
SYSTEM_PATH = Path("/etc/bedrock-watch/config.toml")

EXPOSED = "holds a secret URL and everybody on this machine may read it"
"""What is unwise about a file, whatever is in it otherwise."""

_POSITION = r"(?s)(.*) \(at (line [0-9]+, column [0-9]+|end of document)\)"


class BadConfigFile(BadConfig):
    """The *mistakes* of the configuration *path*, all of them; *path* is None for the built-in one."""

    def __init__(self, path: Path | None, mistakes: tuple[Mistake, ...]) -> None:
        self.path = path
        self.mistakes = mistakes
        lines = [f"{path}: {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"]
        for mistake in mistakes:
            lines.append(f"  {mistake.key}: {mistake.what}" if mistake.key else f"  {mistake.what}")
            lines += [f"    {mistake.remedy}"] if mistake.remedy else []
        super().__init__("\n".join(lines))


def load(path: str | None = None, env: Mapping[str, str] = os.environ) -> Config:
    """Return the configuration that ``find`` finds, or the built-in defaults when there is none.

    Raises BadConfigFile, a BadConfig, with every mistake; *path* or the environment naming no file is one.
    """
    config, mistakes = examine(path, env)
    if mistakes:
        raise BadConfigFile(config.path, mistakes)
    return config


def examine(path: str | None = None, env: Mapping[str, str] = os.environ) -> tuple[Config, tuple[Mistake, ...]]:
    """Return what of the configuration can be used, and every mistake in it.  Raises nothing."""
    file = find(path, env)
    reading = Reading(file.parent if file else Path(), env)
    values: dict[str, Any] = {}
    public, data, placed = False, b"", True
    try:
        if file:
            data, public = _read(file)
            values = _parse(data)
    except _Unusable as error:
        reading.mistakes.append(error.mistake)
        values, placed = _head(data)
    top = Table(values, "", reading)
    state_dir, chosen_by = sections.read_state_dir(top, env)
    timezone = sections.read_timezone(top)
    keep = sections.read_keep(top)
    poll = sections.read_poll(top.table("poll"))
    aws = sections.read_aws(top.table("aws"))
    remind = sections.read_remind(top.table("remind"))
    heartbeat = sections.read_heartbeat(top.table("heartbeat"))
    accounts = estate.read_accounts(top.tables("account"))
    jobs = sections.read_jobs(top.tables("job"), aws)
    rules = estate.read_rules(top.tables("discover"), accounts, aws)
    queues = read_queues(top.tables("queue"), aws)
    channels = sections.read_channels(top.tables("channel"))
    if public and (heartbeat.url or any(channel.url for channel in channels)):
        reading.warnings.append(f"{file} {EXPOSED}: chmod o-r it, or use url_file")
    top.close()
    # A place that the file names, and that cannot be read from it, is not the default.
    placed = placed and (chosen_by == FROM_FILE or "state_dir" not in reading.given | reading.meant)
    config = Config(
        path=file,
        state_dir=state_dir,
        timezone=timezone,
        keep=keep,
        poll=poll,
        aws=aws,
        remind=remind,
        heartbeat=heartbeat,
        accounts=accounts,
        jobs=jobs,
        rules=rules,
        queues=queues,
        channels=channels,
        warnings=tuple(reading.warnings),
        bundles=reading.bundles,
        origins={**dict.fromkeys(reading.given, FROM_FILE), "state_dir": chosen_by if placed else UNKNOWN},
    )
    return config, tuple(reading.mistakes)


def _head(data: bytes) -> tuple[dict[str, Any], bool]:
    """Return the keys above the first table of a file that is no TOML as a whole, and whether they could be read.

    They say where the database is.  Without *data* the file could not be read at all.
    """
    try:
        return _parse((b"\n" + data).partition(b"\n[")[0]), bool(data)
    except _Unusable:
        return {}, False


def find(path: str | None = None, env: Mapping[str, str] = os.environ) -> Path | None:
    """Return the configuration file to use, absolute: *path*, ``$BEDROCK_WATCH_CONFIG``, the user's, the machine's.

    One that is named is returned whether it exists or not.  None means the built-in defaults.
    """
    named = path if path is not None else env.get(VARIABLE)
    if named is not None and (named or path is not None):
        return expand(named, env).absolute()
    users = user_path(env)
    # A home that is closed to us is somebody else's (sudo, a hardened service); but the machine's file counts as
    # there although we may not look: passing over it would quietly use another database.
    if _exists(users, if_denied=False):
        return users
    return SYSTEM_PATH if _exists(SYSTEM_PATH, if_denied=True) else None


def user_path(env: Mapping[str, str] = os.environ) -> Path:
    """Return where the user's own configuration belongs (XDG Base Directory Specification 0.8)."""
    home = env.get("XDG_CONFIG_HOME", "")
    base = Path(home) if home.startswith("/") else expand("~/.config", env)
    return base / "bedrock-watch" / "config.toml"


class _Unusable(Exception):
    def __init__(self, mistake: Mistake) -> None:
        self.mistake = mistake


def _exists(path: Path, *, if_denied: bool) -> bool:
    try:
        path.stat()
    except PermissionError:
        return if_denied
    except OSError:
        return False
    return True


def _read(file: Path) -> tuple[bytes, bool]:
    """Return the file's bytes, and whether everybody on the machine may read them."""
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            return stream.read(), bool(stat.S_ISREG(mode) and mode & stat.S_IROTH)
    except PermissionError:
        remedy = f"{who_may(file, write=False)}, or use a configuration of your own: bedrock-watch config init"
        raise _Unusable(Mistake("", "this user may not read it", remedy)) from None
    except (OSError, ValueError) as error:
        remedy = f"correct --config or ${VARIABLE}, or write an example there with bedrock-watch config init"
        raise _Unusable(Mistake("", f"cannot be read: {getattr(error, 'strerror', error)}", remedy)) from None


def _parse(data: bytes) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - without a file there is nothing to parse

    try:
        # A byte order mark is what Windows editors put first; it says nothing.
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _Unusable(Mistake(f"line {line}", "is not UTF-8", "save the file as UTF-8")) from None
    except RecursionError:
        raise _Unusable(Mistake("", "is nested too deeply")) from None
    except ValueError as error:  # TOMLDecodeError is one; so is what int() says to thousands of digits
        match = re.fullmatch(_POSITION, str(error))
        place, what = (match[2], match[1]) if match else ("", str(error))
        remedy = "texts go in double quotes; tables that may come more than once begin with [[job]] or [[channel]]"
        raise _Unusable(Mistake(place, f"is not TOML: {what}", remedy)) from None
