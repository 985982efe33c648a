"""Answers of receivers that other projects have reported, each played as bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from support_raw import RawServer, raw_server, smtp

from watcher.channels import Limits, open_channel
from watcher.channels.wire import Wire
from watcher.channels.witness import Witness
from watcher.model import Failed, Message, Sent, Severity, Verdict

NEWS = Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)
LIMITS = Limits(connect=5, read=5, total=10)
HOOK = "json://h.example/hook"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12345"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    request = Wire.request
    with raw_server() as raw:

        def there(wire: Wire, witness: Witness, method: str, url: str, **options: Any) -> Any:
            return request(wire, witness, method, f"http://{raw.address}{urlsplit(url).path}", **options)

        monkeypatch.setattr(Wire, "request", there)
        yield raw


def answered(server: RawServer, url: str, status: str, body: str = "", headers: str = "") -> Verdict:
    server.answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}".encode()
    channel = open_channel("it", url, limits=LIMITS)
    try:
        return channel.send(NEWS)
    finally:
        channel.close()


def test_a_403_that_says_when_to_come_back_is_temporary(server: RawServer) -> None:
    """GitHub's secondary rate limits."""
    verdict = answered(server, HOOK, "403 Forbidden", "limited", "Retry-After: 61\r\n")
    assert isinstance(verdict, Failed)
    assert (verdict.permanent, verdict.retry_after) == (False, 61.0)


def test_a_403_that_says_nothing_is_permanent(server: RawServer) -> None:
    verdict = answered(server, HOOK, "403 Forbidden", '{"retry_after": 5}')
    assert isinstance(verdict, Failed)
    assert verdict.permanent


def test_a_telegram_group_that_became_a_supergroup_is_named_with_its_new_id(server: RawServer) -> None:
    """TwiN/gatus#179."""
    body = '{"ok":false,"error_code":400,"description":"upgraded","parameters":{"migrate_to_chat_id":-1001557912345}}'
    verdict = answered(server, TELEGRAM, "400 Bad Request", body)
    assert isinstance(verdict, Failed)
    assert verdict.permanent
    assert verdict.reason.endswith("put the chat's new ID into the URL: -1001557912345")


@pytest.mark.parametrize("place", ["null", '"x"', "[1]", "1e400", "9" * 40, "true"])
def test_a_new_id_that_is_none_is_not_shown(place: str, server: RawServer) -> None:
    body = f'{{"ok":false,"error_code":400,"parameters":{{"migrate_to_chat_id":{place}}}}}'
    verdict = answered(server, TELEGRAM, "400 Bad Request", body)
    assert isinstance(verdict, Failed)
    assert verdict.permanent
    assert "new ID" not in verdict.reason


def test_a_status_line_alone_is_an_answer(server: RawServer) -> None:
    """prometheus/alertmanager#2457."""
    server.act = lambda client: client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    channel = open_channel("it", HOOK, limits=LIMITS)
    assert isinstance(channel.send(NEWS), Sent)
    channel.close()


@pytest.mark.parametrize(
    ("replies", "sent", "uncertain"),
    [
        ({"QUIT": None}, True, False),  # opencart/opencart#14189
        ({"QUIT": b"421 bye\r\n"}, True, False),
        ({".": b"\r\n250 ok\r\n"}, False, True),  # PHPMailer/PHPMailer#1072
        ({".": b"421 closing\r\n"}, False, False),  # nodemailer/smtp-server#190
        ({".": b"221 bye\r\n"}, False, True),  # letsencrypt/boulder#2101
    ],
)
def test_the_reply_to_the_mail_itself_decides(
    replies: dict[str, bytes | None],
    sent: bool,  # noqa: FBT001 - pytest's
    uncertain: bool,  # noqa: FBT001 - pytest's
    server: RawServer,
) -> None:
    server.talk = smtp(server, replies)
    channel = open_channel("it", f"mailto://{server.address}/?from=a@example.com&to=b@example.com", limits=LIMITS)
    verdict = channel.send(NEWS)
    channel.close()
    assert isinstance(verdict, Sent) is sent
    if isinstance(verdict, Failed):
        assert (verdict.permanent, verdict.uncertain) == (False, uncertain)
