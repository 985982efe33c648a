"""The commands, run in this process on a home of their own; jobs in their database; and a stand-in for the daemon."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from support_jobs import ACCOUNT, arn, response

from watcher import clock, presence
from watcher.bedrock.customization import read
from watcher.cli import main
from watcher.config import load
from watcher.daemon.lanes import Lanes
from watcher.daemon.parts import Parts
from watcher.diff import diff
from watcher.errors import LookError
from watcher.model import Job, JobArn, Posting, Sighting
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.store.ledger import Miss

Answer = Callable[[Store, Job], None]
"""What the stand-in does about a job that a person asks about."""


class Program:
    """The program, run in this process; its *state_dir* is the one that the defaults choose."""

    def __init__(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        self._capsys = capsys
        self.home = home
        self.state_dir = home / ".local/state/bedrock-watch"
        self.out = self.err = ""

    def __call__(self, *args: str) -> int:
        """Run it with these words; return its exit code."""
        with pytest.raises(SystemExit) as caught:
            main(list(args))
        self.out, self.err = self._capsys.readouterr()
        return int(caught.value.code or 0)

    def document(self) -> dict[str, Any]:
        """Return what it printed, read as JSON."""
        document: dict[str, Any] = json.loads(self.out)
        assert document["version"] == 1
        return document

    def rows(self) -> list[list[str]]:
        """Return the table that it printed, cell by cell, without its heading."""
        return [[cell.strip() for cell in line.split("  ") if cell] for line in self.out.splitlines()[1:]]

    def configure(self, text: str) -> Path:
        """Write the user's configuration; return where it is."""
        file = self.home / ".config/bedrock-watch/config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        file.write_text(text)
        return file

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the database that the program uses."""
        store = Store.open(presence.database(self.state_dir))
        try:
            yield store
        finally:
            store.close()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """Return the program on a machine where nothing is configured and no daemon runs."""
    for name in ("BEDROCK_WATCH_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    # As where it is installed: hints name the program by its name.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setattr("watcher.config.files.SYSTEM_PATH", tmp_path / "etc/config.toml")
    monkeypatch.setattr("watcher.cli.service.SYSTEM_STATE_DIR", tmp_path / "var")
    return Program(capsys, home)


def add(store: Store, number: int = 1, **wanted: Any) -> Job:
    """Watch the job of that number, as ``bedrock-watch add`` does."""
    return store.jobs.add(Wanted(JobArn.parse(arn(number)), "us-east-1", **wanted), clock.now(), ask=False)[0]


def see(store: Store, job: Job, facts: Mapping[str, Any], *, state: str = "", channels: tuple[str, ...] = ()) -> None:
    """Record that AWS answered *facts* about *job*, as the sweep does."""
    version, known = store.ledger.facts(job.id)
    old, new = read(known) if known else None, read(facts)
    store.ledger.record(
        Sighting(
            job=job.id,
            version=version,
            facts=facts,
            response=json.dumps(facts),
            snapshot=new,
            transitions=diff(old, new),
            postings=tuple(map(Posting, channels)),
            state=state or ("ended" if new.outcome.terminal else "running"),
            arn=str(facts["jobArn"]),
            account=ACCOUNT,
            mark=1,
            base_model=str(facts.get("baseModelArn", "")),
            customization=str(facts.get("customizationType", "")),
            reminded=(),
            remind_at=0.0,
            seen_at=clock.now(),
            next_poll_at=clock.now() + 60,
            closing_at=0.0,
        )
    )


def seen(store: Store, number: int = 1, *, label: str | None = None, **facts: Any) -> Job:
    """Watch the job of that number, and record that AWS answered *facts* about it."""
    job = add(store, number, label=label)
    see(store, job, response(number, **facts))
    return store.jobs.get(job.id)


def missed(error: LookError, since: float = 0.0, state: str = "") -> Miss:
    """Return the state after a look that failed with *error*."""
    return Miss(1, since or clock.now(), clock.now() + 60, error.dump(), state=state)


class Silence:
    """A log that nobody reads."""

    def debug(self, event: str, **fields: Any) -> None:
        """Say nothing."""

    info = warning = error = debug


def deliver(program: Program) -> None:
    """Send all that is due now, as the daemon's lanes do."""

    async def send(store: Store) -> None:
        lanes = Lanes(Parts(load(), store, Silence()))
        try:
            await lanes.once()
        finally:
            await lanes.close()

    with program.store() as store:
        anyio.run(send, store)


@contextmanager
def daemon(
    state_dir: Path, answer: Answer | None = None, turn: Callable[[Store], None] | None = None, **status: Any
) -> Iterator[int]:
    """Stand in for the daemon of *state_dir*: write *status*, give each question its *answer*, and take *turn*s."""
    over = threading.Event()

    def live() -> None:
        while not over.wait(0.01):
            for job in store.ledger.roster(0) if answer else ():
                if job.asked_at and answer:
                    answer(store, job)
            if turn:
                turn(store)

    with presence.only_one(state_dir), closing(Store.open(presence.database(state_dir))) as store:
        pid = presence.daemon_pid(state_dir)
        assert pid is not None
        presence.write_status(state_dir, words(state_dir, pid) | status)
        thread = threading.Thread(target=live)
        thread.start()
        try:
            yield pid
        finally:
            over.set()
            thread.join()


def words(state_dir: Path, pid: int) -> dict[str, Any]:
    """Return what a healthy daemon on the built-in defaults writes of itself."""
    now = clock.now()
    return {
        "version": 1,
        "program": "0.1.0",
        "pid": pid,
        "started_at": now - 120,
        "written_at": now,
        "written_monotonic": time.monotonic(),
        "standing_still": [],
        "database_error": "",
        "groups": {},
        "configuration": "built-in defaults",
        "database": str(presence.database(state_dir)),
    }
