"""``bedrock-watch channel``: how the channels stand, and the test message, sent for real."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support_cli import Program, daemon, program, see, seen
from support_jobs import at, response
from support_outbox import arrived, claimed, failed
from support_receivers import Reply, Request, WebReceiver, web_receiver

from watcher import clock
from watcher.model import ChannelTest, Failed, Sent
from watcher.presence import AlreadyRunning, only_one
from watcher.store import Store

__all__ = ["program"]

# Apprise tries it for PGPy's sake, and does without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "T0K3N-of-the-channel"


@pytest.fixture
def hook() -> Iterator[WebReceiver]:
    """Return a web hook on loopback."""
    with web_receiver() as receiver:
        yield receiver


def channels(program: Program, **urls: str) -> None:
    """Configure channels of these names and URLs."""
    program.configure("".join(f'[[channel]]\nname = "{name}"\nurl = "{url}"\n' for name, url in urls.items()))


def at_hook(hook: WebReceiver, path: str = "") -> str:
    """Return the Apprise URL of a web hook."""
    return f"json://{hook.address}/{path}"


# list


def test_the_channels_are_listed_without_their_secrets(program: Program) -> None:
    """Only where each URL is."""
    program.configure(
        f'[[channel]]\nname = "a"\nurl = "slack://{SECRET}/b/c"\n'
        '[[channel]]\nname = "b"\nurl_file = "hook"\non = ["failed", "stopped"]\ntags = ["team"]\n'
        '[[channel]]\nname = "c"\nurl_credential = "hook"\n'
    )
    assert program("channel", "list") == 0
    rows = program.rows()
    assert rows[0] == ["a", "in the configuration", "the default events", "every job", "0", "0", "0", "-", "-"]
    assert rows[1][:4] == ["b", f"file {program.home}/.config/bedrock-watch/hook", "failed, stopped", "tags: team"]
    assert rows[2][1] == "credential hook"
    program("channel", "list", "-o", "json")
    assert [one["name"] for one in program.document()["channels"]] == ["a", "b", "c"]
    assert SECRET not in program.out


def test_how_the_last_message_went_is_listed(program: Program) -> None:
    """A channel that left the configuration is listed while something waits for it."""
    channels(program, good="json://127.0.0.1", bad="json://127.0.0.1")
    with program.store() as store:
        over = response(1, status="Completed", minute=9, endTime=at(9))
        see(store, seen(store), over, channels=("good", "bad", "old"))
        for name in ("good", "bad"):
            failed(store, claimed(store, name), Failed("HTTP 503"))
        arrived(store, claimed(store, "good"))
    assert program("channel", "list", "-o", "json") == 0
    good, bad, old = program.document()["channels"]
    assert (good["deliveries"], good["last_error"], good["last_sent_at"] is None) == ({"sent": 1}, None, False)
    assert (bad["deliveries"], bad["last_error"], bad["last_sent_at"]) == ({"pending": 1}, "HTTP 503", None)
    assert (old["name"], old["configured"]) == ("old", False)
    program("channel", "list")
    assert "not in the configuration" in program.out


def test_no_channel_is_warned_of(program: Program) -> None:
    assert program("channel", "list") == 0
    assert "nobody will be told: no channel is configured" in program.err
    assert program("channel", "test") == 1
    assert "add a [[channel]] to a configuration: bedrock-watch config init" in program.err


# test, by the command itself


def test_a_test_message_arrives_when_no_daemon_runs(program: Program, hook: WebReceiver) -> None:
    """Through the queue, the lane and the renderer."""
    channels(program, ops=at_hook(hook, "a"), ml=at_hook(hook, "b"))
    assert program("channel", "test") == 0
    assert program.rows() == [["ops", "ok", "-"], ["ml", "ok", "-"]]
    titles = {request.json["title"] for request in hook.requests}
    assert titles == {"[bedrock] TEST of channel ops", "[bedrock] TEST of channel ml"}
    program("deliveries", "-o", "json")
    assert [one["state"] for one in program.document()["deliveries"]] == ["sent", "sent"]


def test_only_the_named_channels_are_tried(program: Program, hook: WebReceiver) -> None:
    """And nothing else is sent: what waits for them is the daemon's."""
    channels(program, ops=at_hook(hook), ml=at_hook(hook))
    with program.store() as store:
        see(store, seen(store), response(1, status="Completed", minute=9, endTime=at(9)), channels=("ops",))
    assert program("channel", "test", "ops", "ops") == 0
    assert [request.json["title"] for request in hook.requests] == ["[bedrock] TEST of channel ops"]


