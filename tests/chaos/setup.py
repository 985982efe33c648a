"""The daemon's home: its directory, its configuration, its environment, and how its processes are begun.

Not its business: when they end (``lives``).
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from support_daemon import NO_REMINDERS, environment

from chaos.services import ACCOUNT, ROLE, Services
from watcher.identifiers import DEFAULT_EVENTS, EVENTS

PROGRAM = Path(sys.executable).with_name("bedrock-watch")
BLIND_AFTER = 8.0
STATE_SIZE = "64m"

_DAEMON_SIDE = Path(__file__).with_name("daemon_side")


class Home:
    """A directory with a configuration and a database.  *urls* are those of the channels, by name."""

    def __init__(
        self, directory: Path, endpoint: str, proxy: str, bundle: str, urls: dict[str, str], services: Services
    ) -> None:
        self.directory, self.endpoint, self.bundle, self.urls = directory, endpoint, bundle, urls
        self.services = services
        self.state = directory / "state"
        self.database = self.state / "bedrock-watch.db"
        self.jobs: list[str] = []
        self.extra = False
        self.slowest = 1.0
        self.broken = ""
        self.clock = directory / "clock"
        self.move_clock(0.0)
        self.log = (directory / "daemon.log").open("ab")
        self._proxy = proxy
        self._journals: list[threading.Thread] = []
        self.state.mkdir()

    def configure(self, more: str = "") -> None:
        """Write the configuration, with *more* lines at its end; nobody ever reads half of it."""
        fresh = self.directory / "fresh.toml"
        fresh.write_text(self._text() + more)
        fresh.chmod(0o600)
        fresh.replace(self.directory / "config.toml")

    def move_clock(self, seconds: float) -> None:
        """Set the clock of every daemon, present and future, off by *seconds*."""
        with self.clock.open("r+b" if self.clock.exists() else "wb") as opened:
            opened.write(struct.pack("d", seconds))

    def begin(self) -> subprocess.Popen[bytes]:
        """Begin a daemon.  Its words go through a pipe of ours, as to a journal: its disk may be full."""
        popen = subprocess.Popen(
            self.command("run"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment(daemon=True),
        )
        journal = threading.Thread(target=self._journal, args=(popen,), daemon=True)
        journal.start()
        self._journals.append(journal)
        return popen

    def close(self) -> None:
        """Close the log, once the last daemon has said all it had to say."""
        for journal in self._journals:
            journal.join(5)
        self.log.close()

    def command(self, *words: str) -> list[str]:
        """Return the installed program's command line."""
        return [str(PROGRAM), "--config", str(self.directory / "config.toml"), *words]

    def run(self, *words: str, seconds: float = 90.0) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        env = self._environment(daemon=False)
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, env=env, timeout=seconds, check=False
        )

    def status(self) -> dict[str, Any]:
        """Return what the daemon last wrote of itself; nothing when none has begun."""
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.state / "status.json").read_text())
            return found
        return {}

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what the database answers: to know when a run may end, never for the verdict."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql, values).fetchall()

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that the daemons have logged."""
        self.log.flush()
        for line in (self.directory / "daemon.log").read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                yield json.loads(line)

    def _journal(self, popen: subprocess.Popen[bytes]) -> None:
        assert popen.stdout is not None
        with popen.stdout:
            for line in popen.stdout:
                self.log.write(line)

    def _text(self) -> str:
        every = ", ".join(f'"{name}"' for name in EVENTS)
        lines = [
            f'state_dir = "{self.state}"\ntimezone = "UTC"',
            f'[poll]\nfastest = "200ms"\nslowest = "{self.slowest}s"\nblind_after = "{BLIND_AFTER}s"',
            f'[aws]\nendpoint_url = "{self.endpoint}"\nconnect_timeout = "2s"\nread_timeout = "2s"\nca_bundle = "{self.bundle}"',
            f'[[account]]\nid = "{ACCOUNT}"\nrole_arn = "{ROLE}"',
            f'[[queue]]\nurl = "{self.services.url}/{ACCOUNT}/bedrock-jobs"\nregion = "us-east-1"',
            NO_REMINDERS,
            *(f'[[job]]\nid = "{arn}"' for arn in self.jobs),
        ]
        for name, url in self.urls.items():
            if name == "extra" and not self.extra:
                continue
            more = f"on = [{every}]\nburst = 15" if name == "hook" else "burst = 0"
            lines.append(f'[[channel]]\nname = "{name}"\nurl = "{url}"\nca_bundle = "{self.bundle}"\n{more}')
        return "\n".join(lines) + "\n"

    def _environment(self, *, daemon: bool) -> dict[str, str]:
        env = environment() | self.services.env | {"HTTPS_PROXY": self._proxy, "NO_PROXY": "127.0.0.1"}
        if daemon:
            env |= {"PYTHONPATH": str(_DAEMON_SIDE), "CHAOS_CLOCK": str(self.clock), "CHAOS_BREAK": self.broken}
        return env


ON = {"hook": frozenset(EVENTS)}
"""What a channel asked for, other than the default."""


def asked_for(channel: str) -> frozenset[str]:
    """Return the events that *channel* wants."""
    return ON.get(channel, DEFAULT_EVENTS)


@contextlib.contextmanager
def small_disk(directory: Path) -> Iterator[bool]:
    """Give *directory* a small disk of its own, where this is allowed; yield whether it is."""
    if os.geteuid() != 0:
        yield False
        return
    words: Sequence[str] = (
        "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size={STATE_SIZE},mode=0700",
        "bedrock-watch",
        str(directory),
    )
    mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(directory)], check=False)  # noqa: S607
