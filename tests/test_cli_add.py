"""``bedrock-watch add``: what it refuses, what it remembers, and what it says of AWS's answer."""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from support_cli import Answer, Program, add, daemon, missed, program, see, seen
from support_jobs import arn, response, step

from watcher import clock, presence
from watcher.errors import LookError, LookFault
from watcher.model import Job, JobArn
from watcher.store import Store
from watcher.store.jobs import Wanted

__all__ = ["program"]

CHANNEL = '[[channel]]\nname = "ops"\nurl = "json://127.0.0.1"\n'
STEPS = {"validationDetails": step("Completed", 1, 9), "trainingDetails": step("InProgress", 9)}


def jobs(program: Program) -> list[Job]:
    """Return what is watched."""
    with program.store() as store:
        return store.jobs.listed(every=True)


@pytest.mark.parametrize(
    "words",
    [
        [""],
        [" "],
        ["my_job"],
        ["-leading-dash-is-no-name-"],
        ["arn:aws:bedrock:us-east-1:123456789012:model-customization-job/"],
        ["arn:aws:bedrock:us-east-1:12345:model-customization-job/a/abcdefghij12"],
        ["arn:aws:s3:::bucket"],
        ["arn:aws:bedrock:us-east-1:123456789012:custom-model/abcdefghij12"],
        ["a" * 64],
    ],
)
def test_a_malformed_identifier_is_refused_offline(program: Program, words: list[str]) -> None:
    """With a hint, and before anything is written: there is not even a database."""
    assert program("add", "--region", "us-east-1", "--", *words) == 2
    assert "\n  " in program.err
    assert not program.state_dir.exists()


def test_nothing_is_added_when_one_of_several_is_malformed(program: Program) -> None:
    """Each malformed one is named."""
    assert program("add", arn(1), "x_1", "", "x_2") == 2
    for word in ("'x_1'", "'x_2'", "an empty job identifier"):
        assert word in program.err
    assert not program.state_dir.exists()


def test_a_job_is_added_once_however_often_it_is_said(program: Program) -> None:
    """In one call and in several; what it was called stays."""
    assert program("add", arn(1), "--label", "bot", "--tag", "b", "--tag", "a", "--tag", "b") == 0
    assert program("add", arn(1), arn(1)) == 0
    (job,) = jobs(program)
    assert (job.arn, job.label, job.tags, job.region) == (arn(1), "bot", ("a", "b"), "us-east-1")


def test_it_says_what_was_done_with_each_job(program: Program) -> None:
    """A person who says it twice wants to know that nothing changed."""
    program("add", arn(1))
    program("add", arn(1), arn(2))
    assert program.out == "abcdefghij01: already watched\nabcdefghij02: added\n"
    for change in (["--tag", "a"], ["--profile", "b"], ["--expect", "4h"]):
        program("add", arn(1), *change)
        assert program.out == "abcdefghij01: updated\n"


def test_tags_replace_the_earlier_ones_and_an_empty_one_takes_them_away(program: Program) -> None:
    program("add", arn(1), "--tag", "a", "--tag", "b")
    program("add", arn(1), "--tag", "c")
    assert [job.tags for job in jobs(program)] == [("c",)]
    program("add", arn(1), "--tag", "")
    assert [job.tags for job in jobs(program)] == [()]


def test_adding_again_updates_label_tags_and_profile(program: Program) -> None:
    """An empty label takes the label away."""
    program("add", arn(1), "--label", "bot", "--tag", "a", "--profile", "one")
    program("add", arn(1), "--label", "", "--tag", "b", "--profile", "two")
    (job,) = jobs(program)
    assert (job.label, job.tags, job.profile) == ("", ("b",), "two")