@pytest.mark.parametrize("status", [503, 404])
def test_a_test_that_fails_says_why_and_is_not_sent_later(program: Program, hook: WebReceiver, status: int) -> None:
    """Whether trying again could help or not: nobody wants a test hours later."""
    hook.reply = Reply(status, "go away")
    channels(program, good="json://127.0.0.1:9", bad=at_hook(hook, SECRET))
    assert program("channel", "test", "bad", "-o", "json") == 6
    (result,) = program.document()["channels"]
    assert (result["name"], result["ok"]) == ("bad", False)
    assert f"HTTP {status}" in result["error"]
    assert SECRET not in program.out + program.err
    with program.store() as store:
        assert [one.state for one in store.history.deliveries() if one.channel == "bad"] == ["dead"]
    program("channel", "list", "-o", "json")
    bad = next(one for one in program.document()["channels"] if one["name"] == "bad")
    assert (bad["deliveries"], bad["last_error"]) == ({"dead": 0}, result["error"])


def test_a_test_that_failed_is_not_among_what_was_given_up(program: Program) -> None:
    """Whoever made it was told: no warning follows, and no later retry sends it."""
    channels(program, ops="json://127.0.0.1:9")
    assert program("channel", "test") == 6
    program("status", "-o", "json")
    assert program.document()["deliveries"] == {}
    program("deliveries", "retry", "--all-dead")
    assert "no message was given up" in program.err


def test_one_that_fails_does_not_spoil_the_others(program: Program, hook: WebReceiver) -> None:
    channels(program, bad="json://127.0.0.1:9", good=at_hook(hook))
    assert program("channel", "test") == 6
    assert [row[1] for row in program.rows()] == ["failed", "ok"]
    assert len(hook.requests) == 1


def test_an_unknown_channel_is_refused_with_the_names_of_those_there_are(program: Program, hook: WebReceiver) -> None:
    channels(program, ops=at_hook(hook))
    assert program("channel", "test", "opps") == 2
    assert "no channel 'opps'" in program.err
    assert "the channels are ops" in program.err
    assert hook.requests == []


def test_a_test_that_was_interrupted_is_not_sent_before_the_next(program: Program, hook: WebReceiver) -> None:
    """Nor does it hold it up."""
    channels(program, ops=at_hook(hook))
    with program.store() as store:
        store.outbox.put("ops", ChannelTest("ops"), clock.now())
        claimed(store, "ops")
    assert program("channel", "test") == 0
    assert len(hook.requests) == 1
    with program.store() as store:
        assert [one.state for one in store.history.deliveries()] == ["dead", "sent"]


# test, by the daemon


class Lanes:
    """The lanes of a stand-in for the daemon: each test is answered with a verdict."""

    def __init__(self, verdict: Sent | Failed | None) -> None:
        self.verdict = verdict

    def turn(self, store: Store) -> None:
        """Take what waits, if anybody is to answer."""
        while self.verdict is not None:
            claim = store.outbox.claim("ops", clock.now())
            if not claim.deliveries:
                return
            (message,) = claim.deliveries
            if isinstance(self.verdict, Sent):
                arrived(store, message, self.verdict)
            else:
                failed(store, message, self.verdict, clock.now() + 600)


@pytest.mark.parametrize(
    ("verdict", "code", "said"),
    [
        (Sent(), 0, "ok"),
        (Failed("could not connect: refused"), 6, "could not connect: refused"),
        (Failed("no answer", uncertain=True), 6, "no answer"),
        (Failed("HTTP 404", permanent=True), 6, "HTTP 404"),
        (None, 6, "if it is new, reload the daemon"),
    ],
)
def test_while_the_daemon_runs_it_sends_the_test(
    program: Program, monkeypatch: pytest.MonkeyPatch, verdict: Sent | Failed | None, code: int, said: str
) -> None:
    """And the command waits for it, but not for ever; no test stays behind."""
    monkeypatch.setattr("watcher.cli.trial.PATIENCE", 20.0 if verdict else 0.2)
    channels(program, ops="json://127.0.0.1:9")
    lanes = Lanes(verdict)
    with daemon(program.state_dir, turn=lanes.turn):
        assert program("channel", "test") == code
    assert said in program.out
    with program.store() as store:
        assert store.history.deliveries(("pending", "sending", "uncertain")) == []


def test_a_channel_that_the_daemon_does_not_know_is_not_waited_for(program: Program) -> None:
    """Its status file tells which it knows."""
    channels(program, ops="json://127.0.0.1:9")
    with daemon(program.state_dir, channels=["ml"]):
        assert program("channel", "test") == 6
    assert "the daemon does not know channel ops; reload it: " in program.out


def test_a_daemon_cannot_start_between_the_sends(program: Program, hook: WebReceiver) -> None:
    """Two senders of one queue would send twice; so the command is the daemon for that time."""

    class Starting(list[Request]):
        def append(self, request: Request) -> None:
            with pytest.raises(AlreadyRunning), only_one(program.state_dir):
                pass
            super().append(request)

    hook.requests = Starting()
    channels(program, ops=at_hook(hook))
    assert program("channel", "test") == 0
    assert len(hook.requests) == 1
