"""Messages to web hooks: what arrives, and what is made of every way in which it may not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from email.utils import format_datetime
from importlib import import_module
from pathlib import Path

import pytest
import requests
from support_receivers import DROP, HANG, TRICKLE, Reply, WebReceiver, server_tls, web_receiver

from watcher import clock
from watcher.channels import AppriseChannel, Limits, open_channel
from watcher.model import Failed, Family, Message, Sent, Severity

NEWS = Message("FAILED nova-support", "AccessDenied\non s3://bucket/key", Severity.FAILURE)
SHORT = Limits(connect=1.0, read=0.2, total=10.0)
SUDDEN = Limits(connect=1.0, read=10.0, total=0.3)


@pytest.fixture(scope="module")
def server() -> Iterator[WebReceiver]:
    """One web server for the module."""
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def hook(server: WebReceiver) -> Iterator[WebReceiver]:
    """The web server, with nothing received and on its best behaviour."""
    server.requests.clear()
    server.replies.clear()
    server.reply = Reply()
    yield server
    server.over.set()  # whoever still hangs may go
    server.over = threading.Event()


def to(hook: WebReceiver, path: str = "/hook", limits: Limits = SHORT) -> AppriseChannel:
    """Return an open channel to *hook*."""
    return open_channel("hook", f"json://{hook.address}{path}", limits=limits)


def test_a_web_hook_gets_each_message_once_and_as_it_was_written(hook: WebReceiver) -> None:
    """Title, body and severity are fields of the JSON; Apprise adds and alters nothing."""
    channel = to(hook)
    assert channel.send(NEWS) == Sent()
    channel.close()
    (request,) = hook.requests
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.json["title"] == NEWS.title
    assert request.json["message"] == NEWS.body
    assert request.json["type"] == "failure"


def test_a_channel_knows_its_family_and_its_pace(hook: WebReceiver) -> None:
    """Other services keep Apprise's pace, but never its guess of one message in 5.5 seconds."""
    channels = [
        open_channel("a", f"json://{hook.address}"),
        open_channel("b", "slack://T123456/B123456/abcdefghij"),
        open_channel("c", "mailto://user:secret@example.com"),
        open_channel("d", "discord://1234567890/abcdefghij"),
        open_channel("e", "ntfy://topic"),
    ]
    assert [(channel.family, channel.service, channel.min_interval) for channel in channels] == [
        (Family.JSON, "JSON", 0.0),
        (Family.SLACK, "Slack", 1.0),
        (Family.EMAIL, "E-Mail", 0.0),
        (Family.CHAT, "Discord", 0.5),
        (Family.TEXT, "ntfy", 1.0),
    ]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422])
def test_a_refusal_is_permanent_and_keeps_the_servers_words(hook: WebReceiver, status: int) -> None:
    """To try again would be to be refused again; the words are on one line."""
    hook.reply = Reply(status, '{"error": "no_service", "detail": "gone\\nfor good"}')
    verdict = to(hook).send(NEWS)
    assert isinstance(verdict, Failed)
    assert verdict.reason.startswith(f"HTTP {status} ")
    assert verdict.reason.endswith("no_service: gone for good")
    assert (verdict.permanent, verdict.uncertain, verdict.retry_after) == (True, False, None)
    assert len(hook.requests) == 1


@pytest.mark.parametrize("status", [407, 408, 409, 425, 429, 500, 502, 503, 504])
def test_what_heals_by_itself_is_temporary(hook: WebReceiver, status: int) -> None:
    """And the words of an HTML page are read without its tags and scripts."""
    hook.reply = Reply(status, "<html><script>x()</script><h1>Try&nbsp;later</h1></html>")
    verdict = to(hook).send(NEWS)
    assert isinstance(verdict, Failed)
    assert verdict.reason.startswith(f"HTTP {status} ")
    assert verdict.reason.endswith(": Try&nbsp;later")
    assert (verdict.permanent, verdict.uncertain, verdict.retry_after) == (False, False, None)
    assert len(hook.requests) == 1, "Apprise has not tried again by itself"


def test_a_429_tells_how_long_to_wait(hook: WebReceiver) -> None:
    """Apprise hides Retry-After; the outbox needs it."""
    hook.reply = Reply(429, "", {"Retry-After": "37"})
    verdict = to(hook).send(NEWS)
    assert verdict == Failed("HTTP 429 Too Many Requests", retry_after=37.0)


