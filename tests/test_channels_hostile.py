"""What people whom nobody vouches for have written arrives as ``render`` has made it, and no further alive.

The escapes here are those that ``render`` is to make; that what arrives is what was given, to the last character, is
the claim.  Each receiver is a real server, over TLS where the service is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html import escape, unescape
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support_receivers import WebReceiver, mail_receiver, server_tls, slack_says, web_receiver
from support_slack import BOT, HOOK, slack_workspace

from watcher.channels import open_channel
from watcher.model import Family, Message, Sent, Severity

ZWSP = "\u200b"
MARKUP = (
    "<!channel> <@U123> @everyone @here @room @**all** <at>boss@example.com</at> <script>alert(1)</script> & &amp; "
    "[click](https://evil.example) <https://evil.example|bank> **bold** _it_ ~no~ \\n \\< `x` ````` # head :fire:\n"
    "# not a heading\n> no quote\n- no list\n\tTabbed\n```\nfence\n```\nünïcödé 漢字 🙂"
)
CORPUS = {
    "markup": MARKUP,
    "injection": "</pre></table><img src=x onerror=alert(1)>\"'--><!-- ]]> %3Cscript%3E {{7*7}} ${x} $(id) `id`",
    "directions": "\u202etxt.exe\u202c \u2066hidden\u2069 \u200f\u200e\ufeff a\u0301\u0301\u0301",
    "mail": "From here\n.\n..\nSubject: injected\nBcc: c@example.com\n--===============1==--\n=?utf-8?q?x?= =3D",
    "long line": "x" * 2048,
    "many bytes": "失敗🙂" * 682 + "é",
    "json": '"}],"text":"<!channel>" \\u003c!here\\u003e \\',
}


def slack_escaped(text: str) -> str:
    """Return *text* as Slack's documents demand it, with runs of backticks broken."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("``", f"`{ZWSP}`{ZWSP}")


def chat_escaped(text: str) -> str:
    """Return *text* without a mention, a tag, a link or the end of a fence."""
    text = text.replace("@", f"@{ZWSP}").replace("<", f"<{ZWSP}").replace("](", f"]{ZWSP}(")
    return text.replace("``", f"`{ZWSP}`{ZWSP}")


class Reader(HTMLParser):
    """Reads an HTML text as a mail client does: its tags and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Keep some words."""
        self.words += data


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    """A web hook on loopback."""
    with web_receiver() as receiver:
        yield receiver


def sent(url: str, message: Message, ca_bundle: str | None = None) -> None:
    """Send one message."""
    channel = open_channel("chat", url, ca_bundle=ca_bundle)
    assert isinstance(channel.send(message), Sent)
    channel.close()


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS.keys())
@pytest.mark.parametrize("url", [HOOK, BOT], ids=["hook", "bot"])
def test_slack_gets_the_payload_to_the_last_character(
    url: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack reads nothing as a mention or a link that has no "<" (its own documents)."""
    safe = slack_escaped(text)
    payload = {
        "text": safe,
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": f"```{safe[:2900]}```"}}],
        "attachments": [{"color": "#a30200", "blocks": [{"type": "context", "elements": [safe]}]}],
    }
    message = Message(text[:80], safe, Severity.FAILURE, payload=payload)
    tls, bundle = server_tls(tmp_path)
    with slack_workspace(monkeypatch, tls) as (_, slack):
        sent(url, message, bundle)
        sent(url, replace(message, payload=None), bundle)
    rich, plain = slack.posts
    assert {key: rich[key] for key in payload} == payload
    (attachment,) = plain["attachments"]
    assert attachment["text"] == safe
    assert not set("<>") & set(attachment["title"])


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
    title, body = chat_escaped(MARKUP.splitlines()[0]), f"```\n{chat_escaped(MARKUP)}\n```"
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


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS.keys())
def test_a_web_hook_gets_every_character(text: str, tmp_path: Path) -> None:
    """JSON needs no escapes of ours: in a payload, and in Apprise's own object."""
    payload = {"version": 1, "failure": text, "nested": [{text: text}]}
    message = Message(text.splitlines()[0][:80], text, Severity.INFO, payload=payload)
    tls, bundle = server_tls(tmp_path)
    with web_receiver(tls) as web:
        sent(f"jsons://{web.address}/", message, bundle)
        sent(f"jsons://{web.address}/", replace(message, payload=None), bundle)
        rich, plain = (request.json for request in web.requests)
    assert rich == payload
    assert plain["message"] == text


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS.keys())
def test_a_mail_gets_every_character_in_both_texts(text: str) -> None:
    """The plain text as it is; the HTML as it is, in which whoever parses it finds our tags and all of the words."""
    html = f"<html><body><table><tr><td>{escape(text)}</td></tr></table><pre>{escape(text)}</pre></body></html>"
    with mail_receiver() as server:
        url = f"mailto://127.0.0.1:{server.port}/?from=a@example.com&to=b@example.com"
        sent(url, Message(text[:80], text, Severity.INFO, html=html, conversation=text))
    (mail,) = server.mails
    plain, rich = (part.get_content().replace("\r\n", "\n").removesuffix("\n") for part in mail.iter_parts())
    assert (plain, rich) == (text, html)
    read = Reader(rich)
    assert read.tags == ["html", "body", "table", "tr", "td", "pre"]
    assert read.words == text * 2
    assert mail["Subject"].split() == text[:80].split()
    assert mail["Bcc"] is None
    assert server.recipients == ["b@example.com"]


def test_another_service_gets_plain_text_in_apprises_own_escapes(
    web: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram reads HTML: nothing in the text is a tag, and nothing that looks like one is dropped."""
    telegram = import_module("apprise.plugins.telegram")
    monkeypatch.setattr(telegram.NotifyTelegram, "notify_url", f"{web.url}/bot")
    web.reply = slack_says()
    url = "tgram://123456789:ABCdefGHIjklMNOpqrSTUvwxYZ012345678/123456"
    sent(url, Message("<b>title</b>", MARKUP, Severity.INFO))
    title, _, body = web.requests[-1].json["text"].partition("\n")
    assert title.strip() == "<b>&lt;b&gt;title&lt;/b&gt;</b>"
    assert "<" not in body
    assert unescape(body).split() == MARKUP.split()


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
def test_a_line_break_in_a_title_makes_no_header(end: str) -> None:
    """Nor does it keep the mail from being sent."""
    with mail_receiver() as server:
        url = f"mailto://127.0.0.1:{server.port}/?from=a@example.com&to=b@example.com"
        sent(url, Message(f"one{end}Bcc: c@example.com{end}{end}body", "text", Severity.INFO, html="<p>text</p>"))
    (mail,) = server.mails
    assert mail["Subject"] == "one Bcc: c@example.com body"
    assert mail["Bcc"] is None
    assert server.recipients == ["b@example.com"]
