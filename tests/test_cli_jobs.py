"""``bedrock-watch list`` and ``remove``, and what JOB may be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from support_cli import Program, add, daemon, missed, program, see, seen
from support_jobs import arn, at, histories, response, step

from watcher import clock, presence
from watcher.bedrock.customization import read
from watcher.cli.context import Context
from watcher.cli.listing import _steps
from watcher.cli.output import print_table
from watcher.cli.words import RUNNING_STEPS, ago, is_queued, span
from watcher.errors import LookError, LookFault
from watcher.model import JobArn
from watcher.render.words import duration
from watcher.store.jobs import Wanted

__all__ = ["program"]

DENIED = LookError(LookFault.DENIED, "AccessDeniedException", "not authorized", "allow it")
EXPIRED = LookError(LookFault.CREDENTIALS, "ExpiredToken", "expired", "sign in")
LONG_AGO: dict[str, Any] = {"status": "Completed", "minute": 9, "endTime": at(9)}


def test_with_no_database_there_is_nothing_and_nothing_is_made(program: Program) -> None:
    """Words for people on stderr, an empty document for programs."""
    assert program("list") == 0
    assert program.out == ""
    assert "no jobs yet: bedrock-watch add JOB" in program.err
    assert program("list", "-o", "json") == 0
    assert program.document()["jobs"] == []
    assert program("list", "-o", "jsonl") == 0
    assert program.out == ""
    assert not program.state_dir.exists()


@pytest.mark.parametrize(("number", "said"), [(1, "1 job stands"), (2, "2 jobs stand")])
def test_jobs_that_only_the_configuration_knows_yet_are_said(program: Program, number: int, said: str) -> None:
    """The daemon takes them over when it starts; until then no table has them."""
    program.configure("".join(f'[[job]]\nid = "{arn(one)}"\n' for one in range(number)))
    assert program("list") == 0
    assert f"{said} in the configuration; the daemon takes" in program.err
    assert "no jobs yet" not in program.err
    program("status")
    assert f"jobs           {said} in the configuration; the daemon takes" in program.out


def test_the_table_shows_what_matters_first(program: Program) -> None:
    """Who, its status in AWS's word, the sub-task that runs, how long, when it changed, what is wrong."""
    with program.store() as store:
        seen(store, 1, minute=30, statusDetails={"dataProcessingDetails": step("InProgress", 9)})
        seen(store, 2, label="bot", statusDetails={"validationDetails": step("NotStarted")})
        add(store, 3)
    assert program("list") == 0
    assert program.err == f"database: {presence.database(program.state_dir)}\n"
    (bot, one, new) = program.rows()
    assert bot[:3] == ["bot", "InProgress (queued)", "-"]
    assert one[:3] == ["job-1", "InProgress", "data processing"]
    assert new[:2] == ["abcdefghij03", "new"]
    assert new[2:] == ["-", "-", "-", "-", "us-east-1", "abcdefghij03", "model-customization-job"]


def test_those_that_ended_long_ago_are_shown_with_all(program: Program) -> None:
    with program.store() as store:
        seen(store, 1, **LONG_AGO)
    assert program("list") == 0
    assert program.out == ""
    assert "not shown; to see all: bedrock-watch list --all" in program.err
    assert program("list", "--all") == 0
    assert "Completed" in program.out


def test_what_is_wrong_is_shown_by_its_code(program: Program) -> None:
    """A job's own trouble before its scope's; a job that is over has none; one that vanished is lost sight of."""
    now = clock.now()
    with program.store() as store:
        own, shared = seen(store, 1), seen(store, 2)
        over, gone = seen(store, 3, **LONG_AGO), seen(store, 4)
        store.ledger.missed(own.id, missed(DENIED, now - 600), now)
        store.ledger.missed(gone.id, missed(DENIED, state="vanished"), now)
        store.ledger.scope_missed(shared.scope, missed(EXPIRED, now - 60), now)
        assert over.scope == shared.scope
    assert program("list", "--all") == 0
    lines = {line.split()[0]: line for line in program.out.splitlines()}
    assert "AccessDeniedException for 10m" in lines["job-1"]
    assert "ExpiredToken for 1m" in lines["job-2"]
    assert "ExpiredToken" not in lines["job-3"]
    assert "lost sight of" in lines["job-4"]
    program("list", "--all", "-o", "json")
    errors = {job["name"]: job["last_error"] and job["last_error"]["code"] for job in program.document()["jobs"]}
    assert errors == {
        "job-1": "AccessDeniedException",
        "job-2": "ExpiredToken",
        "job-3": None,
        "job-4": "AccessDeniedException",
    }


@pytest.mark.parametrize("profile", ["", "research"])
@pytest.mark.parametrize("identifier", [JobArn.parse(arn(1)), "job-1"])
def test_a_scopes_trouble_is_found_however_the_job_was_given(
    program: Program, identifier: JobArn | str, profile: str
) -> None:
    """The table reads the scope's key in SQL, which has to be Job.scope."""
    with program.store() as store:
        job, _ = store.jobs.add(Wanted(identifier, "us-east-1", profile), clock.now(), ask=False)
        see(store, job, response(1))
        scope = store.jobs.get(job.id).scope
        store.ledger.scope_missed(scope, missed(EXPIRED), clock.now())
    program("list")
    assert "ExpiredToken" in program.out


