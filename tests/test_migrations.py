"""Every version of the schema that there has been, frozen, and opened by the program of today."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support_daemon import Home, hook_url, posted
from support_frozen import dump_of, thaw
from support_receivers import web_receiver

from watcher import clock
from watcher.errors import StoreError
from watcher.store import Store
from watcher.store.database import Database, statements
from watcher.store.schema import APPLICATION_ID, MIGRATIONS

VERSIONS = range(1, len(MIGRATIONS) + 1)
OLD = VERSIONS[:-1]

_KILLED = """
import os, signal, sys
from pathlib import Path
from watcher.store import Store, database

real, left = database.statements, int(sys.argv[2])

def dying(script):
    global left
    for statement in real(script):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        yield statement
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

database.statements = dying
Store.open(Path(sys.argv[1]))
"""
"""Opens a database, and dies before the statement of that number of its migration."""


def _shape(sql: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Return all that the schema says, the order of its making aside."""
    rows = sql.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'")
    return sorted(rows.fetchall())


def _content(sql: sqlite3.Connection, version: int) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table that the schema had at that version, in the columns that it had then."""
    content = {}
    with closing(_built(version)) as old:
        for table, *_ in old.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"):
            columns = ", ".join(row[1] for row in old.execute(f"PRAGMA table_info({table})"))
            content[table] = sorted(sql.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)  # noqa: S608 - our own names
    return content


def _built(version: int) -> sqlite3.Connection:
    """Return an empty database of that version, by the migrations of today."""
    sql = sqlite3.connect(":memory:")
    for migration in MIGRATIONS[:version]:
        sql.executescript(migration)
    return sql


@contextmanager
def _read(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as sql:
        yield sql


def test_each_version_of_the_schema_has_its_frozen_database() -> None:
    """A migration that was never tried on a real database of the version before it is a hope."""
    missing = [version for version in VERSIONS if not dump_of(version).exists()]
    assert not missing, f"no frozen database of schema {missing}: run python tests/support_frozen.py, and commit it"
    assert len(list(dump_of(1).parent.iterdir())) == len(VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_released_schema_is_never_edited(version: int, tmp_path: Path) -> None:
    """What the first migrations make today is what they made when the database was frozen."""
    with _read(thaw(version, tmp_path / "x.db")) as frozen, closing(_built(version)) as built:
        assert _shape(built) == _shape(frozen)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_frozen_database_holds_one_of_everything(version: int, tmp_path: Path) -> None:
    """Jobs and messages in every state, and no table empty: else the migration of it would not be tested."""
    with _read(thaw(version, tmp_path / "x.db")) as sql:
        assert {row[0] for row in sql.execute("SELECT state FROM jobs")} == {
            "new",
            "running",
            "closing",
            "ended",
            "vanished",
        }
        assert {row[0] for row in sql.execute("SELECT state FROM deliveries")} == {
            "pending",
            "sending",
            "sent",
            "uncertain",
            "dead",
        }
        assert {row[0] for row in sql.execute("SELECT fold FROM deliveries")} == {"", "digest", "mute"}
        assert sql.execute("SELECT count(*) FROM jobs WHERE merged_into IS NOT NULL").fetchone()[0]
        assert all(_content(sql, version).values())


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_brought_up_to_date_without_losing_a_row(version: int, tmp_path: Path) -> None:
    """The schema becomes that of a new database, and what was in it is in it still."""
    path = thaw(version, tmp_path / "x.db")
    with _read(path) as sql:
        before = _content(sql, version)
    Store.open(path).close()
    Store.open(tmp_path / "fresh.db").close()
    with _read(path) as sql, _read(tmp_path / "fresh.db") as fresh:
        assert _shape(sql) == _shape(fresh)
        assert _content(sql, version) == before
        assert sql.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
        assert sql.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        assert sql.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert sql.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_verbs_read_every_version(version: int, tmp_path: Path) -> None:
    """Jobs, news and messages come out whole, whatever wrote them."""
    with closing(Store.open(thaw(version, tmp_path / "x.db"))) as store:
        jobs = store.jobs.listed(every=True)
        assert {job.state for job in jobs} == {"new", "running", "closing", "ended", "vanished"}
        events = store.history.events()
        assert all(event.transitions for event, _ in events)
        assert [store.history.story(event) for event, _ in events]
        assert len(store.history.deliveries()) == 19
        assert store.history.scopes()
        assert len(store.mutes.active(0.0)) == 1
        assert store.jobs.find("job-4").arn


@pytest.mark.parametrize("version", VERSIONS)
def test_the_daemon_delivers_what_an_older_one_left_in_the_queue(version: int, tmp_path: Path) -> None:
    """The installed program, upgraded over a queue: all of it arrives, what may have arrived before marked as such."""
    with _read(thaw(version, tmp_path / "state" / "bedrock-watch.db")) as sql:
        waiting = sql.execute(
            "SELECT event FROM deliveries WHERE state IN ('pending', 'sending', 'uncertain') AND channel != 'g'"
        ).fetchall()
    with web_receiver() as hook, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and never listened to: AWS is away
        channels = dict.fromkeys("pdui", hook_url(hook))
        home = Home(tmp_path, f"http://127.0.0.1:{nobody.getsockname()[1]}", channels=channels)
        done = home.run("run", "--once")
        told = posted(hook)
    assert done.returncode == 5, done.stderr
    assert home.query("SELECT * FROM deliveries WHERE state NOT IN ('sent', 'dead')") == []
    arrived = Counter(alert.event for alert in told)
    arrived.subtract(event for (event,) in waiting)
    # Beside these, each channel was told once that messages for one that is not configured were given up.
    assert sorted(arrived.values()) == [0] * (len(arrived) - 1) + [len(channels)]
    assert sum(alert.marked for alert in told) == 2  # the one that was in flight, and the uncertain one


@pytest.mark.parametrize("version", OLD)
def test_a_migration_that_is_killed_leaves_the_old_version_in_use(version: int, tmp_path: Path) -> None:
    """Before any of its statements, and after the last one: it is one transaction."""
    steps = sum(len(list(statements(migration))) for migration in MIGRATIONS[version:])
    for number in range(steps + 1):
        path = thaw(version, tmp_path / str(number) / "x.db")
        with _read(path) as sql:
            before = _content(sql, version), _shape(sql)
        done = subprocess.run([sys.executable, "-c", _KILLED, str(path), str(number)], check=False, timeout=60)
        assert done.returncode == -signal.SIGKILL
        with _read(path) as sql:
            assert sql.execute("PRAGMA user_version").fetchone()[0] == version
            assert (_content(sql, version), _shape(sql)) == before
        Store.open(path).close()  # and the next one goes through


@pytest.mark.parametrize("version", OLD)
def test_whoever_opens_it_is_told_of_a_migration_and_of_its_end(version: int, tmp_path: Path) -> None:
    """A service manager has to be asked for patience meanwhile; a database that is up to date needs none."""
    told: list[object] = []

    @contextmanager
    def migrating(old: int, new: int) -> Iterator[None]:
        told.append((old, new))
        yield
        told.append("done")

    path = thaw(version, tmp_path / "x.db")
    Store.open(path, migrating=migrating).close()
    Store.open(path, migrating=migrating).close()
    assert told == [(version, len(MIGRATIONS)), "done"]


def test_two_programs_that_migrate_at_once_do_it_once(tmp_path: Path) -> None:
    path = thaw(1, tmp_path / "x.db")
    code = "import sys; from pathlib import Path; from watcher.store import Store; Store.open(Path(sys.argv[1]))"
    both = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(4)]
    assert [one.wait(60) for one in both] == [0] * 4
    with _read(path) as sql:
        assert sql.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)


def test_a_newer_database_is_refused_by_name_and_left_alone(tmp_path: Path) -> None:
    """By every command: an older program would not know what it breaks."""
    path = thaw(VERSIONS[-1], tmp_path / "state" / "bedrock-watch.db")
    with _read(path) as sql:
        sql.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"newer bedrock-watch: schema {len(MIGRATIONS) + 1}"):
        Store.open(path)
    home = Home(tmp_path, "http://127.0.0.1:1")
    for words in (["list"], ["status"], ["run", "--once"], ["add", "name"]):
        done = home.run(*words)
        assert done.returncode == 1, done.stderr
        assert f"was written by a newer bedrock-watch: schema {len(MIGRATIONS) + 1}, this one knows" in done.stderr
        assert "upgrade bedrock-watch" in done.stderr
    assert path.read_bytes() == before


def test_a_new_database_can_give_space_back_little_by_little(tmp_path: Path) -> None:
    with closing(Database.open(tmp_path / "x.db")) as database:
        assert database._scalar("PRAGMA auto_vacuum") == 2


def test_the_daemon_takes_the_oldest_request_once_and_nothing_is_written_while_nobody_asks(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "x.db")) as store, closing(Database.open(tmp_path / "x.db")) as other:
        seen = other.data_version()
        now = clock.now()
        assert store.requests.take(now) is None
        assert other.data_version() == seen
        first = store.requests.ask("doctor", {"send": False}, now, 60.0)
        store.requests.ask("doctor", {"send": True}, now, 60.0)
        taken = store.requests.take(now)
        assert taken is not None
        assert (taken.id, taken.what, taken.arguments) == (first, "doctor", {"send": False})
        store.requests.answer(first, {"findings": []}, now)
        answered = store.requests.get(first)
        assert answered is not None
        assert (answered.taken, answered.answer) == (True, {"findings": []})
        assert store.requests.take(now + 61.0) is None  # nobody waits for the second any more
        store.requests.withdraw(first)
        assert store.requests.get(first) is None
