"""``bedrock-watch status``: whether the daemon runs and is well, and how things stand."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support_cli import Program, add, daemon, missed, program, see, seen
from support_config import as_nobody, open_dir
from support_jobs import at, response, step

from watcher import clock, presence
from watcher.cli import service
from watcher.errors import LookError, LookFault
from watcher.model import WatchLost

__all__ = ["program"]

CHANNEL = '[[channel]]\nname = "ops"\nurl = "json://127.0.0.1"\n'


def test_a_daemon_that_does_not_run_is_said_with_exit_3(program: Program) -> None:
    """And how to start it, which database is meant, and that nobody would be told."""
    assert program("status") == 3
    assert "daemon         does not run\n" in program.out
    assert "configuration  built-in defaults\n" in program.out
    assert f"database       {presence.database(program.state_dir)}\n" in program.out
    assert "jobs           none\n" in program.out
    assert "start it: bedrock-watch run" in program.err
    assert "no channel is configured" in program.err
    assert not program.state_dir.exists()


def test_how_to_start_it_keeps_the_configuration_that_was_named(program: Program, tmp_path: Path) -> None:
    file = program.configure("").rename(tmp_path / "my own.toml")
    assert program("--config", str(file), "status") == 3
    assert f"start it: bedrock-watch --config '{file}' run\n" in program.err


def test_how_to_start_it_names_the_users_service_only_where_there_is_one(program: Program) -> None:
    assert program("status") == 3
    assert program.err.endswith("start it: bedrock-watch run\n")
    unit = program.home / ".config/systemd/user/bedrock-watch.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    assert program("status") == 3
    assert program.err.endswith("start it: systemctl --user start bedrock-watch\n")


def test_the_machines_service_is_started_as_such(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member of its group who ran it by hand would have neither its identity nor its secrets."""
    monkeypatch.setattr(service, "SYSTEM_STATE_DIR", tmp_path / "lib")
    file = program.configure("")
    file.write_text(f'state_dir = "{tmp_path / "lib"}"\n')
    assert program("status") == 3
    assert "start it: sudo systemctl start bedrock-watch\n" in program.err
    assert "bedrock-watch run" not in program.err


def test_a_daemon_that_runs_is_shown_with_what_it_watches(program: Program) -> None:
    file = program.configure(CHANNEL)
    with program.store() as store:
        seen(store, 1, statusDetails={"trainingDetails": step("InProgress", 9)})
        seen(store, 2, status="Completed", minute=9, endTime=at(9))
    with daemon(program.state_dir, configuration=str(file)) as pid:
        assert program("status") == 0
    assert f"daemon         runs (pid {pid}, version 0.1.0, started 2m ago)\n" in program.out
    assert "jobs           1 running, 1 ended\n" in program.out
    assert "queue          0 waiting\n" in program.out
    assert "job-1" in program.out
    assert "job-2" not in program.out
    assert program.err == ""


def test_what_is_undelivered_is_counted(program: Program) -> None:
    program.configure(CHANNEL)
    with program.store() as store:
        over = response(1, status="Completed", minute=9, endTime=at(9))
        see(store, seen(store), over, channels=("ops", "ml", "old"))
        store.dead_letters.retire(["ops", "ml"], clock.now(), [])
        with store.database.transaction() as sql:
            sql.execute("UPDATE deliveries SET created_at = created_at - 600, state = 'uncertain' WHERE channel = 'ml'")
    program("status")
    assert "2 waiting, the oldest written 10m ago, 1 of them may have arrived, 1 given up" in program.out
    assert "1 given up: see them with bedrock-watch deliveries --state dead" in program.err
    program("status", "-o", "json")
    document = program.document()
    assert document["deliveries"] == {"pending": 1, "uncertain": 1, "dead": 1}
    assert document["waiting"] == 2
    assert document["oldest_undelivered_at"] is not None
    assert document["channels"] == ["ops"]


