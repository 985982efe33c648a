"""``bedrock-watch deliveries``: listing messages, sending them again, dropping them."""

from __future__ import annotations

import pytest
from support_cli import Program, add, daemon, program, see, seen
from support_jobs import at, response
from support_outbox import arrived, buried, claimed, failed

from watcher import clock
from watcher.model import ChannelTest, Failed, Posting, WatchLost
from watcher.store.ledger import Miss
from watcher.store.outcomes import Times

__all__ = ["program"]

CHANNELS = '[[channel]]\nname = "ops"\nurl = "json://127.0.0.1"\n[[channel]]\nname = "ml"\nurl = "json://127.0.0.1"\n'


@pytest.fixture
def messages(program: Program) -> dict[str, int]:
    """Two jobs' news to two channels: one message arrived, one is dead, one failed once, one waits; return their ids."""
    program.configure(CHANNELS)
    with program.store() as store:
        for number in (1, 2):
            job = seen(store, number)
            see(store, job, response(number, status="Completed", minute=9, endTime=at(9)), channels=("ops", "ml"))
        now = clock.now()
        sent = claimed(store, "ops")
        arrived(store, sent)
        dead = claimed(store, "ml")
        buried(store, [dead], "HTTP 404 Not Found", now)
        late = claimed(store, "ops")
        failed(store, late, Failed("could not connect"), now + 90)
        (waits,) = (one.id for one in store.history.deliveries(("pending",)) if one.id != late.id)
    return {"sent": sent.id, "dead": dead.id, "late": late.id, "waits": waits}


def states(program: Program) -> dict[int, str]:
    """Return each message's state."""
    with program.store() as store:
        return {one.id: one.state for one in store.history.deliveries()}


def test_messages_are_listed_with_what_became_of_them(program: Program, messages: dict[str, int]) -> None:
    assert program("deliveries") == 0
    rows = {int(row[0]): row for row in program.rows()}
    assert set(rows) == set(messages.values())
    assert rows[messages["dead"]][1:6] == ["ml", "job-1", "2 completed", "dead", "1"]
    assert rows[messages["dead"]][-1] == "HTTP 404 Not Found"
    assert rows[messages["late"]][-1] == "could not connect"
    assert rows[messages["late"]][-2].startswith("in 1m")
    assert rows[messages["waits"]][-2] == "now"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("shwo", "3"), 2, "bedrock-watch deliveries show"),
        (("rerty",), 4, "bedrock-watch deliveries retry"),
        (("drp", "--state", "dead"), 4, "bedrock-watch deliveries drop"),
        (("nova-legal",), 4, ""),
        (("job-1", "3"), 2, ""),
    ],
)
def test_a_misspelt_command_is_not_only_called_an_unknown_job(
    program: Program, messages: dict[str, int], words: tuple[str, ...], code: int, said: str
) -> None:
    del messages
    assert program("deliveries", *words) == code
    assert ("if a command was meant: " in program.err) == bool(said)
    assert said in program.err


def test_a_message_behind_an_older_one_says_which_it_waits_for(program: Program, messages: dict[str, int]) -> None:
    """It is due, and is not sent: a job's news never overtakes itself."""
    with program.store() as store:
        again = response(2, status="Failed", minute=10, endTime=at(10), failureMessage="why")
        see(store, store.jobs.find("job-2"), again, channels=("ops",))
    program("deliveries", "job-2")
    assert program.rows()[-1][3].endswith(" failed")
    assert program.rows()[-1][-2] == f"waits for {messages['late']}"
    program("deliveries", "job-2", "-o", "json")
    last = program.document()["deliveries"][-1]
    assert last["waits_for"] == messages["late"]
    assert {"failed", "failure_message"} <= set(last["kinds"])


def test_what_is_about_no_nameable_job_is_titled_in_short(program: Program) -> None:
    """A job without a name by its id; a scope by region, account and profile; a channel as ``events`` has it."""
    program.configure(CHANNELS)
    lost = WatchLost("denied", "allow it", clock.utc(clock.now()))
    with program.store() as store:
        job = add(store)
        store.ledger.missed(job.id, Miss(3, 1.0, 2.0, "", (lost,), (Posting("ops"),)), clock.now())
        for key in ("research@123456789012/us-east-1/k", "default@-/eu-west-1/k"):
            store.ledger.scope_missed(key, Miss(3, 1.0, 2.0, "", (lost,), (Posting("ops"),)), clock.now())
        store.outbox.put("ml", ChannelTest("ml"), clock.now())
    titles = [
        "abcdefghij01",
        "us-east-1, account 123456789012 (profile research)",
        "eu-west-1",
        "channel ml",
    ]
    program("deliveries")
    assert [row[2] for row in program.rows()] == titles
    program("events")
    assert [row[3] for row in program.rows()] == titles


@pytest.mark.parametrize(
    ("number", "said"), [(1, "only 1 test was; send a new one"), (2, "only 2 tests were; send new ones")]
)
def test_tests_that_failed_are_not_sent_again_and_that_is_said(program: Program, number: int, said: str) -> None:
    program.configure(CHANNELS)
    with program.store() as store:
        for channel in ("ops", "ml")[:number]:
            store.outbox.put(channel, ChannelTest(channel), clock.now())
            buried(store, [claimed(store, channel)], "HTTP 404")
    assert program("deliveries", "retry", "--all-dead") == 0
    assert said in program.err
    assert "with bedrock-watch channel test" in program.err


