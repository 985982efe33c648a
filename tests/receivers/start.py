"""``make test-receivers``: the channels against real servers from Debian and PyPI, on a loopback of their own.

The servers run in a Debian container's files (as the systemd tests do), so that nothing is installed on this machine
but debootstrap, and that only where it is allowed.  Network, processes and mounts are in namespaces, which end with us.
Exits with pytest's code, or with CANNOT where this machine cannot run the suite.  Not its business: what is tested.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
sys.path.insert(0, str(_HERE.parent / "systemd"))

import image  # noqa: E402 - found only now
import machine  # noqa: E402
from machine import CANNOT, banner  # noqa: E402

PACKAGES = ("postfix", "dovecot-imapd", "mosquitto", "ngircd", "rsyslog", "squid")
PROGRAMS = {"debootstrap": "debootstrap", "ip": "iproute2", "unshare": "util-linux"}
SYNAPSE = _HERE / "synapse.lock"


def main(arguments: list[str]) -> int:
    """Prepare what takes a network, then run pytest with *arguments* in a network of its own."""
    try:
        _check()
        files, synapse = image.image(PACKAGES), _synapse()
    except machine.CannotRun as reason:
        print(banner("real receivers. This machine cannot run their tests.", str(reason)), file=sys.stderr, flush=True)
        return CANNOT
    paths = shlex.join(map(str, (_HERE, _HERE.parent)))
    pytest = [sys.executable, "-m", "pytest", "-rs", "-o", f"pythonpath={paths}", str(_HERE), *arguments]
    apart = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command = [*apart, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *pytest]
    environment = os.environ | {"RECEIVERS_IMAGE": str(files), "RECEIVERS_SYNAPSE": str(synapse)}
    return subprocess.run(command, cwd=_HERE.parents[1], env=environment, check=False).returncode


def _check() -> None:
    """Check that the machine can run the suite, and install missing packages if that is allowed; raises CannotRun."""
    if os.geteuid() != 0:
        raise machine.CannotRun("only root can make the namespaces that the servers run in: sudo make test-receivers")
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        machine.cache().mkdir(parents=True, exist_ok=True)
        machine.install(missing, machine.cache() / machine.INSTALLED)
    probe = ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    if done.returncode:
        raise machine.CannotRun(f"no namespaces here (a container without privileges?): {done.stderr}")


def _synapse() -> Path:
    """Return the Python of a virtual environment with Synapse, by its lock; raises CannotRun."""
    return image.kept(f"synapse-{image.digest(SYNAPSE.read_text())}", _install_synapse) / "bin/python"


def _install_synapse(directory: Path) -> None:
    print("installing Synapse, once: half a minute", flush=True)
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(directory / "bin/python")
    for words in (
        ["venv", "--quiet", "--relocatable", "--python", sys.executable, str(directory)],
        ["pip", "sync", "--quiet", "--require-hashes", "--python", python, str(SYNAPSE)],
    ):
        done = subprocess.run([uv, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            raise machine.CannotRun(f"Synapse cannot be installed:\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
