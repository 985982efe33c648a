"""``bedrock-watch mute`` and ``unmute``: what is held back, until when, and how it is told afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support_cli import Program, daemon, deliver, program, see, seen
from support_jobs import at, response
from support_receivers import WebReceiver, web_receiver

from watcher import clock
from watcher.store import Store

__all__ = ["program"]

# Apprise tries it for PGPy's sake, and does without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def hook(program: Program) -> Iterator[WebReceiver]:
    """Return a web hook on loopback, which is the channel ``ops``."""
    with web_receiver() as receiver:
        program.configure(f'timezone = "UTC"\n[[channel]]\nname = "ops"\nurl = "json://{receiver.address}"\n')
        yield receiver


def ends(store: Store, number: int) -> None:
    """Record that a job, which was seen to run, completed."""
    job = store.jobs.find(f"job-{number}")
    see(store, job, response(number, status="Completed", minute=9, endTime=at(9)), channels=("ops",))


def two_jobs(program: Program) -> None:
    """Watch two jobs that run."""
    with program.store() as store:
        for number in (1, 2):
            seen(store, number)


def test_what_was_muted_is_told_in_one_message_when_it_is_unmuted(program: Program, hook: WebReceiver) -> None:
    """And nothing of it before."""
    two_jobs(program)
    assert program("mute", "job-1", "job-2", "--for", "2h") == 0
    assert "job-1: muted until " in program.err
    assert "(in 2h00m)" in program.err
    assert "told in one message afterwards" in program.err
    with program.store() as store:
        ends(store, 1)
        ends(store, 2)
    deliver(program)
    assert hook.requests == []
    assert program("unmute", "job-1", "job-2") == 0
    assert program.err.count("no longer muted; 1 message held back is told now") == 2
    assert "it is told when the daemon runs; start it: bedrock-watch run" in program.err
    deliver(program)
    (request,) = hook.requests
    assert request.json["summary"] == {"reason": "mute", "messages": 2}
    assert [event["job"]["name"] for event in request.json["events"]] == ["job-1", "job-2"]


def test_only_the_named_job_is_muted(program: Program, hook: WebReceiver) -> None:
    two_jobs(program)
    program("mute", "job-1", "--for", "2h")
    with program.store() as store:
        ends(store, 1)
        ends(store, 2)
    deliver(program)
    assert [request.json["job"]["name"] for request in hook.requests] == ["job-2"]


def test_a_mute_of_all_news_is_ended_by_nothing_but_unmute_all(program: Program) -> None:
    """Which ends those of single jobs, too; a job's own unmute says what still holds."""
    two_jobs(program)
    program("mute", "job-1", "--for", "1d")
    program("mute", "--all", "--for", "1h")
    assert "all news: muted until " in program.err
    assert program("unmute", "job-2") == 0
    assert "job-2: was not muted; nothing was held back" in program.err
    assert "all news is muted until " in program.err
    with program.store() as store:
        ends(store, 1)
        ends(store, 2)
    assert program("unmute", "--all", "-o", "json") == 0
    assert program.document()["mutes"] == [{"job": None, "held": 2}]
    with program.store() as store:
        assert store.mutes.active(clock.now()) == {}
        claim = store.outbox.claim("ops", clock.now())
        assert (len(claim.deliveries), claim.fold) == (2, "mute")


def test_muting_again_sets_another_time(program: Program) -> None:
    """Of what is held back already, too."""
    two_jobs(program)
    program("mute", "job-1", "--for", "1d")
    with program.store() as store:
        ends(store, 1)
    program("mute", "job-1", "--for", "1h", "-o", "json")
    (muted,) = program.document()["mutes"]
    assert muted["job"]["name"] == "job-1"
    program("deliveries", "-o", "json")
    (delivery,) = program.document()["deliveries"]
    assert (delivery["next_attempt_at"], delivery["held_back_for"]) == (muted["until"], "mute")


def test_a_mute_can_be_set_before_there_is_any_job(program: Program) -> None:
    """For the maintenance that is about to begin; there is no database yet."""
    assert program("mute", "--all", "--for", "30m") == 0
    with program.store() as store:
        assert list(store.mutes.active(clock.now())) == [None]


def test_where_a_mute_holds_is_shown(program: Program) -> None:
    """By ``list``, ``show`` and ``status``, in the table and as JSON; and no longer when it is over."""
    two_jobs(program)
    program("mute", "job-1", "--for", "2h")
    with program.store() as store:
        see(store, store.jobs.find("job-1"), response(1, status="Stopping", minute=9), channels=("ops",))
    program("list")
    assert {row[0]: row[1] for row in program.rows()} == {"job-1": "Stopping (muted)", "job-2": "InProgress"}
    program("show", "job-1")
    assert "\n  muted until   20" in program.out
    program("show", "job-1", "-o", "json")
    until = program.document()["muted_until"]
    assert until is not None
    program("deliveries")
    assert program.rows()[0][4] == "pending (muted)"
    program("status")
    assert "\nmuted          job-1 until 20" in program.out
    assert "queue          1 waiting (1 muted), the oldest" in program.out
    program("status", "-o", "json")
    document = program.document()
    assert [(one["job"]["name"], one["until"]) for one in document["muted"]] == [("job-1", until)]
    assert (document["held"], document["waiting"]) == ({"mute": 1}, 1)
    program("unmute", "--all")
    for words in (["list"], ["show", "job-1"], ["status"]):
        program(*words)
        assert "(muted)" not in program.out
        assert "muted until" not in program.out


def test_a_mute_of_all_news_marks_every_job(program: Program) -> None:
    two_jobs(program)
    program("mute", "--all", "--for", "2h")
    program("list")
    assert [row[1] for row in program.rows()] == ["InProgress (muted)"] * 2
    program("list", "-o", "json")
    assert all(job["muted_until"] for job in program.document()["jobs"])
    program("status")
    assert "\nmuted          all news until 20" in program.out


def test_with_a_daemon_nothing_is_said_of_starting_one(program: Program) -> None:
    two_jobs(program)
    program("mute", "job-1", "--for", "2h")
    with program.store() as store:
        ends(store, 1)
    with daemon(program.state_dir):
        program("unmute", "job-1")
    assert program.err == "bedrock-watch: job-1: no longer muted; 1 message held back is told now\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["mute", "job-1"], 2, "--for"),
        (["mute", "--for", "2h"], 2, "name the jobs, or say --all"),
        (["mute", "job-1", "--all", "--for", "2h"], 2, "name the jobs, or say --all"),
        (["mute", "job-1", "--for", "0s"], 2, "bedrock-watch unmute"),
        (["mute", "job-1", "--for", "31d"], 2, "it is 30d at most"),
        (["mute", "job-1", "--for", "tomorrow"], 2, "a length of time is written like"),
        (["mute", "job-1", "nobody", "--for", "2h"], 4, "no job 'nobody'"),
        (["unmute"], 2, "name the jobs, or say --all"),
        (["unmute", "nobody"], 4, "no job 'nobody'"),
    ],
)
def test_words_that_make_no_sense_mute_nothing(program: Program, words: list[str], code: int, said: str) -> None:
    two_jobs(program)
    assert program(*words) == code
    assert said in program.err
    with program.store() as store:
        assert store.mutes.active(clock.now()) == {}