@pytest.mark.parametrize(
    ("words", "which"),
    [
        (["--state", "dead"], {"dead"}),
        (["--state", "dead", "--state", "sent"], {"dead", "sent"}),
        (["job-2"], {"late", "waits"}),
        (["list", "job-2"], {"late", "waits"}),
        (["job-1", "--state", "sent"], {"sent"}),
        (["--limit", "1"], {"waits"}),
        (["--state", "sending"], set()),
    ],
)
def test_messages_are_chosen_by_state_and_job(
    program: Program, messages: dict[str, int], words: list[str], which: set[str]
) -> None:
    assert program("deliveries", *words, "-o", "json") == 0
    assert {one["id"] for one in program.document()["deliveries"]} == {messages[name] for name in which}


def test_as_json_a_message_is_told_in_full(program: Program, messages: dict[str, int]) -> None:
    program("deliveries", "--state", "dead", "-o", "jsonl")
    told = program.document()
    assert told["title"] == "job-1"
    assert (told["subject"], told["attempts"], told["last_error"]) == ("job/1", 1, "HTTP 404 Not Found")
    assert told["next_attempt_at"] is None
    assert told["finished_at"] >= told["created_at"]


def test_each_try_of_a_message_is_shown_with_its_reason(program: Program, messages: dict[str, int]) -> None:
    """When it was, how long it took, what came of it, and why."""
    program.configure('timezone = "UTC"\n' + CHANNELS)
    with program.store() as store:
        now = clock.now()
        late = claimed(store, "ops", now + 100)
        store.outbox.failed([late], Failed("no answer", uncertain=True), Times(now, now + 30, now + 200))
        late = claimed(store, "ops", now + 300)
        buried(store, [late], "HTTP 404", now)
    assert program("deliveries", "show", str(messages["late"])) == 0
    summary, tries = program.out.split("\n\n")
    assert summary.splitlines()[1].split()[:5] == [str(late.id), "ops", "job-2", str(late.event.id), "completed"]
    rows = [line.split("  ") for line in tries.splitlines()[1:]]
    cells = [[cell.strip() for cell in row if cell] for row in rows]
    assert [(row[0], row[3], row[4]) for row in cells] == [
        ("1", "failed, to be tried again", "could not connect"),
        ("2", "may have arrived", "no answer"),
        ("3", "refused for good", "HTTP 404"),
    ]
    assert cells[1][2] == "30s"
    assert all(row[1].endswith(" UTC") for row in cells)
    assert program("deliveries", "show", str(late.id), "-o", "json") == 0
    told = program.document()
    assert (told["id"], told["attempts"], told["state"]) == (late.id, 3, "dead")
    assert [(one["result"], one["reason"]) for one in told["tries"]] == [
        ("failed", "could not connect"),
        ("uncertain", "no answer"),
        ("refused", "HTTP 404"),
    ]
    assert told["tries"][1]["ended_at"] > told["tries"][1]["began_at"]


def test_a_message_that_was_not_tried_has_no_tries(program: Program, messages: dict[str, int]) -> None:
    program("deliveries", "show", str(messages["waits"]))
    assert len(program.rows()) == 1
    program("deliveries", "show", str(messages["waits"]), "-o", "json")
    assert program.document()["tries"] == []


def test_a_dead_message_is_sent_again_when_a_person_says_so(program: Program, messages: dict[str, int]) -> None:
    assert program("deliveries", "retry", str(messages["dead"])) == 0
    assert states(program)[messages["dead"]] == "pending"
    assert "they are sent when the daemon runs" in program.err
    with daemon(program.state_dir):
        assert program("deliveries", "retry", str(messages["dead"])) == 0
    assert program.err == ""


def test_all_that_are_dead_are_sent_again(program: Program, messages: dict[str, int]) -> None:
    """And of a channel that is no longer there it is said that they cannot be."""
    program.configure(CHANNELS.replace('"ml"', '"other"'))
    assert program("deliveries", "retry", "--all-dead", "-o", "json") == 0
    assert [one["id"] for one in program.document()["deliveries"]] == [messages["dead"]]
    assert "channel ml is not in the configuration" in program.err
    assert "dead" not in states(program).values()
    assert program("deliveries", "retry", "--all-dead") == 0
    assert "no message was given up" in program.err


def test_a_waiting_message_is_dropped_when_a_person_says_so(program: Program, messages: dict[str, int]) -> None:
    assert program("deliveries", "drop", str(messages["late"]), str(messages["waits"])) == 0
    after = states(program)
    assert after[messages["late"]] == after[messages["waits"]] == "dead"
    assert "dropped by a person" in program.out


def test_nothing_is_dropped_when_one_of_several_does_not_wait(program: Program, messages: dict[str, int]) -> None:
    before = states(program)
    assert program("deliveries", "drop", str(messages["late"]), str(messages["sent"])) == 4
    assert f"no waiting message {messages['sent']}\n" in program.err
    assert states(program) == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show"], 2),
        (["show", "999"], 4),
        (["retry"], 2),
        (["retry", "1", "--all-dead"], 2),
        (["retry", "x"], 2),
        (["retry", "999"], 4),
        (["drop"], 2),
        (["drop", "999"], 4),
        (["--state", "lost"], 2),
        (["list", "nobody"], 4),
        (["--help"], 0),
    ],
)
def test_words_that_make_no_sense_have_their_exit_code(program: Program, words: list[str], code: int) -> None:
    assert program("deliveries", *words) == code


def test_no_message_is_said(program: Program) -> None:
    assert program("deliveries") == 0
    assert (program.out, program.err.count("no message yet")) == ("", 1)
