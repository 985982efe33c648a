"""What the test suites install on a machine: nothing unless somebody allows it, and ``make clean`` knows of it.

The package manager here is a program of the test's, which writes down how it is called.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MACHINE = Path(__file__).parent / "systemd/machine.py"
INSTALL = (
    "import machine; machine.cache().mkdir(); machine.install(['debootstrap'], machine.cache() / machine.INSTALLED)"
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which apt-get only writes its arguments to the file "calls"."""
    apt = tmp_path / "bin/apt-get"
    apt.parent.mkdir()
    apt.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    apt.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "INSTALL"}}
    own = {"PATH": f"{apt.parent}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path)}
    return kept | own | {"PYTHONPATH": str(MACHINE.parent)}


def python(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python without a terminal."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_is_installed_where_nobody_can_be_asked(environment: dict[str, str], tmp_path: Path) -> None:
    done = python(environment, "-c", INSTALL)
    assert done.returncode == 1
    assert "CannotRun: missing on this machine: debootstrap. Install them" in done.stderr
    assert "INSTALL=1" in done.stderr
    assert not (tmp_path / "calls").exists()


def test_nothing_is_installed_where_ci_is_switched_off(environment: dict[str, str], tmp_path: Path) -> None:
    assert python(environment | {"CI": "false"}, "-c", INSTALL).returncode == 1
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize("allowed", [{"CI": "true"}, {"INSTALL": "1"}], ids=str)
def test_what_is_installed_is_named_and_the_cache_removed_by_make_clean(
    environment: dict[str, str], tmp_path: Path, allowed: dict[str, str]
) -> None:
    done = python(environment | allowed, "-c", INSTALL)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "calls").read_text() == "update -qq\ninstall -qq --no-install-recommends debootstrap\n"
    cache = tmp_path / "bedrock-watch-tests"
    (cache / "bookworm-1").mkdir()
    done = python(environment, str(MACHINE), "clean")
    assert done.stdout.endswith("apt-get remove debootstrap\n")
    assert not cache.exists()