def test_what_waits_for_a_digest_is_counted_until_it_is_due(program: Program) -> None:
    program.configure(CHANNEL)
    with program.store() as store:
        see(store, seen(store), response(1, status="Completed", minute=9, endTime=at(9)), channels=("ops",))
    for ahead, said in ((600, "queue          1 waiting (1 for a digest), the oldest"), (-1, "1 waiting, the oldest")):
        with program.store() as store, store.database.transaction() as sql:
            sql.execute("UPDATE deliveries SET fold = 'digest', next_attempt_at = ?", (clock.now() + ahead,))
        program("status")
        assert said in program.out


def test_what_cannot_be_looked_at_is_told_with_its_remedy(program: Program) -> None:
    error = LookError(LookFault.CREDENTIALS, "ExpiredToken", "it expired", "put fresh credentials in place")
    with program.store() as store:
        job = seen(store)
        store.ledger.scope_missed(job.scope, missed(error, clock.now() - 600), clock.now())
        store.ledger.missed(seen(store, 2).id, missed(error), clock.now())
    program("status")
    assert "cannot look    us-east-1, account 123456789012 for 10m: ExpiredToken: it expired\n" in program.out
    assert "put fresh credentials in place\n" in program.out
    assert "failing jobs   2\n" in program.out
    program("status", "-o", "jsonl")
    (scope,) = program.document()["scopes"]
    assert (scope["scope"], scope["error"]["fault"]) == (job.scope, "credentials")


@pytest.mark.parametrize(
    ("ago", "own", "code", "said"),
    [
        (0.0, {}, 0, ""),
        (20.0, {}, 0, ""),
        (3600.0, {}, 3, "no sign of life for 1h00m"),
        (0.0, {"standing_still": ["channel ops"]}, 3, "a part of it stands still: channel ops"),
        (0.0, {"database_error": "cannot write it: full"}, 3, "cannot write it: full"),
        (0.0, {"written_at": 1.0}, 0, ""),  # a wall clock that jumped
    ],
)
def test_a_daemon_that_is_unwell_is_not_called_running(
    program: Program, ago: float, own: dict[str, Any], code: int, said: str
) -> None:
    """Exit 3: it runs, and does not do its work."""
    with daemon(program.state_dir, written_monotonic=time.monotonic() - ago, **own):
        assert program("status", "-o", "json") == code
        document = program.document()
        assert program("status") == code
    assert ("find out why: bedrock-watch doctor" in program.err) == (code == 3)
    assert (document["running"], document["healthy"]) == (True, code == 0)
    assert (document["ailment"] or "") == said
    assert said in program.out


LOST = LookError(LookFault.DENIED, "AccessDeniedException", "not authorized", "allow it")


@pytest.mark.parametrize(
    ("which", "since", "code", "said"),
    [
        ("scope", 660, 3, "it cannot look, for 11m now: us-east-1, account 123456789012"),
        ("scope", 540, 0, ""),
        ("job", 660, 3, "it cannot look, for 11m now: job-1"),
        ("job", 540, 0, ""),
        ("new", 660, 0, ""),
        ("vanished", 660, 0, ""),
    ],
)
def test_a_daemon_that_has_been_blind_for_long_is_not_well(
    program: Program, which: str, since: float, code: int, said: str
) -> None:
    """Longer than poll.blind_after.  What AWS never knew, or knows no more, is no blindness."""
    with program.store() as store:
        job = add(store) if which == "new" else seen(store)
        miss = missed(LOST, clock.now() - since, state="vanished" if which == "vanished" else "")
        if which == "scope":
            store.ledger.scope_missed(job.scope, miss, clock.now())
        else:
            store.ledger.missed(job.id, miss, clock.now())
    with daemon(program.state_dir):
        assert program("status", "-o", "json") == code
        document = program.document()
        assert program("status") == code
    assert (document["healthy"], document["ailment"] or "") == (code == 0, said)
    assert document["failing_jobs"] == 1
    assert said in program.out


