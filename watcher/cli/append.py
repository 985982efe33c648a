"""Adding a drill's sections to an existing configuration file, and changing nothing else in it.

The new text is parsed and compared with the old one before it is written, so whatever else the file holds (a
multi-line text that looks like a table's header, a dotted key) is never changed by mistake.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from watcher.cli.drill import RULE, Sections
from watcher.errors import BadConfig, UsageError, WatchError
from watcher.files import open_regular, who_may

_MARK = "# Added by bedrock-watch simulate --append, for a fire drill."
_BOM = "\ufeff"
_LARGEST = 10_000_000


class Target:
    """The file at *path*, or what a link there leads to.

    Raises WatchError when it cannot be read, and BadConfig when it is not TOML.
    """

    def __init__(self, path: Path) -> None:
        self._shown, self._path = path, Path(os.path.realpath(path))
        self._text = self._read()
        self._values = self._checked(self._text)

    @property
    def has_state_dir(self) -> bool:
        """Whether the file names a state directory, which the drill then uses."""
        return "state_dir" in self._values

    def check(self, account: str, *, role: bool) -> None:
        """Raise UsageError when the file has a drill's sections, or others that conflict with them."""
        rules, accounts = self._tables("discover"), self._tables("account")
        if any(rule.get("name") == RULE for rule in rules):
            raise UsageError(
                f"{self._shown} has the sections of a fire drill already",
                "start the simulator without --append, with the --port that endpoint_url names; or remove the sections",
            )
        for name in ("aws", "poll"):
            if not isinstance(self._values.get(name, {}), dict):
                raise BadConfig(f"{self._shown}: {name} is not a table", f"write it as [{name}]")
        aws = self._values.get("aws", {})
        if found := [key for key in ("endpoint_url", "sign") if key in aws]:
            raise UsageError(f"{self._shown} sets aws.{found[0]}", "remove it: a fire drill needs a value of its own")
        if role and any(one.get("id") == account for one in accounts):
            raise UsageError(
                f"{self._shown} has an [[account]] {account}", "choose another --account, or leave out --role"
            )

    def extended(self, sections: Sections) -> str:
        """Return the file's text with the drill's sections; raises UsageError when they cannot be added."""
        bom = _BOM if self._text.startswith(_BOM) else ""
        text, values = self._text.removeprefix(_BOM), dict(self._values)
        end = "\r\n" if "\r\n" in text else "\n"
        for table, keys in sections.shared.items():
            there = self._values.get(table, {})
            missing = _lines({key: value for key, value in keys.items() if key not in there}).replace("\n", end)
            values[table] = {**there, **tomllib.loads(missing)}
            if missing:
                text = next((one for one in _ways(text, table, missing, end) if _parsed(one) == values), "")
        top = _lines({key: value for key, value in sections.top.items() if key not in values}).replace("\n", end)
        text = f"{bom}{_MARK}{end}{top}{text}" if top else bom + text
        text += _gap(text, end) + f"{_MARK}\n{sections.own}".replace("\n", end)
        values |= tomllib.loads(top)
        for name, tables in tomllib.loads(sections.own).items():
            values[name] = [*self._tables(name), *tables]
        if _parsed(text.removeprefix(bom)) != values:
            raise UsageError(
                f"cannot add the drill's sections to {self._shown}",
                "write its tables as [aws], [poll] and [[discover]], or use: bedrock-watch simulate > drill.toml",
            )
        return text

    def write(self, text: str) -> None:
        """Put *text* in the file's place at once, with the file's owner, mode and attributes.

        Raises WatchError when the file changed since it was read, or cannot be replaced.
        """
        if self._read() != self._text:
            raise WatchError(f"{self._shown} changed in the meantime", "run the command again")
        fresh = self._path.with_name(f".{self._path.name}.{os.urandom(8).hex()}")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(text.encode())
                stream.flush()
                found = self._path.stat()
                if (found.st_uid, found.st_gid) != (os.geteuid(), os.fstat(stream.fileno()).st_gid):
                    os.fchown(stream.fileno(), found.st_uid, found.st_gid)
                shutil.copystat(self._path, fresh)
                os.utime(fresh)
                os.fsync(stream.fileno())
            fresh.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise WatchError(f"cannot write {self._shown}: {error.strerror}", who_may(self._path.parent)) from error

    def _tables(self, name: str) -> list[dict[str, Any]]:
        found = self._values.get(name, [])
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def _read(self) -> str:
        try:
            with os.fdopen(open_regular(self._path, os.O_RDONLY), "rb") as stream:
                data = stream.read(_LARGEST + 1)
            if len(data) > _LARGEST:
                raise BadConfig(f"{self._shown} is larger than 10 MB", "it is no configuration")
            return data.decode()
        except FileNotFoundError as error:
            raise UsageError(
                f"{self._shown} does not exist", f"to make it: bedrock-watch simulate > {self._shown}"
            ) from error
        except UnicodeDecodeError as error:
            raise BadConfig(f"{self._shown} is not UTF-8", "save it as UTF-8") from error
        except OSError as error:
            raise BadConfig(f"cannot read {self._shown}: {error.strerror}", "check the path and its mode") from error

    def _checked(self, text: str) -> dict[str, Any]:
        try:
            return tomllib.loads(text.removeprefix(_BOM))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise BadConfig(f"{self._shown} is not TOML: {error}", "correct it, then run the command again") from error


def _ways(text: str, table: str, lines: str, end: str) -> Iterator[str]:
    """Yield *text* with *lines* below each line that looks like the header of *table*, then with a table of its own."""
    for header in re.finditer(rf"(?m)^[ \t]*\[[ \t]*{table}[ \t]*\][ \t\r]*(?:#.*)?(?:\n|\Z)", text):
        before = text[: header.end()]
        yield before + ("" if before.endswith("\n") else end) + f"{_MARK}{end}{lines}" + text[header.end() :]
    yield f"{text}{_gap(text, end)}{_MARK}{end}[{table}]{end}{lines}"


def _gap(text: str, end: str) -> str:
    """Return what separates *text* from a table after it."""
    return ("" if text.endswith("\n") or not text else end) + end


def _lines(keys: dict[str, str]) -> str:
    return "".join(f"{key} = {value}\n" for key, value in keys.items())


def _parsed(text: str) -> dict[str, Any]:
    """Return what *text* holds; nothing when it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
