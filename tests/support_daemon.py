"""The installed program as a process of its own, on a configuration of the test's, with nobody's real credentials.

Nothing here asserts how fast anything is: waiting has a deadline that only a broken program reaches.  Not its
business: what is watched (``support_simulator``) and who receives the alerts (``support_receivers``).
"""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from support_operations import Operations, recorded
from support_receivers import MailReceiver, Reply, WebReceiver

DEADLINE = 60.0
"""Seconds that something may take before the program is called broken."""

REPEAT = "This may be a repeat"

_TITLE = re.compile(r"\[bedrock\] (?P<what>[A-Z ]+) (?P<who>\S+)(?P<rest>.*)")


@dataclass(frozen=True)
class Alert:
    """One message as it arrived, whichever way it came."""

    title: str
    body: str

    @property
    def job(self) -> str:
        """The job (or channel) that the title names."""
        match = _TITLE.fullmatch(self.title)
        assert match, self.title
        return match["who"]

    @property
    def event(self) -> int:
        """The number of the event, from the footer."""
        match = re.search(r"^event (\d+), bedrock-watch on ", self.body, re.MULTILINE)
        assert match, self.body
        return int(match[1])

    @property
    def marked(self) -> bool:
        """Whether it says that it may be a repeat."""
        return REPEAT in self.body


def posted(hook: WebReceiver) -> list[Alert]:
    """Return what a generic JSON webhook was sent."""
    return [Alert(request.json["title"], request.json["message"]) for request in tuple(hook.requests)]


def mailed(server: MailReceiver) -> list[Alert]:
    """Return what a mail server was sent."""
    return [Alert(mail["Subject"], _plain(mail)) for mail in tuple(server.mails)]


