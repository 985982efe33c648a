"""Who is told of a job and why: ``channel explain``, and the warnings of ``add`` and ``status`` that nobody is."""

from __future__ import annotations

import pytest
from support_cli import Program, add, program, seen
from support_jobs import arn, at

from watcher import clock
from watcher.store.jobs import Wanted

__all__ = ["program"]

CHANNELS = """
timezone = "Europe/Berlin"

[[channel]]
name = "everybody"
url = "json://127.0.0.1"
digest = "09:00"

[[channel]]
name = "team"
url = "json://127.0.0.1"
tags = ["team-a"]
on = ["failed", "step"]
burst = 0

[[channel]]
name = "elsewhere"
url = "json://127.0.0.1"
accounts = ["999999999999"]

[[channel]]
name = "keeper"
url = "json://127.0.0.1"
on = ["delivery_dead"]
"""
ONLY_TEAM = '[[channel]]\nname = "team"\nurl = "json://127.0.0.1"\ntags = ["team-a"]\n'
UNTOLD = "no channel would tell of it: team (tags = team-a; the job has none)"


def test_each_channel_is_explained(program: Program) -> None:
    """Whether it is told, why, of what, and when."""
    program.configure(CHANNELS)
    with program.store() as store:
        add(store, tags=("team-a",))
    assert program("channel", "explain", "abcdefghij01") == 0
    everybody, team, elsewhere, keeper = program.rows()
    assert everybody == [
        "everybody",
        "yes",
        "it is told of every job",
        "the default events",
        "at once what is urgent, the rest at 09:00 (Europe/Berlin); above 20 a minute in one",
    ]
    assert team == ["team", "yes", "the job fits its tags", "step, failed", "at once"]
    assert elsewhere[:3] == ["elsewhere", "no", "accounts = 999999999999; the job has 123456789012"]
    assert keeper[:3] == ["keeper", "no", "its on names no event of a job"]
    assert program.err == ""


def test_an_explanation_as_json_has_the_events_by_name(program: Program) -> None:
    program.configure(CHANNELS)
    with program.store() as store:
        seen(store, tags=["x"])
    program("mute", "job-1", "--for", "1h")
    assert program("channel", "explain", "job-1", "-o", "json") == 0
    document = program.document()
    assert document["job"]["arn"] == arn(1)
    assert document["muted_until"] is not None
    assert [(one["name"], one["told"]) for one in document["channels"]] == [
        ("everybody", True),
        ("team", False),
        ("elsewhere", False),
        ("keeper", False),
    ]
    assert document["channels"][1] == {
        "name": "team",
        "told": False,
        "reason": "tags = team-a; the job has none",
        "on": ["failed", "step"],
        "digest": None,
        "burst": 0,
    }
    assert document["channels"][0]["digest"] == "09:00"


def test_that_a_job_is_muted_or_not_watched_is_said(program: Program) -> None:
    """Each is a reason why nothing comes, whatever the channels want."""
    program.configure(CHANNELS)
    with program.store() as store:
        seen(store)
    program("mute", "--all", "--for", "1h")
    program("channel", "explain", "job-1")
    assert "job-1 is muted until 20" in program.err
    assert "not watched" not in program.err
    program("remove", "job-1")
    program("channel", "explain", "job-1")
    assert f"job-1 is not watched: bedrock-watch add {arn(1)}" in program.err


def test_that_nobody_is_told_is_said(program: Program) -> None:
    with program.store() as store:
        seen(store)
    assert program("channel", "explain", "job-1") == 0
    assert "nobody will be told: no channel is configured" in program.err
    program.configure(ONLY_TEAM)
    assert program("channel", "explain", "job-1") == 0
    assert "no channel would tell of job-1" in program.err
    assert program("channel", "explain", "nobody") == 4


# the warnings of add and status


def test_a_job_that_no_channel_would_tell_of_is_warned_about_when_it_is_added(program: Program) -> None:
    """With each channel's reason; it is watched all the same."""
    program.configure(ONLY_TEAM)
    assert program("add", arn(1)) == 0
    assert f"warning: abcdefghij01: {UNTOLD}\n" in program.err
    assert program("add", arn(1), "--tag", "team-a") == 0
    assert "warning" not in program.err


@pytest.mark.parametrize(
    ("choice", "job", "warned"),
    [
        ('names = ["prod-*"]', arn(1), False),
        ('names = ["prod-*"]', "test-1", True),
        ('accounts = ["999999999999"]', "test-1", False),
        ('accounts = ["999999999999"]', arn(1), True),
        ('on = ["delivery_dead"]', arn(1), True),
    ],
)
def test_what_only_aws_knows_yet_is_no_reason_to_warn(program: Program, choice: str, job: str, *, warned: bool) -> None:
    """The name of a job that is given by its ARN, the account of one that is given by name."""
    program.configure(f'[[channel]]\nname = "ops"\nurl = "json://127.0.0.1"\n{choice}\n')
    program("add", job, *(["--region", "us-east-1"] if job == "test-1" else []))
    assert ("no channel would tell of it" in program.err) == warned


def test_status_counts_and_names_the_jobs_that_no_channel_would_tell_of(program: Program) -> None:
    """Five of them at most, and none that is over."""
    program.configure(ONLY_TEAM)
    with program.store() as store:
        for number in range(1, 8):
            seen(store, number)
        seen(store, 8, status="Completed", minute=9, endTime=at(9))
        add(store, 9, tags=("team-a",))
    program("status")
    assert "no channel would tell of 7 jobs: job-7, job-6, job-5, job-4, job-3 and 2 more\n" in program.err
    assert "channel explain JOB" in program.err
    program("status", "-o", "json")
    document = program.document()
    assert document["untold"] == [f"job-{number}" for number in range(7, 0, -1)]
    assert any("no channel would tell of 7 jobs" in warning for warning in document["warnings"])


def test_a_channel_for_every_job_leaves_nothing_to_warn_of(program: Program) -> None:
    program.configure(ONLY_TEAM + '[[channel]]\nname = "all"\nurl = "json://127.0.0.1"\n')
    with program.store() as store:
        store.jobs.add(Wanted("by-name", "us-east-1"), clock.now(), ask=False)
    program("status", "-o", "json")
    assert program.document()["untold"] == []
