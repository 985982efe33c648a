"""The container's files: a minimal Debian 12, made once by debootstrap and kept in the user's cache.

Its packages come from where the machine's own come from.  Not its business: booting it (``container``).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from machine import CannotRun, cache

SUITE = "bookworm"
"""Debian 12: the oldest systemd (252) that the service supports, and the Python (3.11) that the program needs."""

_MONTH = 30 * 24 * 3600.0

PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd"),
    *("python3", "python3-venv", "pipx"),
    *("sudo", "ca-certificates", "procps"),
    *("man-db", "groff-base", "mandoc"),
    *("bash-completion", "zsh", "fish"),
)


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """Return what the cache has of that *name*; without it, let *make* fill a directory that then gets the name.

    What nobody has used for a month is thrown away; another run may be using the rest.
    """
    cache().mkdir(parents=True, exist_ok=True)
    found = cache() / name
    if not found.exists():
        making = found.with_suffix(f".{os.getpid()}")
        try:
            make(making)
            making.rename(found)
        except OSError:
            if not found.exists():  # else another run was faster
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
    os.utime(found)
    for old in cache().iterdir():
        with suppress(FileNotFoundError):  # another run throws it away, or gives it its name
            if old.is_dir() and time.time() - old.stat().st_mtime > _MONTH:
                shutil.rmtree(old)
    return found


def image(packages: tuple[str, ...] = PACKAGES) -> Path:
    """Return the directory of a container's files with *packages*, making it where there is none; raises CannotRun."""
    return kept(f"{SUITE}-{digest(' '.join(packages))}", lambda directory: _bootstrap(directory, packages))


def digest(text: str) -> str:
    """Return a short name for *text*."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _bootstrap(directory: Path, packages: tuple[str, ...]) -> None:
    print("making a Debian container, once: a minute or two", flush=True)
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, str(directory), mirror()]
    for again in (True, False):  # a mirror may stumble
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if not done.returncode:
            shutil.rmtree(directory / "var/cache/apt/archives")
            return
        if again:
            shutil.rmtree(directory, ignore_errors=True)
    raise CannotRun(f"debootstrap failed:\n{done.stdout[-2000:]}{done.stderr}")


def mirror() -> str:
    """Return the Debian archive that this machine's own packages come from, as apt reads its sources; or CannotRun."""
    listing = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(CODENAME)", "Created-By: Packages"]
    done = subprocess.run(listing, capture_output=True, text=True, check=False)
    sources = [line.split() for line in done.stdout.splitlines()]
    # A machine with another Debian has it in the same archive.
    archives = [uri for uri, *_ in sources if uri.rstrip("/").endswith("/debian")]
    for uri in (*(uri for uri, *names in sources if SUITE in names), *archives):
        return uri
    raise CannotRun(f"none of this machine's package sources is a Debian archive:\n{done.stdout}{done.stderr}")
