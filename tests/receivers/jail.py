"""A server of Debian's in a container's files: it sees a copy of them that is thrown away, and the test's directory.

The container's files are not changed: what a server writes goes to a tmpfs.  The test's directory is /srv inside.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DEADLINE = 60.0
"""Seconds that something may take before it is called broken."""

_ENTER = """
set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
mount --bind "$2" /mnt/root/srv
mount --rbind /dev /mnt/root/dev
mount -t proc proc /mnt/root/proc
cp -R "$2/etc" /mnt/root/
exec chroot /mnt/root sh -c "$3"
"""


@dataclass(frozen=True)
class Server:
    """A server that runs; *directory* is its /srv, its words are in the file "output" there."""

    directory: Path
    process: subprocess.Popen[bytes]

    def pids(self) -> list[int]:
        """Return the processes of the server itself, as this machine numbers them."""
        found: list[int] = []
        parents = [self.process.pid]
        while parents:
            parent = parents.pop()
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            found += map(int, children)
            parents += map(int, children)
        return found

    def signal(self, number: int) -> None:
        """Send a signal to all of them."""
        for pid in self.pids():
            os.kill(pid, number)

    def output(self) -> str:
        """Return what the server has printed."""
        return (self.directory / "output").read_text(errors="replace")


@contextmanager
def jailed(directory: Path, command: str, files: Mapping[str, str], *ports: int) -> Iterator[Server]:
    """Run the shell *command* with these *files* (below /etc, by name) until the end; yield when all *ports* answer."""
    directory.chmod(0o777)  # servers have users of their own; nobody else sees the directory that it is in
    for name, text in files.items():
        file = directory / "etc" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    words = [*apart, "sh", "-c", _ENTER, "sh", os.environ["RECEIVERS_IMAGE"], str(directory), command]
    with running(directory, words, *ports) as server:
        yield server


@contextmanager
def running(directory: Path, words: list[str], *ports: int) -> Iterator[Server]:
    """Run a server until the end; yield when all *ports* on loopback answer."""
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    server = Server(directory, process)
    try:
        end = time.monotonic() + DEADLINE
        while not all(map(_answers, ports)):
            assert process.poll() is None, f"the server ended with {process.returncode}:\n{server.output()}"
            assert time.monotonic() < end, f"the server does not answer:\n{server.output()}"
            time.sleep(0.05)
        yield server
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
