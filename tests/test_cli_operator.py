"""What people do to the watch is an event with their name; a channel whose ``on`` has ``operator`` is sent it."""

from __future__ import annotations

from typing import Any

import pytest
from support_cli import Program, deliver, program, see, seen
from support_jobs import at, response
from support_outbox import buried, claimed
from support_receivers import web_receiver

from watcher import files

__all__ = ["program"]

# Apprise tries it for PGPy's sake, and does without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

CHANNEL = '[[channel]]\nname = "ops"\nurl = "json://127.0.0.1"\n'


@pytest.fixture(autouse=True)
def _nobody_behind_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)


def operated(program: Program) -> list[dict[str, Any]]:
    """Return what ``events`` shows of what people did, each with the job that it was about."""
    assert program("events", "-o", "json") == 0
    events = program.document()["events"]
    return [
        {**change, "job": event["job"] and event["job"]["name"]}
        for event in events
        for change in event["transitions"]
        if change["type"] == "Operator"
    ]


def test_each_command_that_changes_what_people_are_told_of_leaves_the_name_of_who_ran_it(program: Program) -> None:
    program.configure(CHANNEL)
    with program.store() as store:
        job = seen(store, 1)
        see(store, job, response(1, status="Completed", minute=9, endTime=at(9)), channels=("ops",))
        dead = claimed(store, "ops")
        buried(store, [dead], "HTTP 404")
    for words in (
        ("mute", "job-1", "--for", "2h"),
        ("unmute", "job-1"),
        ("mute", "--all", "--for", "1h"),
        ("unmute", "--all"),
        ("deliveries", "retry", str(dead.id)),
        ("deliveries", "drop", str(dead.id)),
        ("remove", "job-1"),
    ):
        assert program(*words) == 0, program.err
    message = f"message {dead.id}"
    assert [(one["action"], one["target"], one["job"], one["note"]) for one in operated(program)] == [
        ("mute", "job-1", "job-1", "for 2h"),
        ("unmute", "job-1", "job-1", ""),
        ("mute", "all news", None, "for 1h"),
        ("unmute", "all news", None, ""),
        ("retry", message, None, ""),
        ("drop", message, None, ""),
        ("remove", "job-1", "job-1", ""),
    ]
    assert {one["user"] for one in operated(program)} == {files.me()}
    assert program("events", "job-1") == 0
    assert f"{files.me()} ran: mute job-1" in program.out


def test_the_name_is_that_behind_sudo_and_by_overrides_it(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    with program.store() as store:
        seen(store, 1)
    monkeypatch.setenv("SUDO_USER", "alice")
    assert program("mute", "job-1", "--for", "2h") == 0
    assert program("mute", "job-1", "--for", "2h", "--by", "deploy-bot") == 0
    assert [one["user"] for one in operated(program)] == ["alice", "deploy-bot"]


def test_a_name_that_moves_the_cursor_does_not_reach_a_terminal(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with program.store() as store:
        seen(store, 1)
    monkeypatch.setenv("SUDO_USER", "al\x1b[31mice\u202e\u009b\n" + "x" * 5000)
    assert program("mute", "job-1", "--for", "2h") == 0
    assert program("events") == 0
    assert not {"\x1b", "\u202e", "\u009b"} & set(program.out)
    assert len(operated(program)[0]["user"]) <= 100


def test_what_fails_leaves_no_event(program: Program) -> None:
    with program.store() as store:
        seen(store, 1)
    assert program("mute", "job-9", "--for", "2h") == 4
    assert program("deliveries", "drop", "7") == 4
    for name in ("", " ", "evil\x1b[31m"):
        assert program("mute", "job-1", "--for", "2h", "--by", name) == 2
    assert operated(program) == []


def test_what_changes_nothing_leaves_no_event(program: Program) -> None:
    """A job of the configuration stays watched; what was not muted stays unmuted."""
    program.configure(
        '[[job]]\nid = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/a.b/abcdefghij12"\n'
    )
    with program.store() as store:
        job = seen(store, 1)
        with store.database.transaction() as sql:
            sql.execute("UPDATE jobs SET from_cli = 0, from_config = 1 WHERE id = ?", (job.id,))
    assert program("remove", "job-1") == 1
    assert program("unmute", "job-1") == 0
    assert program("unmute", "--all") == 0
    assert operated(program) == []


@pytest.mark.parametrize(
    ("on", "names", "sent"),
    [
        ("", "", 0),
        ('on = ["operator"]', "", 1),
        ('on = ["operator"]', 'names = ["job-*"]', 1),
        ('on = ["operator"]', 'names = ["prod-*"]', 0),
    ],
)
def test_a_channel_is_sent_it_only_when_its_on_names_it_and_the_job_is_its_business(
    program: Program, on: str, names: str, sent: int
) -> None:
    """At once, though the job is muted."""
    with web_receiver() as hook:
        program.configure(f'[[channel]]\nname = "ops"\nurl = "json://{hook.address}"\n{on}\n{names}\n')
        with program.store() as store:
            seen(store, 1)
        assert program("mute", "job-1", "--for", "2h", "--by", "alice") == 0
        deliver(program)
        assert [request.json["title"] for request in hook.requests] == ["[bedrock] MUTED job-1 by alice"] * sent