def _plain(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert isinstance(part, EmailMessage)
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def titles(alerts: Sequence[Alert]) -> dict[str, list[str]]:
    """Return the titles in the order of arrival, by job."""
    told: dict[str, list[str]] = defaultdict(list)
    for alert in alerts:
        told[alert.job].append(alert.title)
    return dict(told)


def mail_url(server: MailReceiver) -> str:
    """Return the Apprise URL of a mail server on loopback."""
    return f"mailto://127.0.0.1:{server.port}/?from=watch@example.com&to=ops@example.com"


def hook_url(hook: WebReceiver) -> str:
    """Return the Apprise URL of a generic JSON webhook on loopback."""
    return f"json://{hook.address}/"


class Held(deque[Reply]):
    """Replies of a web receiver that take their time: each is given when *may_answer* returns."""

    def __init__(self, may_answer: Callable[[], object]) -> None:
        super().__init__()
        self._may_answer = may_answer

    def __bool__(self) -> bool:
        return True

    def popleft(self) -> Reply:
        """Wait, then accept."""
        self._may_answer()
        return Reply()


def hold(hook: WebReceiver) -> threading.Event:
    """Let *hook* answer nobody until the event that is returned is set."""
    released = threading.Event()
    hook.replies = Held(lambda: released.wait(DEADLINE))
    return released


NO_REMINDERS = '[remind]\noverdue_factor = "off"\nstall_after = "off"\nstopping_after = "off"\nqueued_after = "off"'
"""The simulated jobs of these tests are old, or very fast, and it is not told."""


@dataclass
class Process:
    """A running daemon."""

    popen: subprocess.Popen[bytes]
    home: Home

    def wait_for(self, condition: Callable[[], object], *, alive: bool = True) -> None:
        """Return as soon as *condition* holds; fail when it never does, or when the daemon ends before (*alive*)."""
        end = time.monotonic() + DEADLINE
        while not condition():
            if alive and self.popen.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.popen.returncode}:\n{self.home.words()}")
            if time.monotonic() > end:
                raise AssertionError(f"waited {DEADLINE:g} s in vain; the log:\n{self.home.words()}")
            time.sleep(0.02)

    def terminate(self) -> int:
        """Ask it to stop, wait for that, and return its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(DEADLINE)

    def kill(self) -> None:
        """End it at once, as ``kill -9`` does."""
        self.popen.kill()
        self.popen.wait(DEADLINE)


@dataclass
class Home:
    """A directory with a configuration and a database, where daemons run, one after the other.

    *jobs* are identifiers, *channels* maps names to Apprise URLs; *poll*, *aws* and *channel* are more lines of their
    tables; *env* is added to the environment, *more* to the end of the file; the log goes to *log_file*, else beside it;
    *hook* is Python that its daemons run before anything else.
    """

    directory: Path
    endpoint: str
    jobs: Sequence[str] = ()
    channels: Mapping[str, str] = field(default_factory=dict)
    poll: str = ""
    aws: str = ""
    channel: str = ""
    region: str = "us-east-1"
    env: Mapping[str, str] = field(default_factory=dict)
    more: str = ""
    keep: str = "180d"
    log_file: Path | None = None
    hook: str = ""

    @contextmanager
    def running(self, *options: str) -> Iterator[Process]:
        """Run the daemon, with global *options*, and yield it once it listens to signals; at the end, see to it that it is gone."""
        operations = self.operations()
        with self._log.open("ab") as log:
            env = self.environment() | operations.environment
            popen = subprocess.Popen(self.command(*options, "run"), stdout=log, stderr=log, env=env)
        process = Process(popen, self)
        try:
            process.wait_for(lambda: self.status().get("pid") == popen.pid)
            yield process
        finally:
            if popen.poll() is None:
                process.kill()
        operations.check()

    def operations(self) -> Operations:
        """Return the record of what its daemons have asked of AWS."""
        return recorded(self.directory, self.hook)

    def run(self, *words: str, more: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command to its end, with *more* in the configuration."""
        return subprocess.run(
            self.command(*words, more=more),
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=DEADLINE,
            check=False,
        )

    def status(self) -> dict[str, Any]:
        """Return what the daemon last wrote of itself; nothing when none has begun."""
        file = self.directory / "state" / "status.json"
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return found

    def words(self) -> str:
        """Return everything that the daemons have logged."""
        return self._log.read_text()

    def log(self) -> list[dict[str, Any]]:
        """Return the log's lines, each parsed; a line that is being written is left out."""
        return [json.loads(line) for line in self.words().splitlines(keepends=True) if line.endswith("\n")]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of one kind of event."""
        return [line for line in self.log() if line["event"] == event]

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what the database answers, beside whatever uses it."""
        with closing(self.connect()) as connection:
            return connection.execute(sql, values).fetchall()

    def connect(self) -> sqlite3.Connection:
        """Return a connection that only reads."""
        return sqlite3.connect(f"file:{self.directory}/state/bedrock-watch.db?mode=ro", uri=True)

    @property
    def _log(self) -> Path:
        return self.log_file or self.directory / "daemon.log"

    def environment(self) -> dict[str, str]:
        """Return the environment of its processes."""
        return environment() | dict(self.env)

    def command(self, *words: str, more: str = "") -> list[str]:
        """Return the command of these words, on the configuration as it is to be now."""
        return [sys.executable, "-m", "watcher", "--config", str(self.configure(more)), *words]

    def configure(self, more: str = "") -> Path:
        """Write the configuration, with *more* at its end; return where it is."""
        file = self.directory / "config.toml"
        file.touch(mode=0o600)
        file.write_text(self._configuration() + self.more + more)
        return file

    def _configuration(self) -> str:
        lines = [
            f'state_dir = "{self.directory}/state"\nkeep = "{self.keep}"',
            f'[poll]\nfastest = "100ms"\nslowest = "300ms"\n{self.poll}',
            f'[aws]\n{f"region = {self.region!r}" if self.region else ""}\nendpoint_url = "{self.endpoint}"\n{self.aws}',
            NO_REMINDERS,
            *(f'[[job]]\nid = "{identifier}"' for identifier in self.jobs),
            *(f'[[channel]]\nname = "{name}"\nurl = "{url}"\n{self.channel}' for name, url in self.channels.items()),
        ]
        return "\n".join(lines) + "\n"


def environment() -> dict[str, str]:
    """Return an environment with dummy credentials, and without anybody's real ones, proxies or place on earth."""
    foreign = ("AWS_", "BEDROCK_WATCH_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and not name.lower().endswith("_proxy")
    }
    return kept | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TZ": "UTC",
    }