@pytest.mark.parametrize("which", ["scope", "job"])
def test_blindness_that_people_were_told_of_counts_whatever_its_length(program: Program, which: str) -> None:
    """The daemon may have another poll.blind_after than this command."""
    since = clock.now() - 120
    lost = replace(missed(LOST, since), transitions=(WatchLost("denied", "allow it", clock.utc(since)),))
    with program.store() as store:
        job = seen(store)
        if which == "scope":
            store.ledger.scope_missed(job.scope, lost, clock.now())
        else:
            store.ledger.missed(job.id, lost, clock.now())
    with daemon(program.state_dir):
        assert program("status") == 3


def test_the_trouble_of_a_scope_without_jobs_is_nobodys(program: Program) -> None:
    """What was removed is not looked at: whether it could be is not known."""
    with program.store() as store:
        job = seen(store)
        store.ledger.scope_missed(job.scope, missed(LOST, clock.now() - 660), clock.now())
        store.jobs.remove(job)
    with daemon(program.state_dir):
        assert program("status") == 0
    assert "cannot look" not in program.out


def test_a_daemon_that_has_only_just_begun_is_well(program: Program) -> None:
    """What is in the status file is still its predecessor's."""
    with daemon(program.state_dir, pid=1):
        assert program("status") == 0
    assert "started" not in program.out


def test_a_daemon_on_another_configuration_is_noted(program: Program) -> None:
    """What the command would say of channels is not what the daemon does."""
    file = program.configure(CHANNEL)
    with daemon(program.state_dir, configuration="/etc/bedrock-watch/config.toml"):
        assert program("status") == 0
    assert "configuration  /etc/bedrock-watch/config.toml\n" in program.out
    assert f"than this command ({file})" in program.err


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ({}, "reload it: kill -HUP {pid}\n"),
        ({"unit": "bedrock-watch.service", "manager": "system"}, "reload it: sudo systemctl reload bedrock-watch\n"),
        ({"unit": "bedrock-watch.service", "manager": "user"}, "reload it: systemctl --user reload bedrock-watch\n"),
        ({"unit": "mine@2.service", "manager": "system"}, "reload it: sudo systemctl reload mine@2\n"),
    ],
)
def test_how_a_changed_configuration_comes_into_use_is_said_for_the_daemon_at_hand(
    program: Program, unit: dict[str, str], said: str
) -> None:
    """Only it knows whose service it is."""
    file = program.configure(CHANNEL)
    with daemon(program.state_dir, configuration=str(file), configured_at=1.0, service=unit) as pid:
        assert program("status") == 0
    assert said.format(pid=pid) in program.err


def test_a_daemon_that_began_without_a_configuration_takes_the_first_one_by_a_reload(program: Program) -> None:
    file = program.configure(CHANNEL)
    with daemon(program.state_dir) as pid:
        assert program("status") == 0
    assert f"(built-in defaults) than this command ({file})\n  reload it: kill -HUP {pid}\n" in program.err


def test_a_state_directory_that_is_closed_to_the_user_is_said(program: Program) -> None:
    """Nothing can be told of its daemon."""
    with open_dir() as directory:
        closed = directory / "closed"
        closed.mkdir(0o700)
        config = directory / "config.toml"
        config.write_text(f'state_dir = "{closed}"\n')
        program("--config", str(config), "status")  # what it imports late is imported now
        with as_nobody():
            code = program("--config", str(config), "status")
    assert code == 1
    assert "cannot tell whether the daemon runs" in program.err
    assert "with sudo (you are " in program.err


def test_a_daemon_whose_file_is_gone_can_be_asked_for_all_the_same(program: Program) -> None:
    """It goes on with what it has read."""
    file = program.configure(CHANNEL)
    with daemon(program.state_dir, configuration=str(file), configured_at=clock.now()):
        file.unlink()
        assert program("--config", str(file), "status") == 0
        assert "the daemon goes on with the configuration as it was before" in program.err
        assert "No such file" in program.err
        assert program("--config", str(file), "health") == 0
    assert program("--config", str(file), "status") == 78
