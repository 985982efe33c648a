"""The wheels that the container installs from, since it has no network: what the locks name, and this program.

Not its business: installing them (``deploy/systemd/install.sh`` does).
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from image import kept
from machine import CannotRun

TOP = Path(__file__).parents[2]
PREVIOUS = "fc0a8e72d41255aacbd3ca55d1f9d3acd48ce218"
"""The last commit before there was a system service: the version that people upgrade from."""

UNKNOWN = f"the history here does not have {PREVIOUS[:7]} (git fetch --unshallow); its database was upgraded, frozen"
"""Why that version itself does not run, which is not all that is tested of it (``test_upgrade``)."""


def wheelhouse() -> Path:
    """Return a directory with the wheels that ``make wheelhouse`` gathers, and what pip and pipx want besides.

    It is kept for as long as the lock stays the same; the program itself is not in it.  Raises CannotRun.
    """
    sources = (*(TOP / "deploy/systemd" / name for name in ("requirements.lock", "build.lock")), Path(__file__))
    return kept(f"wheelhouse-{hashlib.sha256(b''.join(map(Path.read_bytes, sources))).hexdigest()[:12]}", _gather)


def _gather(directory: Path) -> None:
    print("gathering wheels, once for each lock", flush=True)
    # Debian 12's Python, whatever this machine's is.
    _run("make", "-s", "-C", str(TOP), "wheelhouse", f"WHEELHOUSE={directory}", "FOR=3.11")
    for own in directory.glob("bedrock_watch-*.whl"):
        own.unlink()
    shutil.rmtree(directory / "systemd")
    # What builds a wheel from a checkout, and what pipx puts into each of its environments.
    pip = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "--python-version=3.11"]
    _run(*pip, "-d", str(directory), "pip", "setuptools", "wheel")
    build = str(TOP / "deploy/systemd/build.lock")
    _run(*pip, "--no-deps", "--require-hashes", "-d", str(directory), "-r", build)


def _run(*command: str) -> None:
    """Run what needs the package index; raises CannotRun when it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"the wheels cannot be gathered:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def wheel(source: Path, directory: Path) -> Path:
    """Build the wheel of the program in *source* into *directory*, and return its file."""
    with tempfile.TemporaryDirectory() as made:
        build = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            made,
            str(source),
        ]
        subprocess.run(build, check=True)
        (file,) = Path(made).glob("*.whl")
        return Path(shutil.move(file, directory / file.name))


def current(directory: Path) -> Path:
    """Copy this program's source into *directory*, without what is made of it, and return the copy."""
    files = ("watcher", "deploy", "config", "pyproject.toml", "README.md", "LICENSE", "requirements.lock", "Makefile")
    for name in files:
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            directory.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / name, directory / name)
    return directory


def version(source: Path, name: str) -> Path:
    """Call the program in *source* version *name*, and return *source*."""
    return _changed(source, "watcher/__init__.py", r'(__version__ = )".*"', rf'\1"{name}"')


def broken(source: Path) -> Path:
    """Give the program in *source* a newer schema, let it die when it should say that it is ready; return *source*."""
    _changed(
        source,
        "watcher/store/schema.py",
        r"(    \"\"\",\n)\)\n\Z",
        r'\1    "CREATE TABLE later (id INTEGER) STRICT;",\n)\n',
    )
    return _changed(
        source, "watcher/systemd.py", r"( +)self\._tell\(READY=", r'\1raise SystemExit("broken on purpose")\n\g<0>'
    )


def _changed(source: Path, name: str, pattern: str, replacement: str) -> Path:
    text, count = re.subn(pattern, replacement, (source / name).read_text(), count=1)
    assert count == 1, f"{name} has nothing like {pattern}"
    (source / name).write_text(text)
    return source


def previous(directory: Path) -> Path | None:
    """Write the source of PREVIOUS into *directory* and return that; None where the history does not have it."""
    done = subprocess.run(["git", "-C", str(TOP), "archive", PREVIOUS], capture_output=True, check=False)
    if done.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return directory
