"""``bedrock-watch health``: one line and an exit code, and the same judgement as ``status``."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from support_cli import Program, add, daemon, missed, program, seen, words
from support_config import as_nobody, open_dir
from support_daemon import Home
from support_simulator import running

from watcher import clock, presence
from watcher.errors import LookError, LookFault
from watcher.simulator import Simulator

__all__ = ["program"]

LOST = LookError(LookFault.DENIED, "AccessDeniedException", "not authorized", "allow it")


def _both(program: Program, *options: str) -> tuple[int, str]:
    """Return the exit code and the line of health, after having seen that status agrees."""
    status = program("status", "-o", "json")
    ailment = program.document()["ailment"]
    code = program("health", "-o", "json", *options)
    if not options:
        assert (code, program.document()["ailment"]) == (status, ailment)
    code = program("health", *options)
    assert program.err == ""
    (line,) = program.out.splitlines()
    return code, line


def test_no_daemon_is_unhealthy(program: Program) -> None:
    assert _both(program) == (3, "unhealthy: it does not run")
    assert not program.state_dir.exists()


def test_a_daemon_that_works_is_healthy(program: Program) -> None:
    with program.store() as store:
        seen(store)
    with daemon(program.state_dir) as pid:
        assert _both(program) == (0, f"healthy: the daemon runs (pid {pid})")


@pytest.mark.parametrize(
    ("ago", "own", "said"),
    [
        (20.0, {}, ""),
        (3600.0, {}, "no sign of life for 1h00m"),
        (0.0, {"written_at": 1.0}, ""),  # a wall clock that jumped
        (0.0, {"standing_still": ["channel ops"]}, "a part of it stands still: channel ops"),
        (0.0, {"database_error": "cannot write it: disk full"}, "cannot write it: disk full"),
    ],
)
def test_a_daemon_that_does_not_do_its_work_is_unhealthy(
    program: Program, ago: float, own: dict[str, Any], said: str
) -> None:
    with daemon(program.state_dir, written_monotonic=time.monotonic() - ago, **own):
        code, line = _both(program)
    assert (code, line.partition(": ")[2] if said else "") == (3 if said else 0, said)


def test_how_old_the_sign_of_life_may_be_is_an_option(program: Program) -> None:
    """Some monitors are stricter than others; status keeps to its own measure."""
    with daemon(program.state_dir, written_monotonic=time.monotonic() - 20.0):
        assert _both(program, "--max-age", "10s")[0] == 3
        assert _both(program, "--max-age", "1m")[0] == 0
        assert program("health", "--max-age", "soon") == 2


def test_a_daemon_that_has_only_just_begun_is_healthy_for_a_while(program: Program) -> None:
    """What is in the status file is its predecessor's; if it stays so, the start hangs."""
    with daemon(program.state_dir, pid=1):
        assert _both(program)[0] == 0
        lock = program.state_dir / "daemon.lock"
        os.utime(lock, (clock.now() - 120.0, clock.now() - 120.0))
        assert _both(program) == (3, "unhealthy: it began 2m ago, and has given no sign of life yet")


@pytest.mark.parametrize(
    ("which", "since", "said"),
    [
        ("scope", 660, "it cannot look, for 11m now: us-east-1, account 123456789012"),
        ("scope", 540, ""),
        ("job", 660, "it cannot look, for 11m now: job-1"),
        ("job", 540, ""),
        ("both", 660, "it cannot look, for 11m now: us-east-1, account 123456789012"),
        ("removed", 660, ""),
        ("new", 660, ""),
        ("vanished", 660, ""),
    ],
)
def test_blindness_is_unhealthy_after_a_while(program: Program, which: str, since: float, said: str) -> None:
    """After poll.blind_after.  What AWS never knew, or knows no more, is no blindness; nor is what nobody watches."""
    with program.store() as store:
        job = add(store) if which == "new" else seen(store)
        miss = missed(LOST, clock.now() - since, state="vanished" if which == "vanished" else "")
        if which in ("scope", "both", "removed"):
            store.ledger.scope_missed(job.scope, miss, clock.now())
        if which not in ("scope", "removed"):
            store.ledger.missed(job.id, miss, clock.now())
        if which == "removed":
            store.jobs.remove(job)
    with daemon(program.state_dir):
        code, line = _both(program)
    assert (code, line.partition(": ")[2] if said else "") == (3 if said else 0, said)


def test_a_database_that_cannot_be_used_is_unhealthy(program: Program) -> None:
    """A monitor hears of it in its line, not by a usage error."""
    database = presence.database(program.state_dir)
    with presence.only_one(program.state_dir):
        presence.write_status(program.state_dir, words(program.state_dir, os.getpid()))
        database.write_bytes(b"not a database at all, but long enough to be read as one" * 40)
        assert program("health") == 3
    assert program.out.startswith(f"unhealthy: {database}")
    assert len(program.out.splitlines()) == 1


def test_a_probe_that_may_not_look_says_so(program: Program) -> None:
    with open_dir() as directory:
        closed = directory / "closed"
        closed.mkdir(0o700)
        config = directory / "config.toml"
        config.write_text(f'state_dir = "{closed}"\n')
        program("--config", str(config), "health")
        with as_nobody():
            code = program("--config", str(config), "health")
    assert code == 1
    assert "cannot tell whether the daemon runs" in program.err


def test_the_installed_program_is_healthy_while_it_runs_and_not_after_a_kill(tmp_path: Path) -> None:
    """Real processes, a real lock, a real status file."""
    with running(Simulator()) as endpoint:
        home = Home(tmp_path, endpoint)
        with home.running() as process:
            assert home.run("health").returncode == 0
            process.kill()
        done = home.run("health")
    assert (done.returncode, done.stdout) == (3, "unhealthy: it does not run\n")
