"""Whatever a receiver answers, byte by byte: the verdict is right, in bounded time and memory, and never an exception."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from apprise.plugins.slack import NotifySlack
from support_raw import RawServer, raw_server

from watcher.channels import Limits, open_channel
from watcher.model import Failed, Message, Sent, Severity, Verdict

NEWS = Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)
SHORT = Limits(connect=2.0, read=2.0, total=1.0)
LONG = Limits(connect=10.0, read=20.0, total=30.0)


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server of raw bytes."""
    with raw_server() as raw:
        yield raw


def verdict_of(server: RawServer, answer: bytes = b"", limits: Limits = LONG) -> Verdict:
    """Return what a web hook's channel makes of *answer*."""
    server.answer = answer
    channel = open_channel("hook", f"json://{server.address}/", limits=limits)
    try:
        return channel.send(NEWS)
    finally:
        channel.close()


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Return an HTTP response with its Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def failed(verdict: Verdict) -> Failed:
    """Return *verdict*, which is a failure."""
    assert isinstance(verdict, Failed)
    return verdict


NESTED = b"[" * 200_000
HOSTILE_BODIES = {
    "nested lists": NESTED,
    "nested objects": b'{"error":' * 100_000,
    "a member nested to the limit": b'{"error": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a long number": b'{"error": ' + b"9" * 100_000 + b"}",
    "a huge exponent": b'{"retry_after": 1e999, "error": 1e-999}',
    "not a number": b'{"retry_after": NaN, "error": Infinity}',
    "null": b"null",
    "a number": b"17",
    "a string": b'"no"',
    "a list": b'[1, null, {"error": "x"}]',
    "members of other types": b'{"error": [{"a": null}], "message": {"b": 1}, "retry_after": {"c": 2}}',
    "tag openers": b"<" * 262_144,
    "script openers": b"<script" * 37_000,
    "script elements": b"<script>" * 32_000,
    "tags without names": b"<>" * 131_072,
    "bytes": bytes(range(256)) * 1000,
    "lone surrogates": b'{"error": "\\ud800\\udfff\\ud800"}',
}


@pytest.mark.parametrize("status", ["500 Oops", "404 Not Found", "200 OK"])
@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES.keys())
def test_no_body_changes_what_the_status_says(server: RawServer, body: bytes, status: str) -> None:
    verdict = verdict_of(server, answer(status, body))
    if status == "200 OK":
        assert verdict == Sent()
    else:
        assert failed(verdict).reason.startswith(f"HTTP {status}")
        assert failed(verdict).permanent == (status == "404 Not Found")
        assert len(failed(verdict).reason) < 400


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES.keys())
def test_the_words_of_a_body_are_found_in_linear_time(server: RawServer, body: bytes) -> None:
    """Counted in CPU time of this thread: 256 KB of "<" took half a minute, and the interpreter with it."""
    began = time.thread_time()
    verdict_of(server, answer("500 Oops", body))
    assert time.thread_time() - began < 2.0


PAUSES = {
    "37.5": 37.5,
    "0": 0.0,
    " 12 ": 12.0,
    "99999999999": 3600.0,
    "9" * 5000: None,
    "-1": None,
    "1e9": None,
    "nan": None,
    "Mon, 01 Jan 2026 00:00:00 +99999999999999999999": None,
    "Mon, 01 Jan 0001 00:00:00 +2359": 0.0,
    "Fri, 31 Dec 9999 23:59:59 -2359": 3600.0,
    "Thu, 01 Jan 1970 00:00:00 GMT": 0.0,
    "Fri, 31 Dec 9998 23:59:59 GMT": 3600.0,
    "Mon, 99 Foo 2026 77:88:99 GMT": None,
    "\xff\xfe": None,
}


@pytest.mark.parametrize(("asked", "seconds"), PAUSES.items(), ids=range(len(PAUSES)))
def test_a_pause_is_read_from_any_header_and_capped(server: RawServer, asked: str, seconds: float | None) -> None:
    verdict = failed(verdict_of(server, answer("429 Too Many Requests", b"", f"Retry-After: {asked}")))
    assert (verdict.retry_after, verdict.permanent, verdict.uncertain) == (seconds, False, False)


