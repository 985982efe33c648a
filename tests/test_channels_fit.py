"""What Apprise posts for each service holds the whole message: nothing is cut after it was fitted."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import pytest
from support_receivers import Reply, Request, WebReceiver, web_receiver
from support_services import services, url_of

from watcher.channels import AppriseChannel, open_channel
from watcher.channels.standins import install
from watcher.channels.wire import Wire
from watcher.model import Family, Message, Sent, Severity
from watcher.render import Story, compose, most_events, sample, write, write_summary

NOT_PLAYED = {
    "amqp": "speaks AMQP, not HTTP",
    "aprs": "speaks to a TCP server of its own protocol",
    "bluesky": "signs in with a server that it looks up first",
    "blink1": "a lamp on USB",
    "dbus": "a desktop's own bus",
    "deltachat": "sends mail (test_channels_mail plays a mail server)",
    "email": "sends mail (test_channels_mail plays a mail server)",
    "glib": "a desktop's own bus",
    "gnome": "a desktop's own bus",
    "growl": "speaks GNTP, and needs a library that is not installed",
    "irc": "speaks IRC, not HTTP",
    "lfgalarm": "rings an alarm and posts no text",
    "macosx": "runs only on macOS",
    "mqtt": "speaks MQTT, and needs a library that is not installed",
    "nostr": "needs a library that is not installed",
    "rsyslog": "speaks syslog over UDP",
    "smpp": "speaks SMPP, and needs a library that is not installed",
    "sogs": "encrypts what it posts",
    "syslog": "writes to the local syslog",
    "vapid": "encrypts what it posts",
    "windows": "runs only on Windows",
    "xmpp": "speaks XMPP, and needs a library that is not installed",
    "office365": "signs in with Microsoft first",
    "twitter": "signs in and looks people up first",
}
"""Services that no generic HTTP server can play, and why."""

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
REASON = "\n".join(f'row {n}: <value> "{n}" & é does not match' for n in range(60)) + "\nthe end of the reason"
ANSWER: dict[str, Any] = {
    "ok": True, "status": "success", "success": True, "result": {"id": 1}, "access_token": "t", "token": "t",
    "errcode": 0, "code": 0, "id": "1", "data": {}, "expires_in": 3600, "user_id": "@a:b", "room_id": "!a:b",
    "joined_rooms": ["!a:b"], "did": "did:plc:1", "accessJwt": "t", "refreshJwt": "t", "handle": "a",
    "User": {"Id": "1"}, "Id": "1", "AccessToken": "t",
}  # fmt: skip
"""What most services would answer to most requests; whether they are content is not the matter here."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    """Give one loopback server that stands for every host: requests keep their path, and go there."""
    install()
    request = Wire.request
    with web_receiver() as web:
        web.reply = Reply(200, json.dumps(ANSWER), {"Content-Type": "application/json"})
        web.answer = lambda asked: (
            Reply(200, "[" + json.dumps(ANSWER) + "]") if "/Sessions" in asked.path else web.reply
        )

        def there(wire: Wire, witness: Any, method: str, url: str, **options: Any) -> Any:
            parts = urlsplit(url)
            return request(wire, witness, method, f"{web.url}{parts.path}?{parts.query}", **options)

        monkeypatch.setattr(Wire, "request", there)
        yield web


def opened(service: str) -> AppriseChannel:
    url = url_of(service)
    assert url is not None, f"no URL for {service}"
    return open_channel("it", url)


def posted(requests: list[Request]) -> str:
    """Return all that arrived, as letters and digits alone, each text read in each way that a service may read it."""
    texts: list[str] = []
    for request in requests:
        for text in (request.body, unquote_plus(request.body), unquote_plus(request.path)):
            texts.append(text)
            texts.extend(_decoded(text))
    return "\n".join(map(letters, texts))


def _decoded(text: str) -> Iterator[str]:
    with suppress(ValueError):
        yield json.dumps(json.loads(text), ensure_ascii=False)
    for block in re.findall(r"[A-Za-z0-9+/=\s]{200,}", text):
        with suppress(binascii.Error):
            yield base64.b64decode("".join(block.split()) + "==").decode("utf-8", "replace")


def letters(text: str) -> str:
    for escape in (r"\r", r"\n"):
        text = text.replace(escape, " ")
    return "".join(filter(str.isalnum, html.unescape(html.unescape(text))))


def failures(count: int) -> list[Story]:
    """Return the failures of that many jobs."""
    one = sample("failed", NOW, "host")
    assert one.job is not None
    return [
        replace(
            one,
            job=replace(one.job, id=n, label=f"job{n:04}"),
            event=replace(one.event, id=n, subject=f"job/{n}"),
        )
        for n in range(1, count + 1)
    ]


PLAYED = sorted(services().keys() - NOT_PLAYED.keys())


@pytest.mark.parametrize("service", PLAYED)
def test_the_last_line_of_a_long_message_is_in_what_is_posted(service: str, world: WebReceiver) -> None:
    channel = opened(service)
    story = sample("failed", NOW, "host")
    message = write(compose(story).but(failure=REASON), channel.family, channel.fits)
    assert channel.fits(message)
    channel.send(message)
    channel.close()
    arrived = posted(world.requests)
    assert letters(message.body.splitlines()[-1]) in arrived
    if letters("the end of the reason") in letters(message.body):
        assert letters("the end of the reason") in arrived


@pytest.mark.parametrize("service", PLAYED)
def test_each_job_of_a_long_summary_is_in_what_is_posted(service: str, world: WebReceiver) -> None:
    channel = opened(service)
    waiting = failures(60)
    while waiting:
        summary = None
        if (most := most_events(channel.family, channel.body_limit)) > 1 and len(waiting) > 1:
            summary = write_summary(waiting[:most], "burst", channel.family, channel.fits)
        message, count = summary or (write(compose(waiting[0]), channel.family, channel.fits), 1)
        channel.send(message)
        arrived = posted(world.requests)
        if channel.body_limit >= 140:
            assert [
                label for one in waiting[:count] if (label := one.job.label if one.job else "") not in arrived
            ] == []
        world.requests.clear()
        waiting = waiting[count:]
    channel.close()


def test_a_list_of_exceptions_names_no_service_that_is_gone() -> None:
    assert NOT_PLAYED.keys() <= services().keys()


def test_matrix_shows_each_line_on_a_line_of_its_own_and_all_of_a_message(world: WebReceiver) -> None:
    """Apprise cuts Markdown for Matrix to the length that it had before it became HTML."""
    channel = opened("matrix")
    said = "**one** & [two](https://a.example/)\nthree\n\n```\nfour\nfive\n```\n\nsix"
    channel.send(Message("title", said, Severity.INFO))
    channel.close()
    (event,) = [one.json for one in world.requests if "m.room.message" in one.path]
    page = event["formatted_body"]
    assert re.search(r"</a><br ?/>\s*three", page)
    assert re.search(r"four<br ?/>\s*five", page)
    assert page.rstrip().endswith("six</p>")
    lines = [line.strip() for line in event["body"].splitlines() if line.strip()]
    assert lines[-4:] == ["three", "four", "five", "six"]


@pytest.mark.parametrize("path", ["T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "T1/F1/X1/Y1"])
def test_a_slack_workflow_gets_plain_text(path: str, world: WebReceiver) -> None:
    """Its variables show markup as it is written."""
    mode = "trigger" if path.count("/") == 2 else "workflow"
    channel = open_channel("it", f"slack://{path}?mode={mode}")
    assert channel.family is Family.TEXT
    story = sample("failed", NOW, "host")
    message = write(compose(story).but(failure="a <b> & *c* <!channel>"), channel.family, channel.fits)
    assert channel.send(message) == Sent()
    channel.close()
    (request,) = world.requests
    said = "".join(request.json.values())
    assert "a <b> & *c* <" in said
    assert "<!channel>" not in said


def test_thirty_failures_at_once_are_all_in_what_telegram_shows(world: WebReceiver) -> None:
    channel = open_channel("it", "tgram://123456789:abcdefg_hijklmnop/12345")
    waiting = failures(200)
    while waiting:
        summary = write_summary(waiting, "burst", channel.family, channel.fits)
        assert summary is not None
        channel.send(summary[0])
        waiting = waiting[summary[1] :]
    channel.close()
    texts = [html.unescape(request.json["text"]) for request in world.requests]
    assert all(f"job{n:04}" in "".join(texts) for n in range(1, 201))
    assert all(len(text.encode("utf-16-le")) // 2 <= 4096 for text in texts)
    assert len(texts) <= 4


@pytest.mark.parametrize("letter", ["x", "ü", "😀"])
def test_ntfy_gets_no_message_that_it_would_make_an_attachment_of(letter: str, world: WebReceiver) -> None:
    channel = open_channel("it", "ntfy://topic1234")
    message = write(compose(sample("failed", NOW, "host")).but(failure=letter * 2400), channel.family, channel.fits)
    channel.send(message)
    channel.close()
    (request,) = world.requests
    assert len(request.json["message"].encode()) <= 4096
    assert request.json["message"].endswith(message.body.splitlines()[-1])


@pytest.mark.parametrize(
    "url",
    [
        "tgram://123456789:abcdefg_hijklmnop/12345",
        "discord://1234567890/abcdefghij",
        "ntfy://topic1234",
        "schan://abcdefghij",
    ],
)
def test_a_reason_of_1961_characters_keeps_its_end(url: str, world: WebReceiver) -> None:
    channel = open_channel("it", url)
    reason = ("word " * 400)[:1940] + " and so it has ended"
    doc = compose(sample("failed", NOW, "host")).but(failure=reason)
    message = write(doc, channel.family, channel.fits)
    channel.send(message)
    channel.close()
    arrived = posted(world.requests)
    assert letters("and so it has ended") in arrived
    assert letters(reason) in arrived or "charactersleftout" in arrived
