"""A row of the database with values that nobody wrote is named and set aside; everything else goes on.

Everybody in the service's group can write the database.  STRICT tables hold no other types, but any text and number.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import web_receiver
from support_simulator import Clock

from watcher.cli import main
from watcher.simulator import Simulator, distillation, failing

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

EVIL = "\x1b]0;owned\x07\u009b31m\u202eevil"
NO_JSON = ("", "{", "null", "1", '"x"', "[1]", '[{"a": 1}]', "[" * 100_000, '{"a": NaN}', EVIL)
DAMAGE: dict[str, list[tuple[str, str | float]]] = {
    "tags": [("UPDATE jobs SET tags = ? WHERE id = 1", value) for value in NO_JSON],
    "reminded": [("UPDATE jobs SET reminded = ? WHERE id = 1", value) for value in NO_JSON],
    "kind": [("UPDATE jobs SET kind = ? WHERE id = 1", value) for value in ("", "x", EVIL)],
    "region": [("UPDATE jobs SET region = ? WHERE id = 1", value) for value in ("", EVIL, "../x", "a" * 5000)],
    "facts": [("UPDATE snapshots SET facts = ? WHERE job = 1", value) for value in NO_JSON],
    "response": [("UPDATE snapshots SET response = ? WHERE job = 1", value) for value in NO_JSON],
    "transitions": [
        ("UPDATE events SET transitions = ? WHERE job = 1", value)
        for value in (
            *NO_JSON,
            '[{"type": "Nonsense"}]',
            '[{"type": "StatusChanged", "old": 1, "new": [], "outcome": "failed"}]',
            '[{"type": "StatusChanged", "old": "", "new": "", "outcome": "x"}]',
            '[{"type": "WatchLost", "reason": "", "remedy": "", "since_at": "yesterday"}]',
            '[{"type": "Reminder", "what": "stalled", "since_at": null, "limit": true}]',
        )
    ],
    "sight": [("UPDATE events SET sight = ? WHERE job = 1", value) for value in NO_JSON],
    "last_error": [("UPDATE jobs SET last_error = ?, failures = 1 WHERE id = 1", value) for value in NO_JSON[1:]],
    "notes": [("UPDATE notes SET value = ?", value) for value in NO_JSON],
    "times": [
        (f"UPDATE {table} SET {column} = ?", value)  # noqa: S608
        for table, column in (
            ("jobs", "changed_at"),
            ("jobs", "created_at"),
            ("jobs", "failing_since"),
            ("events", "observed_at"),
            ("deliveries", "created_at"),
            ("snapshots", "seen_at"),
        )
        for value in (1e308, -1e308, float("inf"), 1e15)
    ],
    "names": [("UPDATE jobs SET name = ?1, label = ?1, account = ?1, profile = ?1 WHERE id = 1", EVIL)],
}
COMMANDS = (
    ("list",),
    ("list", "-o", "json"),
    ("show", "nova-legal-v1"),
    ("show", "nova-legal-v1", "-o", "json"),
    ("events",),
    ("events", "-o", "json"),
    ("deliveries",),
    ("deliveries", "-o", "json"),
    ("status",),
    ("status", "-o", "json"),
    ("health",),
)


@pytest.fixture
def home(tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str) -> Home:
    """A home in which a daemon saw two jobs, one of which failed, and has ended."""
    jobs = [simulator.play(failing()), simulator.play(distillation())]
    clock.now += 100 * 60
    with web_receiver() as hook:
        home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)})
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'ended'"))
            daemon.wait_for(lambda: home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)])
            assert daemon.terminate() == 0
    return home


def damage(home: Home, sql: str, value: object) -> None:
    with closing(sqlite3.connect(home.directory / "state" / "bedrock-watch.db")) as connection, connection:
        connection.execute(sql, (value,))


def whole(home: Home) -> bytes:
    """Return the database, all of it in one file."""
    with closing(sqlite3.connect(home.directory / "state" / "bedrock-watch.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (home.directory / "state" / "bedrock-watch.db").read_bytes()


@pytest.mark.parametrize("what", DAMAGE)
def test_no_command_ends_as_a_bug_or_prints_raw_escapes(
    home: Home, what: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STATE_DIRECTORY", "BEDROCK_WATCH_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    before, file, config = whole(home), home.directory / "state" / "bedrock-watch.db", str(home.configure())
    for sql, value in DAMAGE[what]:
        for beside in ("-wal", "-shm"):
            file.with_name(file.name + beside).unlink(missing_ok=True)
        file.write_bytes(before)
        damage(home, sql, value)
        for words in COMMANDS:
            with pytest.raises(SystemExit) as ended:
                main(["--config", config, *words])
            done = capsys.readouterr()
            about = (sql, str(value)[:60], words, done.err[-300:])
            assert ended.value.code in (0, 1, 3, 4), about
            assert not {"\x1b", "\x07", "\u009b", "\u202e"} & set(done.out + done.err), about


@pytest.mark.parametrize(
    ("sql", "value", "row"),
    [
        ("UPDATE jobs SET tags = ? WHERE id = 1", "{", "jobs/1"),
        ("UPDATE jobs SET kind = ? WHERE id = 1", "nonsense", "jobs/1"),
        ("UPDATE jobs SET region = ? WHERE id = 1", EVIL, "jobs/1"),
        ("UPDATE snapshots SET facts = ? WHERE job = 1", "{", "snapshots/1"),
        ("UPDATE snapshots SET facts = ? WHERE job = 1", "[]", "snapshots/1"),
        ("UPDATE jobs SET reminded = ? WHERE id = 1", "[1]", "jobs/1"),
    ],
)
def test_the_daemon_names_the_row_and_goes_on_with_the_others(
    home: Home, simulator: Simulator, clock: Clock, sql: str, value: str, row: str
) -> None:
    damage(home, "UPDATE jobs SET state = 'running', next_poll_at = 0 WHERE id = ?", 1)
    damage(home, sql, value)
    clock.now += 4 * 3600
    with web_receiver() as hook:
        home.channels = {"hook": hook_url(hook)}
        with home.running() as daemon:
            daemon.wait_for(lambda: any("COMPLETED nova-support-v3" in alert.title for alert in posted(hook)))
            daemon.wait_for(lambda: [line for line in home.logged("row_unreadable") if line["row"] == row])
            daemon.wait_for(lambda: f"row/{row}" in home.run("status").stdout)
            assert daemon.terminate() == 0


def test_a_message_about_an_event_that_cannot_be_read_is_sent_and_says_so(home: Home) -> None:
    damage(home, "UPDATE events SET transitions = ? WHERE job = 1", "{")
    damage(home, "UPDATE deliveries SET state = 'pending', next_attempt_at = ?", 0.0)
    with web_receiver() as hook:
        home.channels = {"hook": hook_url(hook)}
        assert home.run("run", "--once").returncode == 0
        assert any("The record of this event cannot be read" in alert.body for alert in posted(hook))
    assert home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)]


def test_a_command_names_the_rows_that_it_leaves_out(home: Home) -> None:
    damage(home, "UPDATE jobs SET kind = ? WHERE id = 1", "nonsense")
    done = home.run("list", "--all", "-o", "json")
    assert done.returncode == 0
    assert "nova-support-v3" in done.stdout
    assert "warning: 1 row of the database cannot be read: jobs/1 (kind is not one that there is)" in done.stderr


@pytest.mark.parametrize(
    "facts", ['{"status": 5, "jobArn": []}', '{"creationTime": "yesterday"}', '{"statusDetails": 1}']
)
def test_stored_facts_that_no_version_wrote_are_replaced_by_what_aws_says(home: Home, clock: Clock, facts: str) -> None:
    damage(home, "UPDATE jobs SET state = 'running', next_poll_at = 0 WHERE id = ?", 1)
    damage(home, "UPDATE snapshots SET facts = ? WHERE job = 1", facts)
    with web_receiver() as hook:
        home.channels = {"hook": hook_url(hook)}
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT state FROM jobs WHERE id = 1") == [("ended",)])
            assert daemon.terminate() == 0
    assert home.query("SELECT json_extract(facts, '$.jobName') FROM snapshots WHERE job = 1")[0][0]
