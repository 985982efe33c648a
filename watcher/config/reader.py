"""How a TOML table is read: each key is asked for by its type, and each mistake is kept while the reading goes on.

A key that nobody asked for is unknown; so the code that asks is the only list of keys there is.  No value is repeated
in a mistake unless it cannot be a secret: people paste a URL into the wrong key.
Not its business: which keys there are and what they mean (``sections``).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from watcher.config.durations import format_duration, parse_duration

T = TypeVar("T")
D = TypeVar("D", float, None)

_BARE = r"[A-Za-z0-9_-]{1,64}"
_CONTROL = r"[\x00-\x1f\x7f-\x9f]"
_CONTROL_IN_LINES = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
_OFF = "off"
# RFC 7468, 5; what OpenSSL calls a trusted certificate begins with BEGIN TRUSTED CERTIFICATE.
_PEM = b" CERTIFICATE-----"
_LENGTH: tuple[type[str | float], ...] = (str, int, float)
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),  # before int: a bool is one
    (str, "a text"),
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "a table"),
)


class Mistake(NamedTuple):
    """One thing wrong in a configuration: at which *key*, *what*, and the *remedy*."""

    key: str
    what: str
    remedy: str = ""


class Reading:
    """What one reading of a file collects; its paths are relative to *base*, ``~`` is the home that *env* names.

    *given* are the keys that it has; *meant* are those of the file itself that it seems to have misspelt or misplaced;
    *bundles* are the files of certificates that it names, with the times (ns) of their last change.
    """

    def __init__(self, base: Path, env: Mapping[str, str]) -> None:
        self.base = base
        self.env = env
        self.mistakes: list[Mistake] = []
        self.warnings: list[str] = []
        self.given: set[str] = set()
        self.meant: set[str] = set()
        self.bundles: dict[Path, int] = {}
        self.top_keys: list[str] = []


class Table:
    """One table of the file, named *name* in mistakes; the empty name is the file itself.

    Every method that asks for a key returns None, or the default, for one that is absent or mistaken.
    """

    def __init__(self, values: Mapping[str, object], name: str, reading: Reading) -> None:
        self._values = values
        self._known: list[str] = []
        self.name = name
        self.reading = reading

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def wrong(self, key: str, what: str, remedy: str = "") -> None:
        """Keep a mistake at *key*; the empty key is the table itself."""
        name = f"{self.name}.{key}" if self.name and key else self.name or key
        self.reading.mistakes.append(Mistake(name, what, remedy))

    def text(self, key: str, expected: str = "") -> str | None:
        """Return a text that is neither empty nor holds control characters; *expected* says in words what it is."""
        value = self._written(key, expected)
        if value is None or not re.search(_CONTROL, value):
            return value
        self.wrong(key, "holds a control character or a line break", "write it on one line")
        return None

    def lines(self, key: str) -> str | None:
        """Return a text as ``text`` does, which may hold line breaks and tabs."""
        value = self._written(key)
        if value is None or not re.search(_CONTROL_IN_LINES, value):
            return value
        self.wrong(key, "holds a control character", "only line breaks and tabs may be in it")
        return None

    def matching(self, key: str, pattern: str, expected: str) -> str | None:
        """Return a text that matches all of *pattern*; *expected* says in words what that is."""
        value = self.text(key, expected)
        if value is None or re.fullmatch(pattern, value):
            return value
        self.wrong(key, f"is not {expected}")
        return None

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key, bool)
        return default if value is None else value

    def seconds(self, key: str, default: D, least: float, most: float, *, off: bool = False) -> float | D:
        """Return a length of time between *least* and *most*, all in seconds; 0.0 when it may be *off*, and is."""
        or_off = ', or "off"' if off else ""
        value: str | float | None = self._take(key, _LENGTH, f'"30s", "2m", "1h30m", or a number of seconds{or_off}')
        if value is None:
            return default
        try:
            seconds = 0.0 if off and value == _OFF else parse_duration(value)
        except ValueError as error:
            self.wrong(key, "is not a length of time", f"{error}{or_off}")
            return default
        if least <= seconds <= most or (off and seconds == 0):
            return seconds
        self.wrong(
            key,
            f"is too {'short' if seconds < least else 'long'}",
            f"it goes from {format_duration(least)} to {format_duration(most)}{or_off}",
        )
        return default

    def factor(self, key: str, default: float, least: float, most: float) -> float:
        """Return a number between *least* and *most*; 0.0 for one that is switched off."""
        expected = f'a number from {least:g} to {most:g}, or "off"'
        value: str | float | None = self._take(key, _LENGTH, expected)
        if value is None:
            return default
        if value in (_OFF, 0):
            return 0.0
        if not isinstance(value, str) and least <= value <= most:
            return float(value)
        self.wrong(key, "is not a factor", f"expected {expected}")
        return default

    def count(self, key: str, default: int, most: int) -> int:
        """Return a whole number from 0 to *most*."""
        expected = f"a whole number from 0 to {most}"
        value = self._take(key, int, expected)
        if value is None:
            return default
        if 0 <= value <= most:
            return value
        self.wrong(key, f"is too {'small' if value < 0 else 'large'}", f"expected {expected}")
        return default

    def texts(self, key: str, pattern: str = "", expected: str = "") -> tuple[str, ...] | None:
        """Return a list's texts, none of them empty or there twice; each matches *pattern*, which is *expected*."""
        values: list[object] | None = self._take(key, list, 'a list of texts: ["...", "..."]')
        if values is None:
            return None
        items = {f"{key}[{index}]": value for index, value in enumerate(values, 1)}
        table = Table(items, self.name, self.reading)
        texts = (table.matching(each, pattern, expected) if pattern else table.text(each) for each in items)
        return tuple(dict.fromkeys(text.strip() for text in texts if text is not None))

    def path(self, key: str) -> Path | None:
        """Return a path: ``~`` is expanded, a relative one starts at the configuration's directory."""
        value = self.text(key)
        if value is None:
            return None
        if "://" in value:
            self.wrong(key, "is a URL, where the path of a file belongs", "write the path; a channel's URL goes in url")
            return None
        return self.reading.base / expand(value, self.reading.env)

    def bundle(self, key: str) -> Path | None:
        """Return the path of a file of certificates, as far as this user can tell."""
        path = self.path(key)
        if path is None:
            return None
        try:
            found = path.stat()
            certificates = _PEM in path.read_bytes() if stat.S_ISREG(found.st_mode) else False
        except PermissionError:
            return path  # the service may see what this user does not
        except (OSError, ValueError) as error:  # ValueError: a name that the file system cannot encode
            self.wrong(key, f"no file at {path}: {getattr(error, 'strerror', error)}", "correct the path")
            return None
        if not certificates:
            self.wrong(key, f"{path} is not a file of certificates", "name a file in PEM format")
        self.reading.bundles[path] = found.st_mtime_ns
        return path

    def table(self, key: str) -> Table:
        """Return the table ``[key]``; an empty one when it is absent."""
        values: dict[str, object] | None = self._take(key, dict, f"a table, that begins with [{key}]")
        return Table(values or {}, key, self.reading)

    def tables(self, key: str) -> list[Table]:
        """Return the tables ``[[key]]`` in their order, named ``key[1]`` and so on."""
        expected = f"tables, each of which begins with [[{key}]]"
        values: list[object] = self._take(key, list, expected) or []
        found = []
        for index, value in enumerate(values, 1):
            if isinstance(value, dict):
                found.append(Table(value, f"{key}[{index}]", self.reading))
            else:
                self.wrong(f"{key}[{index}]", f"is {_kind(value)}", f"expected {expected}")
        return found

    def close(self) -> None:
        """Keep a mistake for each key that was never asked for."""
        for key in self._values:
            if key not in self._known:
                self.wrong(printable(key), "unknown key", self._remedy(key))

    def _remedy(self, key: str) -> str:
        # In TOML a key belongs to the table above it, however far the two are apart.
        if key in self.reading.top_keys and not isinstance(self._values[key], (dict, list)):
            self.reading.meant.add(key)
            return "it is a top-level key: put it above the first [table]"
        near = nearest(key, self._known)
        if near and not self.name:
            self.reading.meant.add(near)
        return _did_you_mean(near) or f"the keys here are {', '.join(self._known)}"

    def _written(self, key: str, expected: str = "") -> str | None:
        value = self._take(key, str, expected)
        if value is None or value.strip():
            return value
        self.wrong(key, "is empty", "give it a value, or leave the key out")
        return None

    def _take(self, key: str, kind: type[T] | tuple[type[T], ...], expected: str = "") -> T | None:
        self._known.append(key)
        if not self.name:
            self.reading.top_keys.append(key)
        if key not in self._values:
            return None
        self.reading.given.add(f"{self.name}.{key}" if self.name else key)
        value = self._values[key]
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
            return value
        words = expected or " or ".join(name for each, name in _KINDS if each in kinds)
        self.wrong(key, f"is {_kind(value)}", f"expected {words}")
        return None


def expand(text: str, env: Mapping[str, str]) -> Path:
    """Return *text* as a path, ``~`` being the home directory that *env* (else the user database) names."""
    home = env.get("HOME")
    if home and (text == "~" or text.startswith("~/")):
        return Path(home, text[2:])
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser raises for an unknown user


def suggest(word: str, words: Iterable[str]) -> str:
    """Return a question that offers the nearest of *words*; empty when none is near."""
    return _did_you_mean(nearest(word, words))


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the one of *words* that was meant by a misspelt *word*; empty when none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    by_lower = {each.lower(): each for each in words}
    near = get_close_matches(word[:64].lower(), by_lower, n=1)
    return by_lower[near[0]] if near else ""


def _did_you_mean(word: str) -> str:
    return f"did you mean {word}?" if word else ""


def printable(word: str) -> str:
    """Return a word as it may be shown: people paste a URL before the = sign, too."""
    return word if re.fullmatch(_BARE, word) else '"..."'


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "a date or time")