@pytest.mark.parametrize("off", ["off", "0", "0s"])
def test_how_long_a_job_should_run_is_remembered_and_taken_away(program: Program, off: str) -> None:
    """Only when it is said; ``show`` tells it."""
    program("add", arn(1), "--expect", "4h")
    program("add", arn(1))
    assert [job.expected for job in jobs(program)] == [4 * 3600]
    program("show", "abcdefghij01")
    assert "\n  expected to run  4h00m at most\n" in program.out
    program("add", arn(1), "--expect", off, "-o", "json")
    assert program.document()["jobs"][0]["expected_seconds"] is None
    assert [job.expected for job in jobs(program)] == [0]
    program("show", "abcdefghij01")
    assert "expected to run" not in program.out


@pytest.mark.parametrize("length", ["soon", "-4h", "100ms", "91d", ""])
def test_an_expectation_that_makes_no_sense_is_refused(program: Program, length: str) -> None:
    assert program("add", arn(1), "--expect", length) == 2
    assert "--expect" in program.err
    assert not program.state_dir.exists()


def test_a_profile_of_its_own_is_remembered_and_the_configured_one_is_not(program: Program) -> None:
    program("add", arn(1), "--profile", "mine")
    program.configure('[aws]\nprofile = "everybodys"')
    program("add", arn(1), arn(2))
    assert {job.arn: job.profile for job in jobs(program)} == {arn(1): "mine", arn(2): ""}
    program("show", "abcdefghij01")
    assert re.search("profile +mine\n", program.out)
    program("show", "abcdefghij02")
    assert re.search(r"profile +everybodys \(that of all\)\n", program.out)


@pytest.mark.parametrize(
    "options",
    [
        ["--label", "two\nlines"],
        ["--label", "\x1b[2Jgone"],
        ["--label", "x" * 101],
        ["--tag", " "],
        ["--tag", "a\x07"],
        ["--profile", "a\nb"],
    ],
)
def test_a_word_that_would_spoil_messages_is_refused(program: Program, options: list[str]) -> None:
    assert program("add", arn(1), *options) == 2
    assert "\x1b" not in program.err
    assert not program.state_dir.exists()


def test_one_label_is_not_for_several_jobs(program: Program) -> None:
    assert program("add", arn(1), arn(2), "--label", "bot") == 2
    assert "one job's name" in program.err
    assert not program.state_dir.exists()


