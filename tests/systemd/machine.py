"""Whether this machine can boot a real systemd in a container, and what of Debian's packages that takes.

Not its business: the container's files (``image``) and its life (``container``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
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

CANNOT = 77
"""What test harnesses exit with for "skipped" (automake's protocol)."""


class CannotRun(Exception):
    """This machine cannot run the suite; the text says why, and what would help."""


def banner(what: str, *reasons: str) -> str:
    """Return words that nobody overlooks."""
    line = "!" * 100
    return "\n".join((line, f"!!! NOT TESTED: {what}", *(f"!!! {reason}" for reason in reasons), line))


def prepare() -> None:
    """See to it that the machine can run the suite, installing packages where they are missing; raises CannotRun."""
    if os.geteuid() != 0:
        raise CannotRun("only root can boot a container: sudo make test-systemd")
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        _install(missing)
    if "cgroup2" not in Path("/proc/filesystems").read_text():
        raise CannotRun("the kernel knows no cgroup2, which systemd needs")
    probe = ["unshare", "--mount", "--net", "--pid", "--cgroup", "--fork", "mount", "-t", "cgroup2", "cgroup2", "/mnt"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"no namespaces or no cgroup2 of its own here (a container without privileges?): {done.stderr}")


def _install(packages: list[str]) -> None:
    """Install Debian packages; raises CannotRun with what the package manager says."""
    if shutil.which("apt-get") is None:
        raise CannotRun(f"missing, and there is no apt-get to install them: {', '.join(packages)}")
    print("installing", *packages, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode:
            raise CannotRun(f"apt-get {words[0]} failed:\n{done.stdout}{done.stderr}")
