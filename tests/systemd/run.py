"""``make test-systemd``: the service's tests, in a container with a real systemd, with no network but loopback.

Everything happens in namespaces and in a cgroup of its own; all of it ends when this process ends, however that is.
Exits with pytest's code, or with CANNOT where this machine cannot run the suite or a part of it: never with success then.
Not its business: what is tested.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import image
import machine
import wheels
from machine import CANNOT, banner

_CGROUPS = Path("/sys/fs/cgroup")


def main(arguments: list[str]) -> int:
    """Prepare what takes a network, then run pytest with *arguments* apart from the rest of the machine."""
    if arguments[:1] == ["--apart"]:
        return _apart(arguments[1:])
    if arguments[:1] == ["--inside"]:
        return _inside(arguments[1:])
    try:
        machine.prepare()
        image.image()
        wheels.wheelhouse()
    except machine.CannotRun as reason:
        print(
            banner("the systemd service. This machine cannot run its tests.", str(reason)), file=sys.stderr, flush=True
        )
        return CANNOT
    own = [sys.executable, __file__]
    apart = ["setpriv", "--pdeathsig=TERM", "unshare", "--mount", *own, "--apart", *arguments]
    return subprocess.run(apart, check=False).returncode


def _apart(arguments: list[str]) -> int:
    """In a mount namespace of our own: make a cgroup, run the tests below it, and take the cgroup away."""
    # Whoever began us may have been killed: the child is killed then, too, and the cgroup taken away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    subprocess.run(["umount", "--recursive", "--lazy", str(_CGROUPS)], check=False)
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", str(_CGROUPS)], check=True)
    own = _CGROUPS / f"bedrock-watch-tests.{os.getpid()}"
    own.mkdir()
    child = [sys.executable, __file__, "--inside", *arguments]
    # The first process inside is killed with its parent, and all others inside with it.
    namespaces = ["--cgroup", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    enter = ["sh", "-c", f'echo $$ > {own}/cgroup.procs && exec "$@"', "sh"]
    command = [*enter, "setpriv", "--pdeathsig=KILL", "unshare", *namespaces, *child]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    finally:
        _take_away(own)


def _take_away(group: Path) -> None:
    """Remove a control group and those below it; the kernel may still be busy with what has just ended in them."""
    for _ in range(100):
        try:
            for directory, _, _ in os.walk(group, topdown=False):
                Path(directory).rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return
    print(f"left behind: the control group {group}", file=sys.stderr)


def _inside(arguments: list[str]) -> int:
    """In namespaces of our own: let the cgroup be the root, bring loopback up, and run pytest on a tmpfs."""
    subprocess.run(["umount", str(_CGROUPS)], check=True)
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", str(_CGROUPS)], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory(prefix="bedrock-watch-tests.") as directory:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory], check=True)
        try:
            pytest = [
                sys.executable,
                "-m",
                "pytest",
                "-o",
                f"pythonpath={shlex.join(map(str, (here, here.parent)))}",
                f"--basetemp={directory}/tests",
            ]
            return subprocess.run([*pytest, str(here), *arguments], cwd=here.parents[1], check=False).returncode
        finally:
            subprocess.run(["umount", "--lazy", directory], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