@pytest.mark.parametrize("place", ["option", "configuration", "profile", "default profile"])
def test_the_region_of_a_name_is_found(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The option, else the configuration, else the AWS profile says."""
    aws = tmp_path / "aws"
    aws.write_text("[default]\nregion = eu-west-3\n[profile far]\nregion = ap-south-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(aws))
    options = {"option": ["--region", "eu-west-1"], "profile": ["--profile", "far"]}.get(place, [])
    if place == "configuration":
        program.configure('[aws]\nregion = "eu-west-2"')
    assert program("add", "my-job", *options) == 0
    (job,) = jobs(program)
    expected = {"option": "eu-west-1", "configuration": "eu-west-2", "profile": "ap-south-1"}
    assert (job.identifier, job.region) == ("my-job", expected.get(place, "eu-west-3"))


def test_a_name_without_a_region_is_refused(program: Program) -> None:
    assert program("add", "my-job") == 2
    assert "add --region, or set aws.region" in program.err
    assert not program.state_dir.exists()


@pytest.mark.parametrize("region", ["Europe/Berlin", "narnia", "US-East-1", "us-east-1 ", "us-east", ""])
def test_a_region_that_is_none_is_refused(program: Program, region: str) -> None:
    assert program("add", "my-job", "--region", region) == 2
    assert "write it like us-east-1" in program.err


def test_the_region_is_not_for_arns(program: Program) -> None:
    """They name their own, and the person is told."""
    assert program("add", arn(1), "--region", "eu-west-1") == 0
    assert "these ARNs name their own" in program.err
    assert jobs(program)[0].region == "us-east-1"


def test_without_a_daemon_it_says_how_to_start_one(program: Program) -> None:
    """Names the database, and warns that nobody is told."""
    assert program("add", arn(1)) == 0
    assert program.out == "abcdefghij01: added\n"
    assert f"database: {presence.database(program.state_dir)}" in program.err
    assert "the daemon does not run" in program.err
    assert "bedrock-watch run" in program.err
    assert "no channel is configured" in program.err


def test_with_a_channel_nothing_is_warned_of(program: Program) -> None:
    program.configure(CHANNEL)
    assert program("add", arn(1)) == 0
    assert "warning" not in program.err


def test_an_arn_of_an_unusual_shape_is_watched_with_a_warning(program: Program) -> None:
    """AWS's own samples have some; a typing mistake looks like one, too."""
    unusual = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:model-customization-job/abcdefghij12"
    assert program("add", unusual) == 0
    assert f"{unusual} is not shaped as AWS documents" in program.err
    assert [job.region for job in jobs(program)] == ["us-gov-west-1"]


def test_the_configurations_label_and_tags_are_said_to_win(program: Program) -> None:
    """Only when there is something to win over."""
    with program.store() as store:
        store.jobs.configure([Wanted(JobArn.parse(arn(1)), "us-east-1")], clock.now())
    program("add", arn(1))
    assert "its label and tags win" not in program.err
    for option in ("--label", "--tag", "--expect"):
        program("add", arn(1), option, "4h")
        assert "its label and tags win, and its expect" in program.err


def answering(error: LookError | None, *, scope: bool = False) -> Answer:
    """Return what the daemon does when AWS answers with *error*, of the job or of its whole scope."""

    def answer(store: Store, job: Job) -> None:
        if error is None:
            number = int(job.arn[-2:])
            see(store, job, response(number, minute=9, statusDetails=STEPS))
        elif scope:
            store.ledger.scope_missed(job.scope, missed(error), clock.now())
            store.ledger.answer([job.id])
        else:
            store.ledger.missed(job.id, missed(error), clock.now())

    return answer


def test_while_the_daemon_runs_aws_answer_is_printed(program: Program) -> None:
    """The status, and each sub-task; the one that runs is marked."""
    with daemon(program.state_dir, answering(None)):
        assert program("add", arn(1), "--label", "bot") == 0
    lines = program.out.splitlines()
    assert lines[0].startswith("bot: added; InProgress ")
    assert lines[2].startswith("  validation  Completed   2026-11-20 ")
    assert lines[2].endswith("  8m")
    assert lines[3].startswith("> training    InProgress")
    assert "does not run" not in program.err


REFUSALS = [
    (LookFault.NOT_FOUND, False, 4),
    (LookFault.DENIED, False, 5),
    (LookFault.INVALID, False, 5),
    (LookFault.CREDENTIALS, True, 5),
    (LookFault.NETWORK, True, 0),
    (LookFault.THROTTLED, False, 0),
    (LookFault.SERVER, False, 0),
    (LookFault.MALFORMED, False, 0),
]


@pytest.mark.parametrize(("fault", "scope", "code"), REFUSALS)
def test_what_aws_refuses_is_said_and_the_job_stays_listed(
    program: Program, fault: LookFault, code: int, *, scope: bool
) -> None:
    """With 4 for a job that it does not know, 5 for a refusal; what passes by itself is no failure."""
    error = LookError(fault, "SomeException", "because \x1b[31mso", "do this")
    with daemon(program.state_dir, answering(error, scope=scope)):
        assert program("add", arn(1)) == code
    assert "abcdefghij01: SomeException: because [31mso\n  do this\n  it stays listed" in program.err
    assert program("list") == 0
    assert "SomeException for 0s" in program.out


def test_of_several_answers_the_most_severe_is_the_exit_code(program: Program) -> None:
    faults = {"01": LookFault.NOT_FOUND, "02": LookFault.DENIED}

    def answer(store: Store, job: Job) -> None:
        answering(LookError(faults[job.arn[-2:]], "X", "y"))(store, job)

    with daemon(program.state_dir, answer):
        assert program("add", arn(1), arn(2)) == 5
        assert program("add", arn(1)) == 4


def test_no_answer_is_said_and_is_no_failure(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.cli.add.PATIENCE", 0.1)
    with daemon(program.state_dir):
        assert program("add", arn(1)) == 0
    assert "no answer within 0.1 s" in program.err
    assert jobs(program)[0].asked_at > 0


def test_who_does_not_wait_for_the_answer_is_told_that_the_job_is_watched(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("watcher.cli.add.time", SimpleNamespace(sleep=interrupt, monotonic=time.monotonic))
    with daemon(program.state_dir):
        assert program("add", arn(1)) == 130
    assert "the job is watched all the same: bedrock-watch list\n" in program.err
    assert jobs(program)[0].watched


def test_no_wait_asks_for_nothing(program: Program) -> None:
    with daemon(program.state_dir):
        assert program("add", arn(1), "--no-wait") == 0
    assert "no answer" not in program.err
    assert jobs(program)[0].asked_at == 0


def test_a_job_that_is_over_is_not_waited_for(program: Program) -> None:
    """Nobody would look at it again."""
    with program.store() as store:
        seen(store, status="Completed", minute=90, endTime="2026-11-20T09:30:00Z")
    with daemon(program.state_dir):
        assert program("add", arn(1)) == 0
    assert program.out == "job-1: already watched; Completed after 1h30m\n"
    assert program.err.count("bedrock-watch:") == 1  # nobody will be told


def test_a_name_that_leads_to_a_job_that_is_over_is_not_waited_for(program: Program) -> None:
    """The daemon finds out whose name it is, and that there is nothing left to look at."""
    over = response(1, status="Completed", minute=90, endTime="2026-11-20T09:30:00Z")
    with program.store() as store:
        see(store, add(store), over)

    def answer(store: Store, job: Job) -> None:
        if not job.arn:
            see(store, job, over)

    with daemon(program.state_dir, answer):
        assert program("add", "job-1", "--region", "us-east-1") == 0
    assert program.out.endswith("; Completed after 1h30m\n")
    assert "no answer" not in program.err


def test_as_json_it_is_a_document(program: Program) -> None:
    with daemon(program.state_dir, answering(None)):
        assert program("add", arn(1), "-o", "json") == 0
    document = program.document()
    assert document["database"] == str(presence.database(program.state_dir))
    (job,) = document["jobs"]
    assert (job["id"], job["status"], job["last_error"]) == ("abcdefghij01", "InProgress", None)
    assert [one["name"] for one in job["steps"]] == ["validation", "training"]


def test_it_refuses_to_add_where_nobody_watches_when_somebody_does_elsewhere(program: Program, tmp_path: Path) -> None:
    """The machine's service has a live daemon, the user's own database has none: the flag is shown."""
    system = tmp_path / "etc/config.toml"
    system.parent.mkdir()
    system.write_text(f'state_dir = "{tmp_path / "var"}"\n')
    program.configure("")
    with daemon(tmp_path / "var", configuration=str(system)) as pid:
        assert program("add", arn(1)) == 3
        assert f"(pid {pid})" in program.err
        assert f"bedrock-watch --config {system} add JOB" in program.err
        assert not program.state_dir.exists()
        assert program("--config", str(system), "add", "--no-wait", arn(1)) == 0


def test_the_way_to_a_daemon_on_the_defaults_is_shown(program: Program, tmp_path: Path) -> None:
    program.configure(f'state_dir = "{tmp_path / "mine"}"\n')
    with daemon(program.state_dir):
        assert program("add", arn(1)) == 3
    assert f"STATE_DIRECTORY={program.state_dir} bedrock-watch --config /dev/null add JOB" in program.err


def test_a_daemon_here_is_enough(program: Program, tmp_path: Path) -> None:
    """However many there are elsewhere."""
    with daemon(tmp_path / "var"), daemon(program.state_dir):
        assert program("add", arn(1), "--no-wait") == 0