BODY_PAUSES = {
    b'{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":5}}': 5.0,  # Telegram
    b'{"message":"You are being rate limited.","retry_after":64.57,"global":false}': 64.57,  # Discord
    b'{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2500}': 2.5,  # Matrix
    b'{"result":"error","code":"RATE_LIMIT_HIT","retry-after":28.7}': 28.7,  # Zulip
    b'{"retry_after": 1e300}': 3600.0,
    b'{"retry_after": -1}': None,
    b'{"retry_after": true}': None,
    b'{"retry_after": "soon"}': None,
    b'{"retry_after": NaN}': None,
    b'{"parameters": [1], "error": "no"}': None,
}


@pytest.mark.parametrize(("body", "seconds"), BODY_PAUSES.items(), ids=range(len(BODY_PAUSES)))
def test_a_pause_is_read_from_the_body_where_the_header_has_none(
    server: RawServer, body: bytes, seconds: float | None
) -> None:
    assert failed(verdict_of(server, answer("429 Too Many Requests", body))).retry_after == seconds
    with_header = answer("429 Too Many Requests", body, "Retry-After: 7")
    assert failed(verdict_of(server, with_header)).retry_after == 7.0


def bomb() -> bytes:
    """Return a gzip of 300 MB, in 300 KB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\0" * 1_000_000
    return b"".join(packer.compress(zeros) for _ in range(300)) + packer.flush()


@pytest.mark.parametrize("status", ["200 OK", "503 Service Unavailable"])
def test_a_gzip_bomb_is_not_unpacked(server: RawServer, status: str) -> None:
    packed = answer(status, bomb(), "Content-Encoding: gzip")
    open_channel("warm", f"json://{server.address}/").close()
    tracemalloc.start()
    try:
        verdict = verdict_of(server, packed)
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()
    assert isinstance(verdict, Sent) == (status == "200 OK")


def test_of_an_endless_body_only_the_beginning_is_read(server: RawServer) -> None:
    head = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 300000000\r\n\r\n"

    def pour(client: socket.socket) -> None:
        client.sendall(head)
        for _ in range(300):
            client.sendall(b"no " * 333_333)

    server.act = pour
    tracemalloc.start()
    try:
        verdict = failed(verdict_of(server))
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()
    assert verdict.reason.startswith("HTTP 503 Service Unavailable: no no")


PACKED = {
    "gzip header, plain body": (b"ok", "Content-Encoding: gzip"),
    "gzip cut short": (gzip.compress(b"ok" * 1000)[:12], "Content-Encoding: gzip"),
    "an unknown encoding": (b"\x0b\x02\x80ok", "Content-Encoding: br"),
    "two encodings": (b"ok", "Content-Encoding: gzip, gzip"),
    "an odd charset": (b"ok", "Content-Type: text/plain; charset=\x01rot13"),
    "deflate": (zlib.compress(b"ok"), "Content-Encoding: deflate"),
}
CUT = {
    "chunked cut short": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok",
    "chunked nonsense": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n",
    "Content-Length too large": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok",
    "two Content-Lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "Content-Length no number": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
    "Content-Length negative": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "bare line ends": b"HTTP/1.1 200 OK\n\nok",
    "no reason": b"HTTP/1.1 200\r\n\r\n",
}
UNREADABLE = CUT | {name: answer("200 OK", *rest) for name, rest in PACKED.items()}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_success_whose_body_cannot_be_read_is_a_success(server: RawServer, raw: bytes) -> None:
    """Or the same message would be repeated for a day (psf/requests#3849)."""

    def cut(client: socket.socket) -> None:
        client.sendall(raw)
        client.shutdown(socket.SHUT_WR)

    server.act = cut
    assert verdict_of(server) == Sent()


@pytest.mark.parametrize("raw", CUT.values(), ids=CUT.keys())
def test_a_service_that_refuses_inside_a_200_must_be_readable(
    server: RawServer, raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of Slack's Web API a 200 alone says nothing."""
    monkeypatch.setattr(NotifySlack, "api_url", f"http://{server.address}/api/{{}}")

    def cut(client: socket.socket) -> None:
        client.sendall(raw)
        client.shutdown(socket.SHUT_WR)

    server.act = cut
    channel = open_channel("bot", "slack://xoxb-123456-123456-abcdefghijkl/#jobs", limits=LONG)
    verdict = failed(channel.send(NEWS))
    channel.close()
    assert (verdict.permanent, verdict.uncertain) == (False, True)


@pytest.mark.parametrize("interim", [b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n", b"HTTP/1.1 102 P\r\n\r\n"])
def test_an_interim_answer_is_not_the_answer(server: RawServer, interim: bytes) -> None:
    """And the final one is not taken for the answer to the next message (urllib3/urllib3#3319)."""
    channel = open_channel("hook", f"json://{server.address}/", limits=LONG)
    server.answer = interim * 3 + answer("500 Oops", b"no")
    assert channel.send(NEWS) == Failed("HTTP 500 Oops: no")
    server.answer = interim + answer("200 OK")
    assert channel.send(NEWS) == Sent()
    channel.close()


@pytest.mark.parametrize("raw", [b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
def test_interim_answers_alone_are_no_answer(server: RawServer, raw: bytes) -> None:
    verdict = failed(verdict_of(server, raw))
    assert verdict.reason.startswith("no answer: ")
    assert (verdict.permanent, verdict.uncertain) == (False, True)


GARBAGE = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "a status of letters": b"HTTP/1.1 OK 200\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "an endless status line": b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "a thousand headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    "HTTP of another kind": b"HTTP/3.0 200 OK\r\n\r\n",
}


@pytest.mark.parametrize("raw", GARBAGE.values(), ids=GARBAGE.keys())
def test_what_is_no_answer_is_uncertain(server: RawServer, raw: bytes) -> None:
    """The request has left; whoever answered so may have read it."""

    def say(client: socket.socket) -> None:
        client.sendall(raw)
        client.shutdown(socket.SHUT_WR)

    server.act = say
    verdict = failed(verdict_of(server))
    assert (verdict.permanent, verdict.uncertain) == (False, True)


@pytest.mark.parametrize("status", ["600 What", "999 Request denied", "799 X"])
def test_a_status_of_no_class_is_temporary(server: RawServer, status: str) -> None:
    verdict = failed(verdict_of(server, answer(status)))
    assert (verdict.permanent, verdict.uncertain) == (False, False)


@pytest.mark.parametrize("location", ["/elsewhere", "http://[", "http://\xff/", "//" * 30_000, "gopher://x"])
def test_no_redirect_is_looked_into(server: RawServer, location: str) -> None:
    """Nor is its body read at length."""
    verdict = failed(verdict_of(server, answer("302 Found", b"x" * 300_000, f"Location: {location}")))
    assert "redirects are not followed" in verdict.reason
    assert len(server.requests) == 1


DRIPS = [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 "]


@pytest.mark.parametrize("head", DRIPS)
def test_a_head_that_drips_ends_at_the_deadline(server: RawServer, head: bytes) -> None:
    """Each byte would otherwise begin the time limit again."""
    server.act = lambda client: server.drip(client, head)
    verdict = failed(verdict_of(server, limits=SHORT))
    assert verdict == Failed("no answer: no complete answer within 1 s; the message may have arrived", uncertain=True)


@pytest.mark.parametrize("head", [b"HTTP/1.1 ", b"HTTP/1.1 200 Connection established\r\nX: "])
def test_a_proxy_that_drips_its_reply_ends_at_the_deadline(
    server: RawServer, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent: the tunnel never stood."""
    monkeypatch.setenv("https_proxy", f"http://{server.address}")
    server.act = lambda client: server.drip(client, head)
    channel = open_channel("hook", "jsons://news.invalid/hook", limits=SHORT)
    assert channel.send(NEWS) == Failed("could not connect: no complete answer within 1 s")
    channel.close()
    assert server.requests[0].startswith(b"CONNECT news.invalid:443 ")


@pytest.mark.parametrize(
    "url", ["json://slow.example/hook", "mailto://slow.example:25/?from=a@example.com&to=b@example.com"]
)
def test_a_resolver_that_hangs_ends_at_the_deadline(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next try does not begin a second look-up beside the one that still hangs."""
    answer_at_last = threading.Event()
    asked: list[object] = []

    def hang(*args: object, **_: object) -> list[object]:
        asked.append(args)
        answer_at_last.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    channel = open_channel("hook", url, limits=Limits(connect=5.0, read=5.0, total=0.3))
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        assert channel.send(NEWS) == Failed("could not connect: no complete answer within 0.3 s")
        assert channel.send(NEWS) == Failed("could not connect: an earlier attempt has not ended yet")
        assert len(asked) == 1
    finally:
        answer_at_last.set()
        channel.close()
