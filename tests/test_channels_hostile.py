"""What people whom nobody vouches for have written arrives as ``render`` has made it, and no further alive.

The escapes here are those that ``render`` is to make; that Apprise neither undoes nor doubles them is the claim.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support_receivers import WebReceiver, mail_receiver, server_tls, slack_says, web_receiver

from watcher.channels import open_channel
from watcher.model import Family, Message, Sent, Severity

ZWSP = "\u200b"
HOSTILE = (
    "<!channel> <@U123> @everyone @here @room @**all** <at>boss@example.com</at> <script>alert(1)</script> & &amp; "
    "[click](https://evil.example) <https://evil.example|bank> **bold** _it_ ~no~ \\n \\< `x` ````` # head :fire:\n"
    "# not a heading\n> no quote\n- no list\n\tTabbed\n```\nfence\n```\nünïcödé 漢字 🙂"
)


def slack_escaped(text: str) -> str:
    """Return *text* as Slack's documents demand it, with runs of backticks broken."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("``", f"`{ZWSP}`{ZWSP}")


def chat_escaped(text: str) -> str:
    """Return *text* without a mention, a tag, a link or the end of a fence."""
    text = text.replace("@", f"@{ZWSP}").replace("<", f"<{ZWSP}").replace("](", f"]{ZWSP}(")
    return text.replace("``", f"`{ZWSP}`{ZWSP}")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    """A web hook, and Slack, on loopback."""
    slack = import_module("apprise.plugins.slack")
    with web_receiver() as receiver:
        monkeypatch.setattr(slack.NotifySlack, "webhook_url", f"{receiver.url}/services")
        monkeypatch.setattr(slack.NotifySlack, "api_url", receiver.url + "/api/{}")
        yield receiver


def arrived(web: WebReceiver, url: str, message: Message) -> Any:
    """Return what the service was posted."""
    channel = open_channel("chat", url)
    assert channel.send(message) == Sent()
    channel.close()
    return web.requests.pop().json


@pytest.mark.parametrize(
    "url", ["slack://T12345678/B12345678/abcdefghijkl", "slack://xoxb-123456-123456-abcdefgh/#jobs"]
)
def test_slack_gets_the_body_as_written_and_a_title_without_markup(web: WebReceiver, url: str) -> None:
    """In a fence and outside of it; Slack reads nothing as a mention or a link that has no "<" (its own documents)."""
    if "xoxb" in url:
        web.reply = slack_says()
    body = f"*failed*\n```\n{slack_escaped(HOSTILE)}\n```\n{slack_escaped(HOSTILE)}"
    title = HOSTILE.splitlines()[0]
    (attachment,) = arrived(web, url, Message(title, body, Severity.FAILURE))["attachments"]
    assert attachment["text"] == body
    assert "<" not in attachment["text"] + attachment["title"]
    assert attachment["title"] == title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


CHATS = [
    ("discord://1234567890/abcdefghij", lambda json: json["content"]),
    ("mmosts://{}/abcdefghijklmnopqrstuvwxyz", lambda json: json["text"]),
    (
        "workflow://{}/workflowid/signature",
        lambda json: "\r\n".join(part["text"] for part in json["attachments"][0]["content"]["body"]),
    ),
]


@pytest.mark.parametrize(("url", "text_of"), CHATS, ids=["discord", "mattermost", "teams"])
def test_a_chat_gets_title_and_body_as_written(
    url: str,
    text_of: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each word arrives, and nothing that these services would take for a mention, a tag or a link."""
    title, body = chat_escaped(HOSTILE.splitlines()[0]), f"```\n{chat_escaped(HOSTILE)}\n```"
    tls, bundle = server_tls(tmp_path)
    with web_receiver(tls) as web:
        discord = import_module("apprise.plugins.discord")
        monkeypatch.setattr(discord.NotifyDiscord, "notify_url", f"{web.url}/webhooks")
        channel = open_channel("chat", url.format(web.address), ca_bundle=bundle)
        assert channel.family is Family.CHAT
        assert channel.send(Message(title, body, Severity.FAILURE)) == Sent()
        channel.close()
        (request,) = web.requests
    assert text_of(request.json) == f"{title}\r\n{body}"
    for alive in ("<!channel>", "<@U123>", "@everyone", "@here", "<at>", "](", "<script>"):
        assert alive not in text_of(request.json)
    assert '"entities"' not in request.body, "Teams resolves mentions by these"


def test_a_web_hook_gets_every_character(web: WebReceiver) -> None:
    """JSON needs no escapes of ours."""
    json = arrived(web, f"json://{web.address}/", Message(HOSTILE.splitlines()[0], HOSTILE, Severity.INFO))
    assert (json["title"], json["message"]) == (HOSTILE.splitlines()[0], HOSTILE)


def test_a_mail_gets_every_character_in_plain_text() -> None:
    """No part is HTML, so nothing in it can be."""
    with mail_receiver() as server:
        channel = open_channel("mail", f"mailto://127.0.0.1:{server.port}/?from=a@example.com&to=b@example.com")
        assert channel.send(Message(HOSTILE.splitlines()[0], HOSTILE, Severity.INFO)) == Sent()
    (mail,) = server.mails
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n").rstrip("\n") == HOSTILE
    assert mail["Subject"] == HOSTILE.splitlines()[0]


def test_another_service_gets_plain_text_in_apprises_own_escapes(
    web: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram reads HTML: nothing in the text is a tag, and nothing that looks like one is dropped."""
    telegram = import_module("apprise.plugins.telegram")
    monkeypatch.setattr(telegram.NotifyTelegram, "notify_url", f"{web.url}/bot")
    web.reply = slack_says()
    url = "tgram://123456789:ABCdefGHIjklMNOpqrSTUvwxYZ012345678/123456"
    text = arrived(web, url, Message("<b>title</b>", HOSTILE, Severity.INFO))["text"]
    title, _, body = text.partition("\n")
    assert title.strip() == "<b>&lt;b&gt;title&lt;/b&gt;</b>"
    assert "<" not in body
    assert unescape(body).split() == HOSTILE.split()


def test_a_line_break_in_a_title_makes_no_header() -> None:
    """Nor does it keep the mail from being sent."""
    with mail_receiver() as server:
        channel = open_channel("mail", f"mailto://127.0.0.1:{server.port}/?from=a@example.com&to=b@example.com")
        assert channel.send(Message("one\r\nBcc: c@example.com\n\nbody", "text", Severity.INFO)) == Sent()
    (mail,) = server.mails
    assert mail["Subject"] == "one Bcc: c@example.com body"
    assert mail["Bcc"] is None
    assert server.recipients == ["b@example.com"]
