"""Files that a member of the service's group puts in the place of the database's own do no harm."""

from __future__ import annotations

import os
import sqlite3
import struct
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from watcher import presence
from watcher.errors import StoreError, WatchError
from watcher.store import Store, guard, upkeep
from watcher.store.database import Database

MAGIC = bytes.fromhex("d9d505f920a163d7")


def hot_journal(victim: Path) -> bytes:
    """Return a journal whose playing back makes SQLite delete *victim* as its super-journal.

    Source: https://sqlite.org/fileformat2.html, "The Rollback Journal", and pager.c, readSuperJournal().
    """
    header = (MAGIC + struct.pack(">IIIII", 0, 0, 2, 512, 4096)).ljust(512, b"\0")
    name = str(victim).encode()
    checksum = sum(struct.unpack(f"{len(name)}b", name)) & 0xFFFFFFFF
    lock_page = 0x40000000 // 4096 + 1
    return header + struct.pack(">I", lock_page) + name + struct.pack(">II", len(name), checksum) + MAGIC


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "state" / presence.DATABASE
    with closing(Store.open(path)):
        return path


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    made = tmp_path / "victim"
    made.write_text("precious")
    return made


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "UNCHANGED", 0.1)
    monkeypatch.setattr(guard, "_PATIENCE", 0.1)


def test_sqlite_itself_deletes_what_such_a_journal_names(database: Path, victim: Path) -> None:
    """The attack is real: else the tests below would prove nothing."""
    journal_of(database).write_bytes(hot_journal(victim))
    with closing(sqlite3.connect(database)) as sql, suppress(sqlite3.DatabaseError):
        sql.execute("SELECT count(*) FROM jobs").fetchone()
    assert not victim.exists()


def test_a_journal_that_names_another_file_is_refused_by_commands(database: Path, victim: Path) -> None:
    journal_of(database).write_bytes(hot_journal(victim))
    for use in (
        lambda: Database.open(database),
        lambda: upkeep.examine(database, thorough=True),
        lambda: upkeep.backup(database, database.with_name("copy"), force=False, progress=lambda *_: None),
    ):
        with pytest.raises(StoreError, match="does not belong"):
            use()
    assert victim.read_text() == "precious"


def test_the_daemon_moves_such_a_journal_aside_and_goes_on(database: Path, victim: Path) -> None:
    journal_of(database).write_bytes(hot_journal(victim))
    with closing(Store.open(database, owner=True)) as store:
        assert store.database.set_aside is not None
        assert store.database.set_aside.read_bytes() == hot_journal(victim)
    assert victim.read_text() == "precious"
    assert not journal_of(database).exists()


@pytest.mark.parametrize("content", [b"", b"x", MAGIC.ljust(512, b"\0")])
def test_any_journal_beside_a_database_in_wal_mode_is_foreign(database: Path, content: bytes) -> None:
    journal_of(database).write_bytes(content)
    with pytest.raises(StoreError, match="does not belong"):
        Database.open(database)


def test_a_journal_that_is_a_link_or_a_fifo_is_foreign(database: Path, victim: Path) -> None:
    journal_of(database).symlink_to(victim)
    with pytest.raises(StoreError, match="does not belong"):
        Database.open(database)
    journal_of(database).unlink()
    os.mkfifo(journal_of(database))
    with pytest.raises(StoreError, match="does not belong"):
        Database.open(database)


def test_a_database_whose_making_was_cut_short_is_made_to_the_end(tmp_path: Path) -> None:
    """SQLite's own journal of the first transaction is no attack: it is played back."""
    path = tmp_path / presence.DATABASE
    script = """
import os, sqlite3, sys
sql = sqlite3.connect(sys.argv[1], isolation_level=None)
sql.execute("PRAGMA cache_size = 1")
sql.execute("BEGIN IMMEDIATE")
sql.execute("CREATE TABLE half (x)")
for _ in range(2000):
    sql.execute("INSERT INTO half VALUES (zeroblob(1000))")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert journal_of(path).exists()
    with closing(Store.open(path, owner=True)) as store:
        assert store.database.set_aside is None
    with closing(sqlite3.connect(path)) as sql:
        assert sql.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").fetchone() == (0,)


@pytest.mark.parametrize("kind", ["link", "dangling link", "fifo", "directory"])
def test_a_database_that_is_no_regular_file_is_refused(tmp_path: Path, victim: Path, kind: str) -> None:
    path = tmp_path / presence.DATABASE
    put(kind, path, victim)
    with pytest.raises(StoreError, match="not a regular file"):
        Database.open(path)
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", ["link", "dangling link", "fifo"])
def test_a_lock_that_is_no_regular_file_is_neither_followed_nor_waited_for(
    tmp_path: Path, victim: Path, kind: str
) -> None:
    lock = tmp_path / "daemon.lock"
    put(kind, lock, victim)
    with pytest.raises(WatchError, match="cannot write"), presence.only_one(tmp_path):
        pass
    with pytest.raises(OSError, match=r"."):
        presence.daemon_pid(tmp_path)
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


def test_the_check_never_drops_the_locks_of_this_process(database: Path) -> None:
    """Closing any descriptor of the file would: fcntl(2), advisory record locking."""
    with closing(Store.open(database)) as store, store.database.transaction() as sql:
        sql.execute("INSERT INTO notes (key, value) VALUES ('a', 'b')")
        held = locks(database)
        assert held
        journal_of(database).write_bytes(b"x")
        with pytest.raises(StoreError):
            upkeep.examine(database, thorough=False)
        assert locks(database) == held


@pytest.mark.parametrize("name", [presence.DATABASE + end for end in ("", "-wal", "-shm", "-journal")])
def test_a_backup_never_replaces_the_database_s_own_files(database: Path, name: str) -> None:
    with pytest.raises(StoreError, match="the database itself"):
        upkeep.backup(database, database.with_name(name), force=True, progress=lambda *_: None)


def test_a_backup_replaces_regular_files_only(database: Path, victim: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(victim)
    for target in (Path("/dev/full"), tmp_path / "link"):
        with pytest.raises(StoreError, match="not a regular file"):
            upkeep.backup(database, target, force=True, progress=lambda *_: None)
    assert victim.read_text() == "precious"


def put(kind: str, path: Path, victim: Path) -> None:
    """Put a *kind* of file at *path*: links lead to *victim*, or to a file "nowhere" that is missing."""
    if kind == "link":
        path.symlink_to(victim)
    elif kind == "dangling link":
        path.symlink_to(victim.with_name("nowhere"))
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()


def journal_of(database: Path) -> Path:
    """Return where the rollback journal of *database* would be."""
    return database.with_name(database.name + "-journal")


def locks(database: Path) -> list[str]:
    """Return the kernel's list of this process's locks on the files of *database*."""
    inodes = {f":{one.stat().st_ino}" for one in database.parent.glob(database.name + "*")}
    lines = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    return sorted(
        " ".join(words[1:])
        for words in lines
        if str(os.getpid()) in words and any(words[5].endswith(one) for one in inodes)
    )