def test_retry_after_may_be_a_date(hook: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9110 allows both forms; a date gone by is no wait at all."""
    monkeypatch.setattr(clock, "now", lambda: 1_700_000_000.0)
    for ahead, seconds in ((90, 90.0), (-90, 0.0)):
        hook.reply = Reply(503, "", {"Retry-After": format_datetime(clock.utc(1_700_000_000 + ahead), usegmt=True)})
        verdict = to(hook).send(NEWS)
        assert isinstance(verdict, Failed)
        assert verdict.retry_after == seconds


@pytest.mark.parametrize("nonsense", ["soon", "-5", "1e9", "\u00b2"])
def test_a_senseless_retry_after_is_none(hook: WebReceiver, nonsense: str) -> None:
    """A server's nonsense neither crashes nor delays."""
    hook.reply = Reply(503, "", {"Retry-After": nonsense})
    verdict = to(hook).send(NEWS)
    assert isinstance(verdict, Failed)
    assert verdict.retry_after is None


def test_a_redirect_is_not_followed(hook: WebReceiver) -> None:
    """Whoever can answer a redirect would otherwise decide who reads the news; its address may hold a token."""
    hook.replies.append(Reply(302, "", {"Location": f"{hook.url}/elsewhere?token=hidden"}))
    verdict = to(hook).send(NEWS)
    assert isinstance(verdict, Failed)
    assert verdict.permanent
    assert "redirects are not followed" in verdict.reason
    assert "hidden" not in verdict.reason
    assert [request.path for request in hook.requests] == ["/hook"]


def test_a_connection_that_is_refused_has_certainly_not_delivered() -> None:
    """Temporary, and not marked as a repeat later."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, not listening
        channel = open_channel("hook", f"json://127.0.0.1:{nobody.getsockname()[1]}/", limits=SHORT)
        assert channel.send(NEWS) == Failed("could not connect: Connection refused")


def test_an_unknown_host_has_certainly_not_delivered() -> None:
    """DNS heals."""
    verdict = open_channel("hook", "json://nowhere.invalid/", limits=SHORT).send(NEWS)
    assert isinstance(verdict, Failed)
    assert verdict.reason.startswith("could not connect: ")
    assert (verdict.permanent, verdict.uncertain) == (False, False)


@pytest.mark.parametrize(("how", "limits"), [(HANG, SHORT), (DROP, SHORT), (HANG, SUDDEN)])
def test_no_answer_to_a_request_that_left_is_uncertain(hook: WebReceiver, how: str, limits: Limits) -> None:
    """The receiver has the message in each of these cases, and so it is: it must be marked when it is sent again."""
    hook.reply = Reply(instead=how)
    verdict = to(hook, limits=limits).send(NEWS)
    assert isinstance(verdict, Failed)
    assert verdict.reason.startswith("no answer: ")
    assert (verdict.permanent, verdict.uncertain) == (False, True)
    assert len(hook.requests) == 1


def test_a_success_whose_body_never_ends_is_a_success(hook: WebReceiver) -> None:
    """The status says so; the body is only words."""
    hook.reply = Reply(instead=TRICKLE)
    assert to(hook, limits=SUDDEN).send(NEWS) == Sent()
    assert len(hook.requests) == 1


def test_a_success_whose_body_breaks_off_is_a_success(hook: WebReceiver) -> None:
    """Else the message would be repeated for ever (psf/requests#3849)."""
    hook.reply = Reply(200, "ok", {"Content-Length": "100", "Connection": "close"})
    assert to(hook, limits=SHORT).send(NEWS) == Sent()


def test_another_thread_can_end_a_send_that_hangs(hook: WebReceiver) -> None:
    """The daemon stops within seconds, though a send cannot be cancelled."""
    hook.reply = Reply(instead=HANG)
    channel = to(hook, limits=Limits(read=60.0, total=60.0))
    verdicts: list[object] = []
    sender = threading.Thread(target=lambda: verdicts.append(channel.send(NEWS)))
    sender.start()
    while not hook.requests:
        time.sleep(0.01)
    channel.hang_up("the daemon is stopping")
    sender.join()
    assert verdicts == [Failed("no answer: the daemon is stopping; the message may have arrived", uncertain=True)]
    channel.hang_up("nobody is sending")
    hook.reply = Reply()
    assert channel.send(NEWS) == Sent()


def test_a_burst_goes_over_one_tls_connection(tmp_path: Path) -> None:
    """A TLS context and a handshake for each message would cost 20 times the CPU."""
    tls, bundle = server_tls(tmp_path)
    with web_receiver(tls) as hook:
        channel = open_channel("hook", f"jsons://{hook.address}/", ca_bundle=bundle)
        assert [channel.send(NEWS) for _ in range(20)] == [Sent()] * 20
        channel.close()
        assert (len(hook.requests), hook.connections) == (20, 1)


def test_an_idle_connection_is_not_trusted_again(hook: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that closes it just as we write would leave us uncertain for nothing."""
    monkeypatch.setattr("watcher.channels.wire.IDLE", 0.0)
    before = hook.connections
    channel = to(hook)
    assert [channel.send(NEWS) for _ in range(3)] == [Sent()] * 3
    channel.close()
    assert hook.connections - before == 3


def test_a_certificate_that_nobody_vouches_for_may_be_put_right(tmp_path: Path) -> None:
    """Nothing was sent to it; a new certificate, the channel's ca_bundle or verify=no heals it."""
    tls, bundle = server_tls(tmp_path)
    with web_receiver(tls) as hook:
        verdict = open_channel("hook", f"jsons://{hook.address}/").send(NEWS)
        assert isinstance(verdict, Failed)
        assert verdict.reason.startswith("could not connect: the server's certificate is not trusted: ")
        assert (verdict.permanent, verdict.uncertain, hook.requests) == (False, False, [])
        for url, ca_bundle in ((f"jsons://{hook.address}/?verify=no", None), (f"jsons://{hook.address}/", bundle)):
            channel = open_channel("hook", url, ca_bundle=ca_bundle)
            assert channel.send(NEWS) == Sent()
            channel.close()


def test_a_servers_cookie_is_not_sent_back(hook: WebReceiver) -> None:
    """A kept session must not make one message depend on another."""
    hook.reply = Reply(headers={"Set-Cookie": "session=1; Path=/"})
    channel = to(hook)
    assert [channel.send(NEWS) for _ in range(2)] == [Sent()] * 2
    channel.close()
    assert "Cookie" not in hook.requests[1].headers


def test_the_proxy_of_the_environment_is_used(hook: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """As curl does it."""
    monkeypatch.setenv("http_proxy", hook.url)
    channel = open_channel("hook", "json://news.invalid/hook")
    assert channel.send(NEWS) == Sent()
    channel.close()
    assert hook.requests[0].path == "http://news.invalid/hook"


def test_a_proxy_that_refuses_has_certainly_not_delivered(hook: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for a tunnel with a method that this server does not know."""
    monkeypatch.setenv("https_proxy", hook.url)
    verdict = open_channel("hook", "jsons://news.invalid/hook").send(NEWS)
    assert isinstance(verdict, Failed)
    assert (verdict.permanent, verdict.uncertain) == (False, False)
    assert "501" in verdict.reason


def test_a_message_too_long_for_its_service_is_cut_and_not_multiplied(
    hook: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord refuses more than 2000 characters; a cut message arrives."""
    from apprise.plugins.discord import NotifyDiscord  # noqa: PLC0415 - as lazily as the package does

    monkeypatch.setattr(NotifyDiscord, "notify_url", f"{hook.url}/webhooks")
    channel = open_channel("chat", "discord://1234567890/abcdefghij")
    assert channel.body_limit == 2000
    assert channel.send(Message("title", "x" * 5000, Severity.INFO)) == Sent()
    channel.close()
    (request,) = hook.requests
    assert 1700 < len(request.json["content"]) <= 2000


def test_a_plugin_that_trips_over_an_answer_is_a_failure_and_not_a_crash(
    hook: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack's plugin expects an object; the server has accepted the message, or not: nobody knows."""
    from apprise.plugins.slack import NotifySlack  # noqa: PLC0415

    monkeypatch.setattr(NotifySlack, "api_url", hook.url + "/api/{}")
    hook.reply = Reply(200, "[1]")
    verdict = open_channel("bot", "slack://xoxb-1234-1234-abcdefgh/#jobs").send(NEWS)
    assert verdict == Failed("HTTP 200 OK: [1]", uncertain=True)


def test_a_service_that_bypasses_our_wire_answers_with_apprises_words() -> None:
    """MQTT, IRC, XMPP and the like: whether the message arrived is not known."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        channel = open_channel("irc", f"irc://user:hidden@127.0.0.1:{nobody.getsockname()[1]}/#jobs?cto=0.2&rto=0.2")
        verdict = channel.send(NEWS)
    assert isinstance(verdict, Failed)
    assert verdict.reason.startswith("Failed to send IRC notification")
    assert "hidden" not in verdict.reason
    assert (verdict.permanent, verdict.uncertain) == (False, True)


def test_requests_and_smtplib_are_what_they_were_for_everybody_else(hook: WebReceiver) -> None:
    """Only Apprise's plugins see the stand-ins, and outside of a send these pass everything on."""
    import smtplib  # noqa: PLC0415
    import ssl  # noqa: PLC0415

    custom_json, slack = (import_module(f"apprise.plugins.{name}") for name in ("custom_json", "slack"))
    smtp = import_module("apprise.plugins.email.smtp")

    channel = to(hook)
    assert channel.send(NEWS) == Sent()
    channel.close()
    assert requests.request.__module__ == "requests.api"
    assert smtplib.SMTP.__module__ == "smtplib"
    assert custom_json.requests is slack.requests
    assert custom_json.requests is not requests
    assert custom_json.requests.RequestException is requests.RequestException
    assert smtp.smtplib.SMTPException is smtplib.SMTPException
    assert isinstance(smtp.ssl.create_default_context(), ssl.SSLContext)
    for call in (slack.requests.get, slack.requests.post, slack.requests.put, slack.requests.delete):
        assert call(hook.url, timeout=5).status_code in (200, 501)
