"""``bedrock-watch channel preview``: what a channel would be sent, of made-up and of real events."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from support_cli import Program, deliver, program, see, seen
from support_config import as_nobody, open_dir
from support_jobs import at, response, step
from support_receivers import WebReceiver, web_receiver

from watcher.model import EVENTS, QUIET_EVENTS, Family

__all__ = ["program"]

# Apprise tries it for PGPy's sake, and does without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "TIiajkdnlazkcOXrIdevi7FQ"
WHY = "Maximum input token count 4097 exceeds limit of 4096"
STEPS = {"validationDetails": step("Completed", 1, 9), "trainingDetails": step("InProgress", 9)}
SLACK = f'[[channel]]\nname = "ml"\nurl = "slack://T1JJ3T3L2/A1BRTD4JD/{SECRET}"\n'
MAIL = f'[[channel]]\nname = "mail"\nurl = "mailto://user:{SECRET}@127.0.0.1:9/?from=a@example.com&to=b@example.com"\n'


@pytest.fixture
def hook(program: Program) -> Iterator[WebReceiver]:
    """Return a web hook on loopback, which is the channel ``ops``."""
    with web_receiver() as receiver:
        program.configure(f'[[channel]]\nname = "ops"\nurl = "json://{receiver.address}"\n')
        yield receiver


def life(program: Program, *channels: str) -> None:
    """Let job-1 run, train, and fail; the failure is for these channels."""
    over = response(1, status="Failed", minute=90, endTime=at(90), failureMessage=WHY, statusDetails=STEPS)
    with program.store() as store:
        job = seen(store)
        see(store, job, response(1, minute=9, statusDetails=STEPS))
        see(store, job, over, channels=channels)


def test_a_preview_is_what_a_web_hook_is_then_sent(program: Program, hook: WebReceiver) -> None:
    """Member for member; and a preview sends nothing."""
    life(program, "ops")
    assert program("channel", "preview", "ops", "--job", "job-1") == 0
    assert hook.requests == []
    shown = json.loads(program.out)
    deliver(program)
    (request,) = hook.requests
    assert request.json == shown
    assert shown["failure_message"] == WHY
    assert "event 3 of job-1 (failed, failure_message, field), seen 20" in program.err


def test_the_last_event_of_a_kind_is_found(program: Program, hook: WebReceiver) -> None:
    """Else it is the latest of any kind, and that is said."""
    life(program)
    program("channel", "preview", "ops", "--job", "job-1", "--event", "step", "-o", "json")
    assert (program.document()["event"], program.document()["severity"]) == (2, "info")
    assert program.err.startswith("bedrock-watch: event 2 of job-1 (step), seen ")
    program("channel", "preview", "ops", "--job", "job-1", "--event", "completed", "-o", "json")
    assert program.document()["event"] == 3
    assert "it had no event of the kind completed; this is event 3 of job-1" in program.err


def test_of_a_job_that_has_no_event_a_made_up_one_is_shown(program: Program, hook: WebReceiver) -> None:
    program("add", "test-1", "--region", "us-east-1")
    assert program("channel", "preview", "ops", "--job", "test-1", "--event", "completed", "-o", "json") == 0
    assert program.document()["event"] is None
    assert "COMPLETED" in program.document()["title"]
    assert "nothing has happened to test-1 yet; made up" in program.err


@pytest.mark.parametrize("event", EVENTS)
def test_every_kind_of_event_has_a_made_up_one(program: Program, hook: WebReceiver, event: str) -> None:
    """It is said that it is made up, and when the channel would not be sent it."""
    assert program("channel", "preview", "ops", "--event", event, "-o", "jsonl") == 0
    assert event in program.document()["payload"]["event"]["kinds"]
    assert f"made up: an event of the kind {event}\n" in program.err
    assert ("channel ops would not be sent this" in program.err) == (event in QUIET_EVENTS)


def test_a_failure_is_shown_when_nothing_else_is_asked_for(program: Program) -> None:
    """On Slack the words are in its markup; as JSON there are the blocks."""
    program.configure(SLACK)
    assert program("channel", "preview", "ml") == 0
    title, empty, *body = program.out.splitlines()
    assert title.startswith("[bedrock] FAILED ")
    assert empty == ""
    assert "```" in body
    program("channel", "preview", "ml", "-o", "json")
    document = program.document()
    assert (document["channel"], document["family"]) == ("ml", "slack")
    assert document["payload"]["blocks"][0]["type"] == "header"
    assert SECRET not in program.out + program.err


def test_of_a_mail_either_part_is_shown(program: Program) -> None:
    program.configure(MAIL)
    assert program("channel", "preview", "mail") == 0
    assert "\nfailureMessage:\n" in program.out
    assert program("channel", "preview", "mail", "--html") == 0
    assert program.out.startswith("<!DOCTYPE html>")
    program("channel", "preview", "mail", "-o", "json")
    document = program.document()
    assert document["html"].startswith("<!DOCTYPE html>")
    assert document["body"]
    program.configure(SLACK)
    assert program("channel", "preview", "ml", "--html") == 2
    assert "--html is for mail" in program.err


def test_the_words_are_those_of_the_channels_templates(program: Program) -> None:
    """Where one fails, the built-in words are shown, as they would be sent, and why."""
    template = 'title = "{{ outcome }}!"\nbody = "{{ %s }}"\n'
    program.configure(SLACK + template % "failure_message")
    assert program("channel", "preview", "ml") == 0
    assert program.out.startswith("FAILED!\n\nCould not validate GetObject")
    program.configure(SLACK + template % "1 / 0")
    assert program("channel", "preview", "ml") == 0
    assert program.out.startswith("[bedrock] FAILED ")
    assert "a template of channel ml fails, so the built-in words are sent: template, line 1" in program.err


def test_times_are_those_of_the_people(program: Program) -> None:
    program.configure('timezone = "Asia/Kolkata"\n' + SLACK)
    program("channel", "preview", "ml")
    assert "times are +05:30" in program.out


@pytest.mark.parametrize("family", list(Family))
def test_a_family_needs_no_secret_and_no_channel(program: Program, family: Family) -> None:
    """A channel's templates apply all the same; only the length that its service allows is not known."""
    assert program("channel", "preview", "--family", family.value, "-o", "json") == 0
    document = program.document()
    assert (document["channel"], document["family"], document["limit"]) == (None, family.value, None)
    program.configure('[[channel]]\nname = "ops"\nurl_credential = "ops"\ntitle = "mine"\n')
    assert program("channel", "preview", "ops", "--family", family.value, "-o", "json") == 0
    assert (program.document()["channel"], program.document()["title"]) == ("ops", "mine")


