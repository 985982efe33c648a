"""``bedrock-watch show`` and ``events``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support_cli import Program, add, daemon, missed, program, see, seen
from support_jobs import at, response, step

from watcher import clock
from watcher.cli.values import at as at_json
from watcher.errors import LookError, LookFault
from watcher.model import Job
from watcher.store import Store

__all__ = ["program"]

MESSAGE = "Maximum input token count 4097 exceeds limit of 4096\nin line 7"
FAILED: dict[str, Any] = {
    "status": "Failed",
    "minute": 192,
    "failureMessage": MESSAGE,
    "endTime": "2026-11-20T11:12:00Z",
    "hyperParameters": {"epochCount": "2"},
    "trainingMetrics": {"trainingLoss": 0.25},
    "validationMetrics": [{"validationLoss": 0.5}],
    "outputModelArn": "arn:aws:bedrock:us-east-1:123456789012:custom-model/x",
    "aMemberOfTomorrow": {"deep": [1, {"er": None}]},
    "statusDetails": {
        "validationDetails": step("Completed", 1, 9),
        "dataProcessingDetails": step("Failed", 9, 192),
        "trainingDetails": step("NotStarted"),
    },
}


def facts(table: str) -> dict[str, str]:
    """Return what stands beside each name."""
    pairs = (line.strip().partition("  ") for line in table.splitlines() if line.startswith("  "))
    return {name: value.strip() for name, _, value in pairs}


def a_failed_job(store: Store) -> Job:
    """Return a job that was seen running, then failed."""
    job = seen(store, 1, label="bot", minute=1)
    see(store, job, response(1, **FAILED), channels=("ops",))
    return store.jobs.get(job.id)


def test_show_tells_everything(program: Program) -> None:
    """The status, the timeline, the reason verbatim, every member as AWS sent it, the looks, the messages."""
    program.configure('timezone = "UTC"')
    with program.store() as store:
        a_failed_job(store)
    assert program("show", "bot") == 0
    lines = [line.rstrip() for line in program.out.splitlines()]
    assert lines[0] == "bot: Failed after 3h12m"
    assert "  validation       Completed   2026-11-20 08:01:00 UTC  8m" in lines
    assert "  data processing  Failed      2026-11-20 08:09:00 UTC  3h03m" in lines
    assert "  training         NotStarted  -                        -" in lines
    begin = lines.index("failureMessage:")
    assert lines[begin + 1 : begin + 3] == [f"  {line}" for line in MESSAGE.splitlines()]
    said = {line.split()[0]: line.split()[-1] for line in lines if line.startswith("  ")}
    assert said["hyperParameters.epochCount"] == "2"
    assert said["trainingMetrics.trainingLoss"] == "0.25"
    assert said["validationMetrics[0].validationLoss"] == "0.5"
    assert said["outputModelArn"] == "arn:aws:bedrock:us-east-1:123456789012:custom-model/x"
    assert said["aMemberOfTomorrow.deep[0]"] == "1"
    assert said["aMemberOfTomorrow.deep[1].er"] == "null"
    assert said["outputDataConfig.s3Uri"] == "s3://bucket-1/output"
    assert "  next look     none: it is over" in lines
    assert lines[-1].split()[:2] == ["1", "ops"]


def test_show_marks_the_sub_task_that_runs(program: Program) -> None:
    with program.store() as store:
        seen(store, statusDetails={"trainingDetails": step("InProgress", 9)})
    program("show", "job-1")
    assert "\n> training  InProgress  " in program.out


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_as_json_show_contains_the_whole_response_as_aws_sent_it(program: Program, output: str) -> None:
    with program.store() as store:
        a_failed_job(store)
    assert program("show", "bot", "-o", output) == 0
    document = program.document()
    assert document["response"] == response(1, **FAILED)
    assert document["failure_message"] == MESSAGE
    assert (document["status"], document["outcome"], document["next_poll_at"]) == ("Failed", "failed", None)
    assert [one["channel"] for one in document["deliveries"]] == ["ops"]
    assert (program.out.count("\n") == 1) == (output == "jsonl")


def test_a_job_that_was_never_seen_is_shown_with_its_error(program: Program) -> None:
    """Why, since when, and what to do."""
    error = LookError(LookFault.DENIED, "AccessDeniedException", "not authorized", "allow bedrock:Get")
    with program.store() as store:
        job = add(store)
        store.ledger.missed(job.id, missed(error, clock.now() - 600), clock.now())
    assert program("show", "abcdefghij01") == 0
    assert program.out.startswith("abcdefghij01: new\n")
    assert "  failing since  10m ago, " in program.out
    assert "  last error     AccessDeniedException: not authorized\n" in program.out
    assert "  what to do     allow bedrock:Get\n" in program.out
    program("show", "abcdefghij01", "-o", "json")
    document = program.document()
    assert document["response"] is None
    assert document["last_error"] == {
        "fault": "denied",
        "code": "AccessDeniedException",
        "reason": "not authorized",
        "remedy": "allow bedrock:Get",
    }


def test_the_looks_that_found_nothing_are_known_to_the_daemon(program: Program) -> None:
    """An idle look writes nothing, so the database alone cannot tell of it."""
    with program.store() as store:
        job = seen(store)
    program("show", "job-1")
    assert "next look     none: the daemon does not run" in program.out
    later = clock.now() + 7199
    groups = {job.scope: {"jobs": 1, "swept_at": clock.now(), "next_poll_at": later}}
    with daemon(program.state_dir, groups=groups):
        program("show", "job-1")
    assert "next look     in 1h" in program.out


@pytest.mark.parametrize("trouble", ["scope", "job", "over", "removed"])
def test_a_look_that_did_not_succeed_is_not_called_the_last_look(program: Program, trouble: str) -> None:
    """The daemon tells when a whole group was tried; that says nothing of what failed, is over, or is not watched."""
    error = LookError(LookFault.DENIED, "AccessDeniedException", "not authorized", "allow bedrock:Get")
    with program.store() as store:
        job = seen(store, status="Completed", endTime=at(9)) if trouble == "over" else seen(store)
        with store.database.transaction() as sql:
            sql.execute("UPDATE jobs SET confirmed_at = confirmed_at - 7200")
        if trouble == "scope":
            store.ledger.scope_missed(job.scope, missed(error, clock.now() - 600), clock.now())
        elif trouble == "job":
            store.ledger.missed(job.id, missed(error, clock.now() - 600), clock.now())
        elif trouble == "removed":
            store.jobs.remove(job)
        confirmed = store.jobs.get(job.id).confirmed_at
    tried = clock.now() - 300
    with daemon(program.state_dir, groups={job.scope: {"jobs": 1, "swept_at": tried, "next_poll_at": None}}):
        program("show", "job-1")
        table = program.out
        program("show", "job-1", "-o", "json")
    document = program.document()
    assert facts(table)["last look"].startswith("2h00m ago, ")
    assert document["looked_at"] == at_json(confirmed)
    assert facts(table).get("last try", "").startswith("5m ago, ") == (trouble == "scope")
    assert document["tried_at"] == (at_json(tried) if trouble == "scope" else None)


def test_an_idle_look_of_the_daemon_is_the_last_look(program: Program) -> None:
    """And a look that is due is next now, not in the past."""
    with program.store() as store:
        job = seen(store)
        with store.database.transaction() as sql:
            sql.execute("UPDATE jobs SET confirmed_at = confirmed_at - 7200, next_poll_at = 1")
    swept = clock.now() - 300
    with daemon(program.state_dir, groups={job.scope: {"jobs": 1, "swept_at": swept, "next_poll_at": None}}):
        program("show", "job-1")
        table = program.out
        program("show", "job-1", "-o", "json")
    assert facts(table)["last look"].startswith("5m ago, ")
    assert facts(table)["next look"] == "now"
    assert program.document()["looked_at"] == at_json(swept)


def test_a_long_path_has_its_value_on_the_next_line(program: Program) -> None:
    """So that the values of all the others need not move to the right for it."""
    deep = {"distillationConfig": {"teacherModelConfig": {"teacherModelIdentifier": "arn:t"}}}
    with program.store() as store:
        seen(store, customizationConfig=deep)
    program("show", "job-1")
    path = "customizationConfig.distillationConfig.teacherModelConfig.teacherModelIdentifier"
    assert f"\n  {path}\n    arn:t\n" in program.out
    assert "\n  outputDataConfig.s3Uri  s3://bucket-1/output\n" in program.out


def test_what_another_version_wrote_is_shown_as_far_as_it_goes(program: Program) -> None:
    """Facts that this version cannot read are no reason to show nothing."""
    with program.store() as store:
        job = seen(store)
        with store.database.transaction() as sql:
            sql.execute("UPDATE snapshots SET facts = '{\"status\": 7}' WHERE job = ?", (job.id,))
    assert program("show", "job-1") == 0
    assert program("list", "-o", "json") == 0
    assert program.document()["jobs"][0]["status"] is None


# events


def test_events_tell_what_changed_when_and_when_it_was_seen(program: Program) -> None:
    """In the words of the messages, a row for each change, the oldest first."""
    program.configure('timezone = "UTC"')
    with program.store() as store:
        a_failed_job(store)
        seen(store, 2)
    assert program("events", "bot") == 0
    rows = program.rows()
    assert [row[0] for row in rows][:1] == ["1"]
    assert all(row[3] == "bot" for row in rows)
    assert rows[0][4] == "First sight: InProgress"
    status = next(row for row in rows if row[4].startswith("Job: "))
    assert status[2] == "2026-11-20 11:12:00 UTC"
    assert status[4].startswith("Job: InProgress -> Failed at 2026-11-20 11:12:00 UTC")
    assert any(row[4].startswith("failureMessage: Maximum input token count") for row in rows)
    assert any(row[4].startswith("data processing: new -> Failed") for row in rows)


def test_events_as_json_hold_each_change_as_a_webhook_receives_it(program: Program) -> None:
    with program.store() as store:
        a_failed_job(store)
    assert program("events", "-o", "json") == 0
    first, second = program.document()["events"]
    assert first["transitions"] == [{"type": "Appeared", "status": "InProgress"}]
    assert second["job"]["title"] == "bot"
    changes = {change["type"]: change for change in second["transitions"]}
    assert changes["StatusChanged"]["changed_at"] == "2026-11-20T11:12:00Z"
    assert changes["FailureExplained"]["text"] == MESSAGE
    program("events", "-o", "jsonl", "--limit", "1")
    assert json.loads(program.out)["id"] == second["id"]


def test_events_go_as_far_back_as_they_are_asked_to(program: Program) -> None:
    with program.store() as store:
        a_failed_job(store)
        with store.database.transaction() as sql:
            sql.execute("UPDATE events SET observed_at = observed_at - 7200 WHERE id = 1")
    program("events", "--since", "1h", "-o", "json")
    assert [event["id"] for event in program.document()["events"]] == [2]
    assert program("events", "--since", "yesterday") == 2
    assert "a length of time is written like" in program.err


def test_no_event_is_said(program: Program) -> None:
    assert program("events") == 0
    assert program.out == ""
    assert "nothing has changed yet" in program.err
