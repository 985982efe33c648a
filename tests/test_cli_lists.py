"""Lists for people and programs: nothing is left out unsaid, and any number of rows can be printed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from support_cli import Program, program, see, seen
from support_jobs import response

from watcher import presence
from watcher.cli.output import print_json
from watcher.store.selection import PAGE

__all__ = ["program"]

EVENT = '[{"type": "FieldChanged", "path": "roleArn", "old": "a", "new": "b"}]'


def many(program: Program, events: int, old: int = 0) -> None:
    """Give one job that many events and one message each; the first *old* of them are ten days old."""
    with program.store() as store:
        job = seen(store, 1)
    with closing(sqlite3.connect(presence.database(program.state_dir))) as sql:
        sql.execute("DELETE FROM deliveries")
        sql.execute("DELETE FROM events")
        columns = {row[1] for row in sql.execute("PRAGMA table_info(events)")}
        assert {"subject", "job", "version", "transitions", "observed_at", "sight"} <= columns
        now = time.time()
        for number in range(1, events + 1):
            when = now - (864_000 if number <= old else 60)
            sql.execute(
                "INSERT INTO events (id, subject, job, version, transitions, observed_at, sight)"
                " VALUES (?, ?, ?, ?, ?, ?, '{}')",
                (number, f"job/{job.id}", job.id, number + 1, EVENT, when),
            )
            sql.execute(
                "INSERT INTO deliveries (event, channel, subject, state, created_at, next_attempt_at)"
                " VALUES (?, 'ops', ?, 'pending', ?, ?)",
                (number, f"job/{job.id}", when, when),
            )
        sql.commit()


@pytest.mark.parametrize("command", ["events", "deliveries"])
def test_a_period_that_is_asked_for_is_printed_as_a_whole(program: Program, command: str) -> None:
    many(program, PAGE + 301, old=PAGE)
    assert program(command, "--since", "7d", "-o", "json") == 0
    document = program.document()
    assert len(document[command]) == 301
    assert document["left_out"] == 0
    assert program.err == ""
    program(command, "--since", "30d", "-o", "jsonl")
    assert len(program.out.splitlines()) == PAGE + 301
    program(command, "--since", "7d")
    assert len(program.rows()) == 301


@pytest.mark.parametrize(
    ("command", "said"), [("events", "earlier events are"), ("deliveries", "earlier messages are")]
)
def test_what_a_limit_leaves_out_is_said_on_screen_and_in_json(program: Program, command: str, said: str) -> None:
    many(program, 301)
    for words, shown in (([], 100), (["--limit", "7"], 7), (["--limit", "7", "--since", "7d"], 7)):
        assert program(command, *words) == 0
        assert f"{301 - shown} {said} not shown; to see more: --limit N, or --since TIME" in program.err
        assert len(program.rows()) == shown
        program(command, *words, "-o", "json")
        document = program.document()
        assert (len(document[command]), document["left_out"]) == (shown, 301 - shown)
        assert f"{301 - shown} {said}" in program.err
        program(command, *words, "-o", "jsonl")
        lines = [json.loads(line) for line in program.out.splitlines()]
        assert (len(lines), {line["left_out"] for line in lines}) == (shown, {301 - shown})
    assert program(command, "--limit", "300") == 0
    assert f"1 earlier {said.split()[1][:-1]} is not shown" in program.err
    assert program(command, "--limit", "301") == 0
    assert program.err == ""


def test_messages_of_before_the_period_are_not_listed(program: Program) -> None:
    many(program, 4, old=3)
    program("deliveries", "--since", "7d", "-o", "json")
    assert [one["id"] for one in program.document()["deliveries"]] == [4]
    assert program("deliveries", "--since", "1s") == 0
    assert "no such message" in program.err


def test_jobs_that_a_list_leaves_out_are_counted(program: Program) -> None:
    with program.store() as store:
        seen(store, 1)
        for number in (2, 3):
            job = seen(store, number)
            ended = response(number, status="Completed", minute=9, endTime="2020-01-01T00:00:00Z")
            see(store, job, ended)
    said = "2 jobs that ended more than a day ago are not shown; to see all: bedrock-watch list --all"
    for words in (["list"], ["list", "-o", "json"], ["list", "-o", "jsonl"]):
        assert program(*words) == 0
        assert said in program.err
    program("list", "-o", "json")
    assert (program.document()["left_out"], len(program.document()["jobs"])) == (2, 1)
    program("list", "--all", "-o", "json")
    assert (program.document()["left_out"], len(program.document()["jobs"])) == (0, 3)
    assert "not shown" not in program.err


def test_show_lists_every_message_of_a_job(program: Program) -> None:
    many(program, 1203)
    program("show", "job-1", "-o", "json")
    assert len(program.document()["deliveries"]) == 1203


@pytest.mark.parametrize("items", [[], [{"a": 1, "b": [1, {"c": "x\ny"}]}], [{"a": []}, {"b": {}}]])
@pytest.mark.parametrize("head", [{}, {"database": "/x"}])
def test_a_document_in_pieces_is_the_document_as_a_whole(
    capsys: pytest.CaptureFixture[str], items: list[dict[str, object]], head: dict[str, str]
) -> None:
    print_json("json", head, "jobs", iter(items))
    assert capsys.readouterr().out == json.dumps({"version": 1, **head, "jobs": items}, indent=2) + "\n"


_NUMBERS = "WITH RECURSIVE n(value) AS (SELECT 1001 UNION ALL SELECT value + 1 FROM n WHERE value < 1000 + copies()) "
_JOBS = (
    "INSERT INTO jobs (id, identifier, arn, name, kind, account, region, from_cli, state, created_at, changed_at,"
    " added_at, next_poll_at, revision) SELECT n.value, 'x/' || n.value, 'x/' || n.value, name, kind, account, region,"
    " from_cli, state, created_at, changed_at, added_at, next_poll_at, revision FROM jobs, n WHERE id < 1000"
)
_SNAPSHOTS = (
    "INSERT INTO snapshots (job, facts, response, seen_at)"
    " SELECT n.value, facts, response, seen_at FROM snapshots, n WHERE job < 1000"
)


def _watch(program: Program, number: int) -> None:
    """Add that many jobs that run, each with a snapshot."""
    with program.store() as store:
        seen(store, 1)
    with closing(sqlite3.connect(presence.database(program.state_dir))) as sql:
        sql.create_function("copies", 0, lambda: number)
        for copy in (_JOBS, _SNAPSHOTS):
            sql.execute(_NUMBERS + copy)
        sql.commit()


def _peak(*words: str) -> tuple[int, int]:
    """Run the program; return how many lines it printed, and the most that its objects took, in bytes."""
    measure = "print(tracemalloc.get_traced_memory()[1], file=sys.stderr)"
    begin = "import sys, tracemalloc\nfrom watcher.cli import main\ntracemalloc.start()\n"
    code = f"{begin}try: main({list(words)!r})\nfinally: {measure}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.count("\n"), int(done.stderr.split()[-1])


def test_lines_of_many_jobs_take_no_more_memory_than_those_of_some(program: Program) -> None:
    """941 MB for 100,000 jobs it was; each page is forgotten when it is printed."""
    _watch(program, 2 * PAGE)
    few, base = _peak("list", "--all", "-o", "jsonl")
    with closing(sqlite3.connect(presence.database(program.state_dir))) as sql:
        sql.execute("DELETE FROM snapshots WHERE job >= 1000")
        sql.execute("DELETE FROM jobs WHERE id >= 1000")
        sql.commit()
    _watch(program, 12 * PAGE)
    lines, peak = _peak("list", "--all", "-o", "jsonl")
    assert (few, lines) == (2 * PAGE + 1, 12 * PAGE + 1)
    assert peak < base * 1.3
    lines, peak = _peak("list", "--all", "-o", "json")
    assert lines > 12 * PAGE
    assert peak < base * 1.3


def test_a_reader_that_is_slow_keeps_nobody_from_the_database(program: Program) -> None:
    """No transaction is open while lines are written: the write-ahead log can be emptied."""
    _watch(program, 4 * PAGE)
    reading, writing = os.pipe()
    with subprocess.Popen([sys.executable, "-m", "watcher", "list", "--all", "-o", "jsonl"], stdout=writing) as child:
        os.close(writing)
        assert os.read(reading, 1)  # it has begun to write, and the pipe will be full
        with closing(sqlite3.connect(presence.database(program.state_dir), timeout=30)) as sql:
            sql.execute("UPDATE jobs SET label = 'new' WHERE id = 1")
            sql.commit()
            assert sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        with os.fdopen(reading) as rest:
            assert rest.read().count("\n") == 4 * PAGE + 1
    assert child.returncode == 0


def test_a_job_that_is_merged_while_it_is_listed_is_left_to_the_other(program: Program) -> None:
    with program.store() as store:
        seen(store, 1)
        chosen = store.jobs.choose(every=True, ended_since=0.0)
        assert len(store.jobs.by_ids(tuple(chosen.keys))) == 1
        with store.database.transaction() as sql:
            sql.execute("UPDATE jobs SET merged_into = id")
        assert store.jobs.by_ids(tuple(chosen.keys)) == []