def test_a_secret_that_is_not_for_this_user_is_done_without(program: Program) -> None:
    """Be it a credential of the service, or a file that is closed; how to see more than plain text is said."""
    program.configure('[[channel]]\nname = "ops"\nurl_credential = "ops"\n')
    assert program("channel", "preview", "ops") == 0
    assert "systemd credential ops" in program.err
    assert "--family slack|email|chat|json|text" in program.err
    words = program.out
    assert program("channel", "preview", "ops", "--family", "text") == 0
    assert program.out == words
    assert program("channel", "preview", "ops", "--html") == 2
    with open_dir() as directory:
        secret, config = directory / "secret", directory / "config.toml"
        secret.touch(0o600)
        config.write_text(f'[[channel]]\nname = "ops"\nurl_file = "{secret}"\n')
        program("--config", str(config), "channel", "preview", "--family", "text")  # what it imports late
        with as_nobody():
            code = program("--config", str(config), "channel", "preview", "ops")
    assert code == 0
    assert "is not for this user to read" in program.err


def test_a_secret_that_nobody_can_read_is_a_mistake(program: Program) -> None:
    program.configure('[[channel]]\nname = "ops"\nurl_file = "nowhere"\n')
    assert program("channel", "preview", "ops") == 2
    assert "cannot be read" in program.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "name a channel, or say --family"),
        (["opps"], 2, "no channel 'opps'"),
        (["ops", "--event", "lost"], 2, "lost"),
        (["ops", "--job", "nobody"], 4, "no job 'nobody'"),
    ],
)
def test_words_that_make_no_sense_have_their_exit_code(
    program: Program, hook: WebReceiver, words: list[str], code: int, said: str
) -> None:
    assert program("channel", "preview", *words) == code
    assert said in program.err


def test_without_any_channel_the_way_to_see_a_message_is_shown(program: Program) -> None:
    assert program("channel", "preview", "ops") == 2
    assert "bedrock-watch channel preview --family text" in program.err
