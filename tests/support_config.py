"""What the tests of the configuration share: writing a file, what is wrong with it, and another user's eyes."""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from watcher.config import BadConfigFile, Config, Mistake, load
from watcher.files import who_may

EXAMPLE = Path(__file__).parent.parent / "watcher" / "config" / "example.toml"
ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12"
SECRET = "T0K3N-of-the-channel"
PEM = "-----BEGIN CERTIFICATE-----\n"
"""What the reading of a configuration takes for a certificate."""

HOOK = f"slack://{SECRET}/B/C"
# The smallest file that zoneinfo reads: no transitions, one type of local time, UTC (RFC 8536).
TZIF = b"TZif" + bytes(16) + bytes.fromhex("000000000000000000000000000000000000000100000004") + bytes(6) + b"UTC\0"


def write(directory: Path, text: str | bytes) -> str:
    """Write a configuration that only its owner may read; return its path."""
    file = directory / "config.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(0o600)
    return str(file)


def read(directory: Path, text: str, **env: str) -> Config:
    """Load a configuration of this text in an empty environment."""
    return load(write(directory, text), env)


def mistakes(directory: Path, text: str | bytes, **env: str) -> list[Mistake]:
    """Return what is wrong with a configuration of this text; something must be."""
    with pytest.raises(BadConfigFile) as caught:
        load(write(directory, text), env)
    assert caught.value.mistakes
    return list(caught.value.mistakes)


def only(directory: Path, text: str | bytes) -> Mistake:
    """Return the one mistake of a configuration of this text."""
    (mistake,) = mistakes(directory, text)
    return mistake


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's right to read everything, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    # Nobody may be unable to read this very program: what it imports late is imported now.
    load(str(EXAMPLE), {})
    who_may(EXAMPLE)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def open_dir() -> Iterator[Path]:
    """Yield a temporary directory that other users may enter, unlike pytest's own."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def one_time_zone(directory: Path) -> Iterator[None]:
    """Give the machine a time zone database of Europe/Berlin alone, whatever its own is."""
    (directory / "Europe").mkdir(parents=True)
    (directory / "Europe" / "Berlin").write_bytes(TZIF)
    zoneinfo.reset_tzpath([str(directory)])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        yield
    finally:
        zoneinfo.reset_tzpath()
        zoneinfo.ZoneInfo.clear_cache()
