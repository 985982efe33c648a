"""``bedrock-watch db``: a copy of a database that is being written, and whether one is whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support_cli import Program, program, seen
from support_frozen import thaw

from watcher import clock, presence
from watcher.model import ChannelTest
from watcher.store import Store, upkeep
from watcher.store.schema import MIGRATIONS

__all__ = ["program"]


@contextmanager
def _writing(path: Path) -> Iterator[list[int]]:
    """Write events to the database at *path* meanwhile, one transaction after the other; yield how many so far."""
    over, count = threading.Event(), [0]

    def write() -> None:
        with closing(Store.open(path)) as store:
            while not over.is_set():
                store.outbox.put("ops", ChannelTest("ops"), clock.now())
                count[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield count
    finally:
        over.set()
        thread.join()


def _fill(path: Path, megabytes: int) -> None:
    """Make the database that large."""
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.executemany(
            "INSERT INTO notes (key, value) VALUES (?, ?)", [(f"fill/{n}", "x" * 2**18) for n in range(4 * megabytes)]
        )


def test_a_copy_is_one_moment_of_a_database_that_is_being_written(program: Program, tmp_path: Path) -> None:
    """It is copied in many steps, and the daemon writes between any two of them: no event without its message."""
    with program.store() as store:
        seen(store)
        path = store.database.path
    _fill(path, 40)
    steps: list[int] = []
    with _writing(path) as count:
        while count[0] == 0:
            time.sleep(0.001)
        before = count[0]

        def progress(done: int, _total: int) -> None:
            steps.append(count[0])
            while done and count[0] == steps[-1]:
                time.sleep(0.001)  # it is written between these two steps

        upkeep.backup(path, tmp_path / "copy.db", force=False, progress=progress)
    assert len(steps) > 4
    assert steps[-1] > steps[0]
    with closing(sqlite3.connect(tmp_path / "copy.db")) as sql:
        events = sql.execute("SELECT count(*) FROM events WHERE subject = 'channel/ops'").fetchone()[0]
        assert before <= events <= steps[0] + 1
        assert sql.execute("SELECT count(*) FROM deliveries").fetchone()[0] == events
        assert sql.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_copy_is_for_its_owner_only_and_can_take_the_databases_place(program: Program, tmp_path: Path) -> None:
    with program.store() as store:
        seen(store, 1, label="the one")
    copy = tmp_path / "copy.db"
    umask = os.umask(0)
    try:
        assert program("db", "backup", str(copy)) == 0
    finally:
        os.umask(umask)
    assert "whole" in program.err
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if "copy" in one.name] == ["copy.db"]
    database = presence.database(program.state_dir)
    shutil.copy(copy, database)
    program("list")
    assert "the one" in program.out


def test_a_backup_can_be_asked_for_by_a_program(program: Program, tmp_path: Path) -> None:
    with program.store() as store:
        seen(store)
        database = store.database.path
    copy = tmp_path / "copy.db"
    assert program("db", "backup", str(copy), "-o", "json") == 0
    assert program.document() == {
        "version": 1,
        "database": str(database),
        "file": str(copy),
        "size": copy.stat().st_size,
        "schema": len(MIGRATIONS),
    }
    assert program.err == ""


def test_nothing_is_written_over_unless_it_is_asked_for(program: Program, tmp_path: Path) -> None:
    """Never the database itself, by whatever name."""
    with program.store() as store:
        seen(store)
        database = store.database.path
    taken = tmp_path / "taken"
    taken.write_text("precious")
    assert program("db", "backup", str(taken)) == 1
    assert "exists already" in program.err
    assert taken.read_text() == "precious"
    assert program("db", "backup", "--force", str(taken)) == 0
    assert program("db", "backup", "--force", str(tmp_path)) == 1
    assert "is a directory" in program.err
    alias = tmp_path / "alias"
    alias.symlink_to(database)
    for name in (database, alias):
        assert program("db", "backup", "--force", str(name)) == 1
        assert "is the database itself" in program.err
    assert program("db", "backup", str(tmp_path / "nowhere" / "copy")) == 1
    assert "cannot write" in program.err
    assert program("db", "check") == 0


def test_without_a_database_there_is_nothing_to_copy_or_to_check(program: Program, tmp_path: Path) -> None:
    """A cron job with the wrong configuration must hear of it."""
    for words in (["check"], ["backup", str(tmp_path / "copy")]):
        assert program("db", *words) == 1
        assert "no database at" in program.out + program.err
    assert not program.state_dir.exists()
    assert not list(tmp_path.glob("*copy*"))


def test_a_whole_database_is_called_so_and_nothing_is_written(program: Program) -> None:
    """An older one is not brought up to date by looking."""
    path = thaw(1, presence.database(program.state_dir))
    before = path.read_bytes()
    assert program("db", "check") == 0
    assert "whole, schema 1, which is brought up to date when it is next used" in program.out
    assert path.read_bytes() == before
    with program.store():
        pass
    assert program("db", "check", "-o", "json") == 0
    (finding,) = program.document()["findings"]
    assert (finding["severity"], finding["remedy"]) == ("ok", None)
    assert finding["finding"].startswith(f"whole, schema {len(MIGRATIONS)}, ")


@pytest.mark.parametrize("what", ["page", "index", "orphan", "newer", "theirs", "header"])
def test_what_is_wrong_is_said_with_a_remedy_and_exit_1(program: Program, what: str) -> None:
    """And no backup of it is called whole."""
    path = thaw(len(MIGRATIONS), presence.database(program.state_dir))
    said = _damage(path, what)
    assert program("db", "check", "-o", "json") == 1
    findings = program.document()["findings"]
    assert {one["severity"] for one in findings} == {"fail"}
    assert any(said in one["finding"] for one in findings), findings
    assert all(one["remedy"] for one in findings)
    assert program("db", "check") == 1
    assert "FAIL  database" in program.out
    copy = program.home / "copy.db"
    assert program("db", "backup", str(copy)) == 1
    assert not copy.exists()


def _damage(path: Path, what: str) -> str:
    """Do some harm to the database; return the words that tell of it."""
    with closing(sqlite3.connect(path)) as sql:
        root = {row[0]: row[1] for row in sql.execute("SELECT name, rootpage FROM sqlite_schema")}
        size = sql.execute("PRAGMA page_size").fetchone()[0]
        if what == "orphan":
            sql.execute(
                "INSERT INTO deliveries (event, subject, channel, created_at, next_attempt_at) VALUES (99, '', '', 0, 0)"
            )
        if what == "newer":
            sql.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        if what == "theirs":
            sql.execute("PRAGMA application_id = 7")
        if what == "index":
            # An index that is no more: its pages are nobody's.
            sql.execute("PRAGMA writable_schema = ON")
            sql.execute("DELETE FROM sqlite_schema WHERE name = 'jobs_by_identifier'")
            sql.commit()
        sql.commit()
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if what in ("page", "header"):
        with path.open("r+b") as stream:
            stream.seek(0 if what == "header" else (root["events"] - 1) * size)
            stream.write(b"\xff" * 200)
    return {
        "page": "damaged",
        "index": "damaged: ",
        "orphan": "incomplete: deliveries, row",
        "newer": "written by a newer bedrock-watch",
        "theirs": "not a database of bedrock-watch",
        "header": "damaged",
    }[what]


def test_a_finding_names_its_file_once(program: Program) -> None:
    assert program("db", "check") == 1
    assert program.out.startswith(f"FAIL  database  no database at {presence.database(program.state_dir)}\n")