@given(life=histories())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_table_reads_sub_tasks_as_the_snapshot_does(life: list[dict[str, Any]]) -> None:
    """It has a quicker way to the same words."""
    for facts in life:
        steps = _steps(json.dumps(facts["statusDetails"]) if "statusDetails" in facts else None)
        assert steps == {one.name: one.status for one in read(facts).steps}


def test_as_json_every_fact_is_there(program: Program) -> None:
    """With times in RFC 3339 and UTC; one job a line as jsonl."""
    with program.store() as store:
        seen(store, 1, label="bot", minute=30, statusDetails={"trainingDetails": step("InProgress", 9)})
        add(store, 2)
    assert program("list", "-o", "json") == 0
    document = program.document()
    assert document["database"] == str(presence.database(program.state_dir))
    job = document["jobs"][0]
    assert job["arn"] == arn(1)
    assert (job["id"], job["name"], job["label"], job["title"]) == ("abcdefghij01", "job-1", "bot", "bot")
    assert (job["state"], job["status"], job["outcome"], job["queued"]) == ("running", "InProgress", "running", False)
    assert (job["region"], job["account"], job["profile"]) == ("us-east-1", "123456789012", None)
    assert job["source"] == ["cli"]
    assert job["changed_at"] == "2026-11-20T08:30:00.000Z"
    assert job["steps"] == [
        {
            "name": "training",
            "status": "InProgress",
            "started_at": "2026-11-20T08:09:00.000Z",
            "changed_at": "2026-11-20T08:09:00.000Z",
        }
    ]
    assert document["jobs"][1]["status"] is None
    assert program("list", "-o", "jsonl") == 0
    lines = [json.loads(line) for line in program.out.splitlines()]
    assert lines == [{"version": 1, **one} for one in document["jobs"]]


HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\u009b31m\r\nfake line"


@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["list", "-o", "json"],
        ["show", "abcdefghij01"],
        ["events"],
        ["status"],
        ["channel", "preview", "--family", "text", "--job", "abcdefghij01"],
    ],
)
def test_hostile_text_never_reaches_the_terminal_raw(program: Program, command: list[str]) -> None:
    """A name, a status word or a failureMessage may hold what moves a cursor."""
    with program.store() as store:
        job = seen(store, 1, jobName=HOSTILE, label=HOSTILE)
        see(store, job, response(1, minute=1, jobName=HOSTILE, status=HOSTILE, failureMessage=HOSTILE), channels=("a",))
    program("--color", "never", *command)
    assert "owned" in program.out
    assert not set(program.out + program.err) & {"\x1b", "\x07", "\u009b", "\u202e", "\r"}


