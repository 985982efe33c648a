"""The installed daemon as a process, on a database of so many jobs that it has seen already.

The daemon itself makes the first job's rows; the others are copies of these, because a hundred thousand first looks
are another measurement than a hundred thousand unchanged jobs.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.processes import BEDROCK_WATCH, Unmeasurable, environment, wait_for
from bench.world import arn

BUILD = Path(__file__).parents[2] / "build"
"""Where everything is that a run makes; git ignores it."""


@dataclass
class Home:
    """A directory with a configuration and a database; *poll* are the lines of its ``[poll]`` table."""

    directory: Path
    endpoint: str
    channels: dict[str, str] = field(default_factory=dict)
    ca_bundle: str = ""
    poll: str = 'fastest = "100ms"\nslowest = "100ms"'

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.directory / "config.toml"

    @property
    def database(self) -> Path:
        """The database file."""
        return self.directory / "state" / "bedrock-watch.db"

    def write(self) -> None:
        """Write the configuration."""
        self.config.touch(mode=0o600)
        bundle = f'ca_bundle = "{self.ca_bundle}"\n' if self.ca_bundle else ""
        # No summaries: each change is to be told by itself, however many there are in a minute.
        more = f"burst = 0\n{bundle}"
        channels = [f'[[channel]]\nname = "{name}"\nurl = "{url}"\n{more}' for name, url in self.channels.items()]
        head = f'state_dir = "{self.directory}/state"\n[poll]\n{self.poll}\n[aws]\nendpoint_url = "{self.endpoint}"\n'
        self.config.write_text(head + "\n".join(channels))

    def run(self, *words: str) -> None:
        """Run one command to its end; raises Unmeasurable if it fails."""
        command = [BEDROCK_WATCH, "--config", str(self.config), *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
        if done.returncode:
            raise Unmeasurable(f"bedrock-watch {' '.join(words)} exits with {done.returncode}: {done.stderr}")

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the daemon, and yield it once it has begun."""
        log = self.directory / "log"
        with log.open("ab") as stderr:
            command = [BEDROCK_WATCH, "--config", str(self.config), "run"]
            process = subprocess.Popen(command, stdout=stderr, stderr=stderr, env=environment())
        try:
            wait_for(lambda: self.status().get("pid") == process.pid, "the daemon has begun", process)
            yield process
        except Unmeasurable as error:
            raise Unmeasurable(f"{error}; the daemon's last words: {log.read_text()[-500:] or 'none'}") from error
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def status(self) -> dict[str, Any]:
        """Return what the daemon last wrote of itself."""
        file = self.directory / "state" / "status.json"
        status: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return status

    def connect(self) -> sqlite3.Connection:
        """Return a connection of one's own to the database."""
        return sqlite3.connect(self.database, isolation_level=None)


@contextmanager
def home(
    endpoint: str, jobs: int, *, channels: dict[str, str] | None = None, ca_bundle: str = "", poll: str = ""
) -> Iterator[Home]:
    """Give a home in which so many jobs have been seen running."""
    # Not under /tmp, which may be memory: what is written is to reach a disk.
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as directory:
        made = Home(Path(directory), endpoint, channels or {}, ca_bundle, *([poll] if poll else []))
        made.write()
        made.run("add", "--no-wait", arn(0))
        made.run("run", "--once")
        with closing(made.connect()) as connection:
            multiply(connection, jobs)
        yield made


def multiply(connection: sqlite3.Connection, jobs: int) -> None:
    """Copy the first job's rows until there are so many jobs, each with an ARN and an id of its own."""
    first, seen = connection.execute("SELECT id, confirmed_at FROM jobs").fetchone()
    if not seen:
        raise Unmeasurable("the daemon has not seen the first job")
    # Whatever is a job's own, in the world, holds its number in twelve digits.
    columns = ("identifier", "arn", "name", "facts", "response")
    own = {column: f"replace({column}, '{0:012d}', printf('%012d', i))" for column in columns}
    own |= {"id": f"{first} + i", "job": f"{first} + i", "revision": "revision + i"}
    _copy(connection, "jobs", "id", own, first, jobs)
    _copy(connection, "snapshots", "job", own, first, jobs)
    # Their day's Get, which each has at its own time, is another measurement: it is not due for an hour.
    connection.execute("UPDATE jobs SET next_poll_at = 0, confirmed_at = confirmed_at + 3600")


def _copy(connection: sqlite3.Connection, table: str, key: str, own: dict[str, str], first: int, jobs: int) -> None:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(own.get(column, column) for column in columns)
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - the schema's own names
        f" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)"
        f" SELECT {values} FROM n, {table} WHERE {key} = ? AND n.i < ?",
        (jobs, first, jobs),
    )
