"""A message counts as sent only when a request carried it, and the answer to that request decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from support_receivers import Reply, Request, WebReceiver, web_receiver
from support_services import services, url_of
from test_channels_fit import ANSWER, NOT_PLAYED, posted

from watcher.channels import AppriseChannel, BadChannel, open_channel
from watcher.channels.standins import install
from watcher.channels.wire import Wire
from watcher.model import Failed, Message, Sent, Severity, Verdict

KEY = "a1b2c3d4-e5f6-47a8-b9c0-d1e2f3a4b5c6"
ROCKET = "rocket://watcher:password@chat.example/#general"
MATRIX = "matrix://watcher:password@matrix.example/!room:matrix.example"
PLAYED = sorted(services().keys() - NOT_PLAYED.keys())


def news(severity: Severity) -> Message:
    return Message("FAILED nova-support", "AccessDenied for the training data", severity)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    """Give one loopback server that stands for every host."""
    install()
    request = Wire.request
    with web_receiver() as web:

        def there(wire: Wire, witness: Any, method: str, url: str, **options: Any) -> Any:
            parts = urlsplit(url)
            return request(wire, witness, method, f"{web.url}{parts.path}?{parts.query}", **options)

        monkeypatch.setattr(Wire, "request", there)
        yield web


def answers(web: WebReceiver, by_path: dict[str, Reply]) -> None:
    """Answer a request by the first of *by_path* that its path holds; all others as most services would."""

    def answer(asked: Request) -> Reply:
        usual = "[" + json.dumps(ANSWER) + "]" if "/Sessions" in asked.path else json.dumps(ANSWER)
        return next((reply for part, reply in by_path.items() if part in asked.path), Reply(200, usual))

    web.answer = answer


def sent_by(url: str, severity: Severity = Severity.FAILURE) -> Verdict:
    channel = open_channel("it", url)
    try:
        return channel.send(news(severity))
    finally:
        channel.close()


@pytest.mark.parametrize("service", PLAYED)
def test_a_message_of_each_severity_is_posted(service: str, world: WebReceiver) -> None:
    answers(world, {})
    channel: AppriseChannel = open_channel("it", str(url_of(service)))
    for severity in Severity:
        world.requests.clear()
        channel.send(news(severity))
        assert world.requests, severity
        assert "AccessDenied" in posted(world.requests), severity
    channel.close()


@pytest.mark.parametrize("scheme", ["opsgenie", "jira"])
def test_a_success_without_a_request_is_not_sent(scheme: str, world: WebReceiver) -> None:
    """The URL wants a note on an alert that does not exist."""
    verdict = sent_by(f"{scheme}://{KEY}?:info=note", Severity.INFO)
    assert world.requests == []
    assert isinstance(verdict, Failed)
    assert (verdict.permanent, verdict.uncertain) == (False, False)
    assert "posted nothing" in verdict.reason


@pytest.mark.parametrize("scheme", ["opsgenie", "jira"])
@pytest.mark.parametrize("action", ["note", "close", "delete", "acknowledge"])
def test_an_action_that_creates_no_alert_is_an_error_of_the_configuration(scheme: str, action: str) -> None:
    with pytest.raises(BadChannel, match="creates no alert"):
        open_channel("it", f"{scheme}://{KEY}?action={action}")


@pytest.mark.parametrize("service", ["emby", "jellyfin"])
@pytest.mark.parametrize(
    ("reply", "permanent"), [(Reply(500, "{}"), False), (Reply(404, "{}"), True), (Reply(200, "[]"), False)]
)
def test_a_lookup_that_finds_nobody_is_not_sent(
    service: str,
    reply: Reply,
    permanent: bool,  # noqa: FBT001 - pytest's
    world: WebReceiver,
) -> None:
    answers(world, {"/Sessions": reply})
    verdict = sent_by(str(url_of(service)))
    assert isinstance(verdict, Failed)
    assert verdict.permanent is permanent


@pytest.mark.parametrize("logout", [Reply(200, '{"status": "success"}'), Reply(500, "{}"), Reply(200, "")])
@pytest.mark.parametrize(
    ("post", "permanent"),
    [
        (Reply(400, '{"success": false, "error": "error-invalid-room"}'), True),
        (Reply(503, "busy"), False),
        (Reply(200, '{"success": false, "error": "no", "errorType": "error-invalid-room"}'), True),
        (Reply(200, '{"success": false, "error": "too fast"}'), False),
    ],
)
def test_rocketchat_is_judged_by_its_post_and_not_by_the_logout(
    post: Reply,
    permanent: bool,  # noqa: FBT001 - pytest's
    logout: Reply,
    world: WebReceiver,
) -> None:
    login = Reply(200, json.dumps({"status": "success", "data": {"authToken": "t", "userId": "u"}}))
    answers(world, {"login": login, "logout": logout, "chat.postMessage": post})
    verdict = sent_by(ROCKET)
    assert isinstance(verdict, Failed)
    assert (verdict.permanent, verdict.uncertain) == (permanent, False)
    assert verdict.reason.startswith(f"HTTP {post.status}")


@pytest.mark.parametrize("logout", [Reply(200, '{"status": "success"}'), Reply(500, "{}"), Reply(404, "")])
def test_a_post_that_rocketchat_took_is_sent_whatever_the_logout_says(logout: Reply, world: WebReceiver) -> None:
    login = Reply(200, json.dumps({"status": "success", "data": {"authToken": "t", "userId": "u"}}))
    answers(world, {"login": login, "logout": logout, "chat.postMessage": Reply(200, '{"success": true}')})
    assert isinstance(sent_by(ROCKET), Sent)


@pytest.mark.parametrize(
    ("part", "reply", "permanent"),
    [
        ("/login", Reply(403, '{"errcode": "M_FORBIDDEN", "error": "wrong password"}'), True),
        ("/login", Reply(502, "gateway"), False),
        ("/send/", Reply(403, '{"errcode": "M_FORBIDDEN", "error": "not in room"}'), True),
        ("/send/", Reply(500, '{"errcode": "M_UNKNOWN", "error": "database"}'), False),
    ],
)
def test_matrix_is_judged_by_the_request_that_failed(
    part: str,
    reply: Reply,
    permanent: bool,  # noqa: FBT001 - pytest's
    world: WebReceiver,
) -> None:
    closed = Reply(403, '{"errcode": "M_FORBIDDEN", "error": "registration is disabled"}')
    answers(world, {part: reply, "/register": closed})
    verdict = sent_by(MATRIX)
    assert isinstance(verdict, Failed)
    assert (verdict.permanent, verdict.uncertain) == (permanent, False)
    assert verdict.reason.startswith(f"HTTP {reply.status}")
