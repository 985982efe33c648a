"""Whether a channel can be reached, found out without sending a message: against real servers, which record everything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from apprise.plugins.slack import NotifySlack
from support_receivers import Reply, WebReceiver, mail_receiver, server_tls, slack_says, web_receiver

from watcher.channels import Limits, open_channel
from watcher.model import Failed

BOT = "slack://xoxb-123456-123456-abcdefghijkl/#jobs"


def _probe(url: str, bundle: str | None = None) -> str | Failed | None:
    channel = open_channel("c", url, ca_bundle=bundle, limits=Limits(2.0, 2.0, 4.0))
    try:
        return channel.probe()
    finally:
        channel.close()


def _refused(url: str, bundle: str | None = None) -> str:
    found = _probe(url, bundle)
    assert isinstance(found, Failed)
    return found.reason


def _met(server: WebReceiver) -> None:
    """Return when the server has seen the one connection."""
    end = time.monotonic() + 10
    while not server.connections and time.monotonic() < end:
        time.sleep(0.01)
    assert server.connections == 1


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    """Slack on loopback."""
    with web_receiver() as receiver:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"{receiver.url}/services")
        monkeypatch.setattr(NotifySlack, "api_url", receiver.url + "/api/{}")
        yield receiver


def test_a_web_hook_is_connected_to_and_asked_nothing() -> None:
    with web_receiver() as hook:
        assert _probe(f"json://{hook.address}/token-of-mine") == hook.address
        _met(hook)
        assert hook.requests == []


def test_a_web_hook_over_tls_has_its_certificate_checked(tmp_path: Path) -> None:
    tls, bundle = server_tls(tmp_path)
    with web_receiver(tls) as hook:
        assert _probe(f"jsons://{hook.address}/", bundle) == hook.address
        assert "certificate is not trusted" in _refused(f"jsons://{hook.address}/")
        assert hook.requests == []


def test_nobody_there_is_said() -> None:
    with web_receiver() as hook:
        gone = hook.address
    assert _refused(f"json://{gone}/") == "could not connect: Connection refused"
    assert "could not connect" in _refused("mailto://127.0.0.1:1/?from=a@example.com&to=b@example.com")


def test_a_proxy_is_asked_for_the_way_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A web hook may only be reachable through one."""
    with web_receiver() as proxy, web_receiver() as hook:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert _probe(f"json://{hook.address}/") == hook.address
        _met(proxy)
        assert (hook.connections, proxy.requests) == (0, [])


def test_a_mail_server_is_logged_in_to_and_gets_no_mail(tmp_path: Path) -> None:
    """With STARTTLS and a password, as a mail would have it; a wrong password is found."""
    tls, bundle = server_tls(tmp_path)
    with mail_receiver(tls, password="right-password") as server:
        url = "mailtos://watch:{}@127.0.0.1:{}/?from=w@example.com&to=o@example.com&mode=starttls"
        assert _probe(url.format("right-password", server.port), bundle) == f"127.0.0.1:{server.port}"
        wrong = _refused(url.format("wrong-password", server.port), bundle)
        assert "535" in wrong
        assert "wrong-password" not in wrong
        assert "certificate is not trusted" in _refused(url.format("right-password", server.port))
        assert server.mails == []


def test_a_plain_mail_server_that_is_there_is_reached() -> None:
    with mail_receiver() as server:
        url = f"mailto://127.0.0.1:{server.port}/?from=watch@example.com&to=ops@example.com"
        assert _probe(url) == f"127.0.0.1:{server.port}"
        assert (server.mails, server.recipients) == ([], [])


def test_a_bot_of_slack_is_asked_whether_its_token_is_good_and_posts_nothing(slack: WebReceiver) -> None:
    """auth.test: its reference says that it needs no scope, and it changes nothing."""
    slack.reply = slack_says()
    assert _probe(BOT) == f"{slack.address}, which knows its token"
    (request,) = slack.requests
    assert (request.method, request.path) == ("POST", "/api/auth.test")
    assert request.headers["Authorization"] == "Bearer xoxb-123456-123456-abcdefghijkl"
    slack.reply = slack_says("invalid_auth")
    assert _refused(BOT) == "HTTP 200 OK: invalid_auth"
    slack.reply = Reply(503, "later")
    assert "503" in _refused(BOT)
    assert {request.path for request in slack.requests} == {"/api/auth.test"}


def test_a_web_hook_of_slack_is_only_connected_to(slack: WebReceiver) -> None:
    """Whether it knows its token, only a message would tell."""
    assert _probe("slack://T12345678/B12345678/abcdefghijklmnop") == slack.address
    assert slack.requests == []


def test_a_service_that_cannot_be_seen_is_left_alone() -> None:
    """What reaches the network by neither HTTP nor SMTP would really send."""
    assert _probe("syslog://local3") is None
