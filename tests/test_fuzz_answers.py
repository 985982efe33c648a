"""Receivers that answer with anything at all, over real sockets: the verdict is always Sent or Failed, and true.

A few examples here; ``make fuzz`` has many, and other ones each time.
"""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support_fuzz import fuzzing
from support_raw import RawServer, raw_server, smtp

from watcher.channels import Limits, open_channel
from watcher.model import Failed, Message, Sent, Severity, Verdict

NEWS = Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)
over_sockets = settings(fuzzing, deadline=None)
LIMITS = Limits(connect=5.0, read=5.0, total=10.0)
SLACK = "slack://xoxb-123456-123456-abcdefghijkl/#jobs"


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    """One server for all examples."""
    with raw_server() as raw:
        yield raw


def verdict_of(server: RawServer, raw: bytes, url: str) -> Verdict:
    """Return what a channel makes of *raw*, behind which the server hangs up."""

    def say(client: socket.socket) -> None:
        client.sendall(raw)
        client.shutdown(socket.SHUT_WR)

    server.act = say
    channel = open_channel("fuzzed", url, limits=LIMITS)
    try:
        return channel.send(NEWS)
    finally:
        channel.close()
        server.requests.clear()


def is_sound(verdict: Verdict) -> None:
    """Fail unless *verdict* is one that the outbox can store and a person can read."""
    assert isinstance(verdict, Sent | Failed)
    if isinstance(verdict, Failed):
        assert verdict.reason
        assert len(verdict.reason) < 500
        assert verdict.reason.isprintable()
        assert not (verdict.permanent and verdict.uncertain)
        assert not verdict.reason.startswith("a bug in bedrock-watch"), verdict.reason
        assert verdict.retry_after is None or 0 <= verdict.retry_after <= 3600


TEXT = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30)
NAMES = st.sampled_from(
    (
        "Content-Length",
        "Transfer-Encoding",
        "Content-Encoding",
        "Content-Type",
        "Retry-After",
        "Location",
        "Set-Cookie",
        "Connection",
        "X-RateLimit-Reset",
    )
)
VALUES = TEXT | st.sampled_from(
    (
        "chunked",
        "gzip",
        "deflate",
        "br",
        "close",
        "-1",
        "99999999999999999999999",
        "37.5",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
        "text/html; charset=utf-16",
        "/x",
        "a=b; Expires=Mon, 01 Jan 2026",
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("ok", "error", "retry_after", "parameters", "message")), inner, max_size=4)
    ),
    max_leaves=8,
)
MADE = {
    "nested": b"[" * 50_000,
    "tags": b"<" * 50_000,
    "packed": gzip.compress(b"0" * 10**6),
    "members": b'{"error":' * 9000,
    "chunk": b"5\r\nhello\r\n0\r\n\r\n",
}
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.sampled_from(("nested", "tags", "packed", "members", "chunk")).map(lambda name: MADE[name])
)


@over_sockets
@given(st.integers(200, 999), TEXT, st.lists(st.tuples(NAMES, VALUES), max_size=5), BODIES)
def test_the_status_decides_whatever_else_an_answer_says(
    server: RawServer, status: int, phrase: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    """A web hook's, whose head is well formed: 2xx is sent, 5xx and what has no class is temporary."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    raw = f"HTTP/1.1 {status} {phrase}\r\n{head}\r\n".encode("latin-1") + body
    verdict = verdict_of(server, raw, f"json://{server.address}/hook")
    is_sound(verdict)
    assert isinstance(verdict, Sent) == (status < 300)
    if isinstance(verdict, Failed) and status >= 500:
        assert not verdict.permanent


@over_sockets
@given(st.binary(max_size=300) | st.tuples(st.just(b"HTTP/1.1 "), st.binary(max_size=100)).map(b"".join))
@example(b"")
@example(b"HTTP/1.1 200\r\n\r\n")
@example(b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\n")
@example(b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
def test_any_bytes_are_an_answer_or_none(server: RawServer, raw: bytes) -> None:
    """What is no answer is uncertain, and never final."""
    verdict = verdict_of(server, raw, f"json://{server.address}/hook")
    is_sound(verdict)
    assert isinstance(verdict, Failed) or b"200" in raw or b" 2" in raw


@over_sockets
@given(BODIES)
def test_slack_has_accepted_only_what_it_says_it_has(server: RawServer, body: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("apprise.plugins.slack.NotifySlack.api_url", f"http://{server.address}/api/{{}}")
        raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        verdict = verdict_of(server, raw, SLACK)
    is_sound(verdict)
    assert isinstance(verdict, Failed) or b'"ok": true' in body


REPLIES = st.dictionaries(
    st.sampled_from(("", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", ".")),
    st.none()
    | st.binary(max_size=60).map(lambda line: line + b"\r\n")
    | st.tuples(st.integers(100, 699), st.sampled_from((" ", "-")), TEXT).map(
        lambda parts: f"{parts[0]}{parts[1]}{parts[2]}\r\n".encode("latin-1")
    ),
    max_size=4,
)


@over_sockets
@given(REPLIES)
@example({"AUTH": b"334 \xff\r\n"})
@example({".": b"250-\xff\r\n"})
def test_a_mail_server_may_reply_anything(server: RawServer, replies: dict[str, bytes | None]) -> None:
    """A mail is sent only when the mail itself was answered with 250."""
    server.requests.clear()
    server.talk = smtp(server, replies)
    url = f"mailto://watch:secret-word@{server.address}/?from=a@example.com&to=b@example.com"
    channel = open_channel("fuzzed", url, limits=Limits(connect=1.0, read=0.2, total=1.0))
    try:
        verdict = channel.send(NEWS)
    finally:
        channel.close()
        server.talk = None
    is_sound(verdict)
    if isinstance(verdict, Sent):
        assert b".\r\n" in server.requests
        assert (replies.get(".") or b"250").startswith(b"250")
    elif b".\r\n" in server.requests and not verdict.uncertain:
        assert (replies.get(".") or b"")[:1] in (b"4", b"5")
