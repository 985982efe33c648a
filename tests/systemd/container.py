"""A Debian container with a real systemd, booted by systemd-nspawn on a throw-away overlay of an image.

It shares the test's network namespace, which has a loopback and nothing else (``run``): what a test serves on
127.0.0.1, the service reaches, and nothing else.  Not its business: what is installed in it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

DEADLINE = 300.0
"""Seconds that something may take before it is called broken: an installation takes ten on an idle machine."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Layers:
    """The files of a container that does not run: directories, the uppermost first."""

    directories: tuple[Path, ...]


@dataclass
class Container:
    """A running container: *root* is its file system as the test sees it, *leader* its systemd."""

    root: Path
    upper: Path
    leader: int

    def run(
        self,
        command: str,
        *,
        user: str = "root",
        check: bool = True,
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run shell *command* as *user* of the container, with the groups that it has now; fail on an error if *check*."""
        home = "/root" if user == "root" else f"/home/{user}"
        enter = ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--pid", "--cgroup"]
        variables = {"PATH": _PATH, "HOME": home, "USER": user, "LANG": "C.UTF-8"} | dict(env or {})
        clean = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        shell = ["runuser", "-u", user, "--", "bash", "-c", f"cd {cwd}\n{command}"]
        done = subprocess.run(
            [*enter, *clean, *shell],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert not check or done.returncode == 0, (
            f"{command!r} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
        return done

    def path(self, inside: str) -> Path:
        """Return where the test finds a file of the container."""
        return self.root / inside.lstrip("/")

    def write(self, inside: str, text: str) -> None:
        """Write a file, keeping owner and mode of one that is there."""
        self.path(inside).parent.mkdir(parents=True, exist_ok=True)
        self.path(inside).write_text(text)

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Return as soon as *condition* holds; fail, with the service's journal, when it never does."""
        end = time.monotonic() + DEADLINE
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"waited {DEADLINE:g} s in vain; the journal:\n{self.journal()}")
            time.sleep(0.1)

    def wait_for_words(self, *words: str) -> None:
        """Return as soon as the service's journal has all *words*: what was said may not have been written yet."""
        self.wait_for(lambda: all(one in self.journal() for one in words))

    def journal(self) -> str:
        """Return what the service and systemd say of it."""
        command = (
            "journalctl --no-pager -u bedrock-watch.service | tail -n 100; systemctl status bedrock-watch --no-pager"
        )
        return self.run(command, check=False).stdout


@contextmanager
def boot(layers: Layers, directory: Path, *, keep: bool = False) -> Iterator[Container]:
    """Boot a container on *layers*; what it writes goes to *directory*, which has to be on a tmpfs or a disk.

    At the end it is killed; what it wrote is thrown away, unless *keep* leaves it in ``Container.upper``.
    """
    root, upper, work = (directory / name for name in ("root", "upper", "work"))
    for made in (root, upper, work):
        made.mkdir(parents=True)
    lower = ":".join(map(str, layers.directories))
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(root)], check=True)
    try:
        with (directory / "console").open("wb") as console:
            nspawn = subprocess.Popen(
                _nspawn(root),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )
        try:
            yield _booted(nspawn, root, upper, directory / "console")
        finally:
            for child in _children(nspawn.pid):
                with suppress(ProcessLookupError):  # it ends by itself
                    os.kill(child, signal.SIGKILL)
            nspawn.wait(DEADLINE)
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)
        if not keep:  # the memory of a small machine would not hold what fifty of them write
            shutil.rmtree(directory, ignore_errors=True)


def power_off(container: Container) -> None:
    """Stop everything in order, so that the files are whole."""
    os.kill(container.leader, signal.SIGRTMIN + 4)  # systemd(1): start poweroff.target
    end = time.monotonic() + DEADLINE
    while Path(f"/proc/{container.leader}").exists():
        assert time.monotonic() < end, "the container does not stop"
        time.sleep(0.05)


def _nspawn(root: Path) -> Sequence[str]:
    return (
        "systemd-nspawn",
        "--quiet",
        "--boot",
        f"--directory={root}",
        "--machine=watchtower",
        "--console=pipe",
        # No machined and no systemd outside is needed, and the container's cgroups are below our own.
        "--register=no",
        "--keep-unit",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
    )


def _booted(nspawn: subprocess.Popen[bytes], root: Path, upper: Path, console: Path) -> Container:
    """Return the container once its systemd has started everything; fail, with the console, when it does not."""
    end = time.monotonic() + DEADLINE
    state = ""
    while state not in {"running", "degraded"}:
        assert nspawn.poll() is None, f"no container: {console.read_text(errors='replace')}"
        assert time.monotonic() < end, f"the container does not boot ({state}): {console.read_text(errors='replace')}"
        time.sleep(0.05)
        for leader in _children(nspawn.pid):
            container = Container(root, upper, leader)
            state = container.run("systemctl is-system-running", check=False).stdout.strip()
    return container


def _children(pid: int) -> list[int]:
    file = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in file.read_text().split()] if file.exists() else []
