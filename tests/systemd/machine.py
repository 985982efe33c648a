"""Whether this machine can boot a real systemd in a container, and what of Debian's packages that takes.

Not its business: the container's files (``image``) and its life (``container``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = {
    # program: Debian package
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
}

INSTALLED = "installed-packages"
"""The file in the cache that names the packages installed on this machine."""

CANNOT = 77
"""What test harnesses exit with for "skipped" (automake's protocol)."""


class CannotRun(Exception):
    """This machine cannot run the suite; the text says why, and what would help."""


def banner(what: str, *reasons: str) -> str:
    """Return words that nobody overlooks."""
    line = "!" * 100
    return "\n".join((line, f"!!! NOT TESTED: {what}", *(f"!!! {reason}" for reason in reasons), line))


def cache() -> Path:
    """Return the directory in which images and wheels are kept between runs (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return Path(base if base.startswith("/") else Path.home() / ".cache") / "bedrock-watch-tests"


def clean() -> None:
    """Remove what test suites keep between runs, and say which packages they have installed."""
    left = cache() / INSTALLED
    if left.exists():
        packages = sorted(set(left.read_text().split()))
        print("The tests have installed these packages on this machine. To remove them: apt-get remove", *packages)
    shutil.rmtree(cache(), ignore_errors=True)
    if cache().exists():
        print(f"Cannot remove {cache()}: run make clean as the user who ran the tests.")


def prepare() -> None:
    """Check that the machine can run the suite, and install missing packages if that is allowed; raises CannotRun."""
    if os.geteuid() != 0:
        raise CannotRun("only root can boot a container: sudo make test-systemd")
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        cache().mkdir(parents=True, exist_ok=True)
        install(missing, cache() / INSTALLED)
    if "cgroup2" not in Path("/proc/filesystems").read_text():
        raise CannotRun("the kernel knows no cgroup2, which systemd needs")
    probe = ["unshare", "--mount", "--net", "--pid", "--cgroup", "--fork", "mount", "-t", "cgroup2", "cgroup2", "/mnt"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"no namespaces or no cgroup2 of its own here (a container without privileges?): {done.stderr}")


def may_install(packages: list[str]) -> bool:
    """Return whether somebody allows us to install *packages*: CI (CI=true), INSTALL=1, or who sits at the terminal.

    CI is "true" on GitHub, GitLab and most other services, and .ci/run sets it.
    """
    if os.environ.get("CI", "").lower() in {"true", "1"} or os.environ.get("INSTALL") == "1":
        return True
    if not sys.stdin.isatty():
        return False
    return input(f"Install {', '.join(packages)} on this machine with apt-get? [y/N] ").strip().lower() in {"y", "yes"}


def install(packages: list[str], left: Path) -> None:
    """Install Debian packages if somebody allows it, and list them in the file *left*, for ``make clean``.

    Raises CannotRun where nobody does, or with what the package manager says.
    """
    if shutil.which("apt-get") is None:
        raise CannotRun(f"missing, and there is no apt-get to install them: {', '.join(packages)}")
    if not may_install(packages):
        missing = f"missing on this machine: {', '.join(packages)}"
        raise CannotRun(f"{missing}. Install them, or let this command do it: set INSTALL=1 (or CI=true)")
    print("installing", *packages, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *step], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode:
            raise CannotRun(f"apt-get {step[0]} failed:\n{done.stdout}{done.stderr}")
    with left.open("a") as file:
        file.writelines(f"{package}\n" for package in packages)


if __name__ == "__main__" and sys.argv[1:] == ["clean"]:
    clean()
