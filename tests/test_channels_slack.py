"""Slack, by a web hook and by a bot's token, played by a local server that answers as Slack does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apprise.plugins.slack import NotifySlack
from support_receivers import Reply, WebReceiver, slack_says, web_receiver

from watcher.channels import open_channel
from watcher.model import Failed, Message, Sent, Severity

NEWS = Message("FAILED nova-support", "*AccessDenied*\n```\non s3://bucket/key\n```", Severity.FAILURE)
HOOK = "slack://T12345678/B12345678/abcdefghijklmnop"
BOT = "slack://xoxb-123456-123456-abcdefghijkl/#jobs"


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    """Slack on loopback."""
    with web_receiver() as receiver:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"{receiver.url}/services")
        monkeypatch.setattr(NotifySlack, "api_url", receiver.url + "/api/{}")
        yield receiver


def test_a_web_hook_gets_the_message_with_nothing_added(slack: WebReceiver) -> None:
    """No picture, no footer, no "Apprise"; the body in Slack's markup exactly as it was written."""
    channel = open_channel("hook", HOOK)
    assert channel.send(NEWS) == Sent()
    channel.close()
    (request,) = slack.requests
    assert request.path == "/services/T12345678/B12345678/abcdefghijklmnop"
    (attachment,) = request.json["attachments"]
    assert attachment == {"title": NEWS.title, "text": NEWS.body, "color": "#A32037"}
    assert set(request.json) == {"mrkdwn", "attachments"}
    assert "apprise" not in request.body.lower()


def test_a_bot_posts_to_its_channel(slack: WebReceiver) -> None:
    """The token travels in the header alone."""
    slack.reply = slack_says()
    channel = open_channel("bot", BOT)
    assert isinstance(channel.send(NEWS), Sent)
    channel.close()
    (request,) = slack.requests
    assert request.path == "/api/chat.postMessage"
    assert request.json["channel"] == "#jobs"
    assert request.headers["Authorization"] == "Bearer xoxb-123456-123456-abcdefghijkl"
    assert "xoxb" not in request.body


@pytest.mark.parametrize(
    "word",
    ["invalid_auth", "channel_not_found", "not_in_channel", "is_archived", "account_inactive"],
)
def test_what_slack_refuses_is_permanent_with_slacks_word(slack: WebReceiver, word: str) -> None:
    """Apprise shows ``error=200`` for each of these."""
    slack.reply = slack_says(word)
    assert open_channel("bot", BOT).send(NEWS) == Failed(f"HTTP 200 OK: {word}", permanent=True)
    assert len(slack.requests) == 1


@pytest.mark.parametrize(
    ("word", "uncertain"),
    [("ratelimited", False), ("service_unavailable", False), ("internal_error", True), ("fatal_error", True)],
)
def test_what_slack_cannot_do_now_is_temporary(slack: WebReceiver, word: str, uncertain: bool) -> None:  # noqa: FBT001
    """Of two of its errors Slack says that it may have done a part of what was asked."""
    slack.reply = slack_says(word)
    assert open_channel("bot", BOT).send(NEWS) == Failed(f"HTTP 200 OK: {word}", uncertain=uncertain)


def test_slacks_rate_limit_says_how_long_to_wait(slack: WebReceiver) -> None:
    """429 with Retry-After, as its Web API answers."""
    slack.reply = slack_says("ratelimited", 429, **{"Retry-After": "30"})
    verdict = open_channel("bot", BOT).send(NEWS)
    assert verdict == Failed("HTTP 429 Too Many Requests: ratelimited", retry_after=30.0)


@pytest.mark.parametrize(
    ("status", "word"), [(404, "no_service"), (403, "action_prohibited"), (410, "channel_is_archived")]
)
def test_a_web_hook_that_is_gone_is_permanent(slack: WebReceiver, status: int, word: str) -> None:
    """Web hooks answer in plain text."""
    slack.reply = Reply(status, word)
    verdict = open_channel("hook", HOOK).send(NEWS)
    assert isinstance(verdict, Failed)
    assert verdict.permanent
    assert verdict.reason.endswith(f": {word}")


def test_a_word_that_slack_has_not_documented_is_temporary(slack: WebReceiver) -> None:
    """Only what is known to be final is final: what is tried again is not lost."""
    slack.reply = slack_says("a_word_of_tomorrow")
    assert open_channel("bot", BOT).send(NEWS) == Failed("HTTP 200 OK: a_word_of_tomorrow")


def test_a_page_of_somebody_else_instead_of_slacks_ok_is_uncertain(slack: WebReceiver) -> None:
    """A proxy's page with status 200: perhaps it let the message through, and another day it may."""
    slack.reply = Reply(200, "<html><title>Welcome to the hotel</title></html>")
    assert open_channel("hook", HOOK).send(NEWS) == Failed("HTTP 200 OK: Welcome to the hotel", uncertain=True)