@pytest.mark.parametrize(("choice", "colored"), [("always", True), ("never", False), ("auto", False)])
def test_colour_is_for_terminals_unless_it_is_asked_for(program: Program, choice: str, *, colored: bool) -> None:
    with program.store() as store:
        seen(store)
    program("--color", choice, "list")
    assert ("\x1b[36mInProgress\x1b[0m" in program.out) == colored


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_no_color_is_honoured_on_a_terminal(monkeypatch: pytest.MonkeyPatch, no_color: str, *, colored: bool) -> None:
    """When it is present and not empty."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    assert Context().colored == colored
    assert Context(color="always").colored


@pytest.mark.parametrize(("room", "headers"), [(99, "A  B   C"), (8, "A  B   C"), (7, "A  B"), (1, "A")])
def test_a_narrow_terminal_is_spared_the_lesser_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], room: int, headers: str
) -> None:
    monkeypatch.setattr("watcher.cli.output.room", lambda: room)
    print_table(Context(), ("A", "B", "C"), [("1", "漢", "3")], ("C", "B"))
    assert capsys.readouterr().out.splitlines()[0] == headers


ERRORS = [("1", "", "could not connect: Connection refused"), ("2", "", "")]


@pytest.mark.parametrize(
    ("room", "lines"),
    [
        (99, ["A  B  C", "1  -  could not connect: Connection refused", "2  -  -"]),
        (40, ["A  C", "1  could not connect: Connection refused", "2  -"]),
        (25, ["A  C", "1  could not connect:", "   Connection refused", "2  -"]),
        (20, ["A", "1", "      could not connect:", "      Connection refused", "2"]),
    ],
)
def test_a_narrow_terminal_wraps_the_last_texts_and_leaves_out_what_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], room: int, lines: list[str]
) -> None:
    monkeypatch.setattr("watcher.cli.output.room", lambda: room)
    print_table(Context(), ("A", "B", "C"), ERRORS)
    assert capsys.readouterr().out.splitlines() == lines


def test_a_lesser_column_goes_before_texts_are_wrapped_beneath_and_stays_when_that_is_needed_anyway(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    headers, row = ("A", "ERROR", "ID", "B"), ("a" * 14, "could not connect: refused", "12", "some")
    for room, expected in (
        (
            54,
            ["A               ERROR                       ID  B", f"{'a' * 14}  could not connect: refused  12  some"],
        ),
        (36, ["A               ERROR", f"{'a' * 14}  could not connect:", " " * 16 + "refused"]),
        (26, ["A", "a" * 14, "      could not connect:", "      refused"]),
    ):
        monkeypatch.setattr("watcher.cli.output.room", lambda room=room: room)
        print_table(Context(), headers, [row], ("ID", "B"))
        assert capsys.readouterr().out.splitlines() == expected


def test_columns_are_aligned_for_wide_letters_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Context(), ("A", "B"), [("漢字", "1"), ("e\u0301", "2")])
    assert capsys.readouterr().out == "A     B\n漢字  1\ne\u0301     2\n"


@pytest.mark.parametrize("seconds", [-5, 0, 0.9, 59, 60, 61, 599, 600, 3599, 3600, 3660, 86399, 86400, 90000, 1e6])
def test_the_table_writes_durations_as_the_messages_do(seconds: float) -> None:
    assert span(seconds) == duration(seconds)


def test_times_are_told_from_now() -> None:
    assert [ago(at, 100.0) for at in (0.0, 40.0, 100.0, 160.0)] == ["-", "1m ago", "0s ago", "in 1m"]


@pytest.mark.parametrize(
    ("status", "steps", "queued"),
    [
        ("InProgress", ["NotStarted", "NotStarted"], True),
        ("InProgress", ["NotStarted", "InProgress"], False),
        ("InProgress", [], False),
        ("Stopped", ["NotStarted"], False),
    ],
)
def test_queued_is_in_progress_with_nothing_begun(status: str, steps: list[str], *, queued: bool) -> None:
    assert is_queued(status, steps) == queued
    assert "InProgress" in RUNNING_STEPS


# What JOB may be


@pytest.mark.parametrize("word", [arn(1), "job-1", "bot", "abcdefghij01", "j01"])
def test_a_job_is_found_by_arn_name_label_or_the_end_of_its_id(program: Program, word: str) -> None:
    with program.store() as store:
        seen(store, 1, label="bot")
        seen(store, 2)
    assert program("show", word) == 0
    assert program.out.startswith("bot: InProgress")


@pytest.mark.parametrize("command", ["show", "events", "remove", "deliveries"])
@pytest.mark.parametrize(("word", "code"), [("nobody", 4), ("same", 2)])
def test_a_job_that_is_unknown_or_ambiguous_has_its_exit_code(
    program: Program, command: str, word: str, code: int
) -> None:
    with program.store() as store:
        seen(store, 1, label="same")
        seen(store, 2, label="same")
    assert program(command, word) == code
    assert (arn(1) in program.err) == (code == 2)
    assert program(command, "nobody") == 4


def test_without_a_database_no_job_is_known(program: Program) -> None:
    assert program("show", "job-1") == 4
    assert not program.state_dir.exists()


# remove


def test_a_removed_job_is_listed_no_more_and_still_known(program: Program) -> None:
    with program.store() as store:
        seen(store, 1)
        seen(store, 2)
    assert program("remove", "job-1", arn(1)) == 0
    assert "no longer watching job-1" in program.err
    program("list", "-o", "json")
    assert [job["name"] for job in program.document()["jobs"]] == ["job-2"]
    assert program("show", "job-1") == 0
    assert re.search(r"^  watched +no longer$", program.out, re.MULTILINE)
    assert program("remove", "job-1") == 0
    assert "job-1 was not being watched" in program.err


def test_nothing_is_removed_when_one_of_several_is_unknown(program: Program) -> None:
    with program.store() as store:
        seen(store, 1)
    assert program("remove", "job-1", "nobody") == 4
    program("list")
    assert "job-1" in program.out


def configured(program: Program, *, added: bool) -> Path:
    """Have the configuration list a job, and a person too if *added*; return the configuration's path."""
    with program.store() as store:
        if added:
            add(store)
        store.jobs.configure([Wanted(JobArn.parse(arn(1)), "us-east-1", label="bot")], clock.now())
    return program.configure(f'[[job]]\nid = "{arn(1)}"\n')


@pytest.mark.parametrize(("added", "code"), [(False, 1), (True, 0)])
def test_removing_a_job_of_the_configuration_names_the_file_to_edit(
    program: Program, code: int, *, added: bool
) -> None:
    """What a person added is taken away all the same."""
    file = configured(program, added=added)
    assert program("remove", "bot", "-o", "json") == code
    assert str(file) in program.err
    assert "take its [[job]] table out" in program.err
    (job,) = program.document()["jobs"]
    assert (job["source"], job["watched"]) == (["config"], True)


def test_a_daemon_is_no_hindrance(program: Program) -> None:
    """List reads, and remove writes, while it runs."""
    with program.store() as store:
        seen(store)
    with daemon(program.state_dir):
        assert program("list") == 0
        assert program("remove", "job-1") == 0
