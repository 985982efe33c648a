"""One try is one request: plugins that would repeat it by themselves do not, and every bug is a failure."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from support_raw import RawServer, raw_server
from support_receivers import Reply, Request, WebReceiver, web_receiver

from watcher.channels import Limits, open_channel
from watcher.channels.verdict import Judge
from watcher.channels.wire import Wire
from watcher.channels.witness import Witness
from watcher.model import Failed, Message, Sent, Severity

NEWS = Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)
KEY32 = "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    """A server that gets every request, whatever its origin."""
    with web_receiver() as receiver:
        request = Wire.request

        def moved(wire: Wire, witness: Witness, method: str, url: str, **options: Any) -> requests.Response:
            parts = urlsplit(url)
            return request(wire, witness, method, f"{receiver.url}{parts.path}?{parts.query}", **options)

        monkeypatch.setattr(Wire, "request", moved)
        yield receiver


REPEATERS = {
    "discord": "discord://1234567890/abcdefghij",
    "fluxer": f"fluxer://1234567890/{KEY32}{KEY32}",
    "guilded": "guilded://1234567890/abcdefghij",
    "revolt": "revolt://token/1234567890",
    "matrix": "matrix://token@matrix.example/!room:matrix.example",
    "ntfy": "ntfys://ntfy.example/topic",
    "telegram": "tgram://123456789:ABCdefGHIjklMNOpqrSTUvwxYZ012345678/123456",
    "slack": "slack://T12345678/B12345678/abcdefghijklmnop",
}


@pytest.mark.parametrize("url", REPEATERS.values(), ids=REPEATERS.keys())
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_plugin_does_not_try_twice(server: WebReceiver, url: str, status: int) -> None:
    """The outbox decides when to try again; a second try at once only makes a limit last longer."""

    def answer(request: Request) -> Reply:
        if "matrix" in url and "/send/" not in request.path:
            return Reply(200, '{"room_id": "!room:matrix.example", "user_id": "@b:m.example", "joined_rooms": []}')
        return Reply(status, '{"retry_after": 12.5, "retry_after_ms": 12500}')

    server.answer = answer
    channel = open_channel("chat", url)
    verdict = channel.send(NEWS)
    posted = [request for request in server.requests if "matrix" not in url or "/send/" in request.path]
    assert len(posted) == 1
    assert isinstance(verdict, Failed)
    assert verdict.retry_after == (0.0125 if url.startswith("revolt") else 12.5)
    server.answer = None
    server.reply = Reply(200, '{"ok": true, "event_id": "$1", "id": "1"}' if "slack" not in url else "ok")
    assert isinstance(channel.send(NEWS), Sent), "the next try is a request again"
    channel.close()


@pytest.mark.parametrize(
    "error", [RecursionError, OverflowError, AttributeError, MemoryError, KeyError, AssertionError]
)
def test_a_bug_in_judging_is_an_uncertain_failure(
    server: WebReceiver, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never the end of the daemon: it would start again, and send again."""

    def broken(*_: object, **__: object) -> None:
        raise error("planted-secret")

    server.reply = Reply(500, "no")
    channel = open_channel("hook", "json://h.example/")
    monkeypatch.setattr(Judge, "failure", broken)
    assert channel.send(NEWS) == Failed(f"a bug in bedrock-watch or Apprise: {error.__name__}", uncertain=True)


@pytest.mark.parametrize("error", [RecursionError, OverflowError, TypeError, MemoryError])
def test_a_bug_in_a_plugin_is_not_taken_for_a_refusal(
    server: WebReceiver, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status was a success; what the plugin trips over behind it is its own affair, and nobody's refusal."""
    from apprise.plugins.custom_json import NotifyJSON  # noqa: PLC0415

    send = NotifyJSON.send

    def trips(self: NotifyJSON, *args: Any, **options: Any) -> bool:
        send(self, *args, **options)  # type: ignore[no-untyped-call]
        raise error

    monkeypatch.setattr(NotifyJSON, "send", trips)
    verdict = open_channel("hook", "json://h.example/").send(NEWS)
    assert isinstance(verdict, Failed)
    assert (verdict.permanent, verdict.uncertain) == (False, True)
    assert len(server.requests) == 1


@pytest.fixture
def raw() -> Iterator[RawServer]:
    """A server of raw bytes."""
    with raw_server() as server:
        yield server


def test_a_service_of_its_own_protocol_ends_at_the_deadline_too(raw: RawServer) -> None:
    """IRC, from a server that talks without end and says nothing: Apprise's own patience would be a minute."""

    def chatter(client: socket.socket) -> None:
        raw.drip(client, part=b"PING :x\r\n")

    raw.talk = chatter
    limits = Limits(connect=1.0, read=1.0, total=0.5)
    channel = open_channel("irc", f"irc://user:hidden@{raw.address}/#jobs?cto=20&rto=20", limits=limits)
    verdict = channel.send(NEWS)
    assert verdict == Failed("no answer: no complete answer within 0.5 s; the message may have arrived", uncertain=True)
    raw.over.set()
