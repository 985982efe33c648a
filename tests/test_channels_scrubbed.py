"""A secret is hidden in whatever spelling a server repeats it, and a word that only looks like one is not."""

from __future__ import annotations

import html
import json
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from support_raw import RawServer, raw_server, smtp

from watcher.channels import open_channel
from watcher.channels.scrub import LONGEST_REASON, scrubber
from watcher.model import Failed, Message, Severity

NEWS = Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)
SECRET = "S3cret&<pass>'wörd\"/x"
URL = f"json://watcher:{quote(SECRET, safe='')}@127.0.0.1:9/hook/T0KEN-of-mine"


def escaped(text: str) -> str:
    """Return *text* with each character in JSON's longest spelling."""
    return "".join(f"\\u{ord(character):04X}" for character in text)


SPELLINGS = {
    "as it is": SECRET,
    "HTML": html.escape(SECRET),
    "HTML, decimal": "".join(f"&#{ord(c)};" for c in SECRET),
    "HTML, hexadecimal": "".join(f"&#x{ord(c):x};" for c in SECRET),
    "HTML, twice": html.escape(html.escape(SECRET)),
    "JSON": json.dumps(SECRET)[1:-1],
    "JSON, each character": escaped(SECRET),
    "JSON, twice": json.dumps(json.dumps(SECRET))[3:-3],
    "JSON of PHP": json.dumps(SECRET)[1:-1].replace("/", "\\/").replace("&", "\\u0026").replace("<", "\\u003C"),
    "URL": quote(SECRET, safe=""),
    "URL, lower case": quote(SECRET, safe="").lower(),
    "URL, twice": quote(quote(SECRET, safe=""), safe=""),
    "URL, thrice": quote(quote(quote(SECRET, safe=""), safe=""), safe=""),
    "form": quote_plus(SECRET),
    "base64": b64encode(SECRET.encode()).decode(),
    "base64 of a login": b64encode(f"watcher:{SECRET}".encode()).decode(),
    "base64 of a sentence": b64encode(f"no such user {SECRET}, sorry".encode()).decode(),
    "base64 for URLs": urlsafe_b64encode(f"? {SECRET}".encode()).decode(),
    "upper case": SECRET.upper(),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_secret_is_hidden_in_every_spelling(spelled: str) -> None:
    said = scrubber(URL)(f"no such user: {spelled} end")
    assert "***" in said
    assert said.startswith("no such user: ")
    assert said.endswith(" end")
    for piece in ("S3cret", "s3cret", "S3CRET", "rd\\", quote("<pass>"), b64encode(SECRET.encode()).decode()[3:15]):
        assert piece not in said


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mailto://grey:x@h.example/?to=list@h.example", "451 4.7.1 Greylisted, listed by h"),
        ("json://user:pass@h.example/hook", "hooked: passed the users"),
        ("tgram://1234:abcd/5678", "error 12345 in abcdef"),
    ],
)
def test_a_short_part_is_hidden_only_where_it_stands_alone(url: str, said: str) -> None:
    """The word "Greylisted" holds no secret, though somebody is called "grey"."""
    assert scrubber(url)(said) == said


def test_a_short_part_that_stands_alone_is_hidden() -> None:
    assert scrubber("json://grey:pass@h.example/hook")("grey/pass: no (hook)") == "***/***: no (***)"


def test_a_long_text_is_scrubbed_in_bounded_time_and_not_cut_in_a_secret() -> None:
    scrub = scrubber(URL)
    began = time.thread_time()
    for text in ("%" * 1_000_000, "&amp;" * 200_000, "\\" * 1_000_000, "S3cret&" * 150_000, " " * 4090 + SECRET):
        said = scrub(text)
        assert len(said) <= LONGEST_REASON
    assert time.thread_time() - began < 5.0
    for before in range(4040, 4100, 3):
        assert "S3cr" not in scrub(" " * before + SECRET)


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server of raw bytes."""
    with raw_server() as raw:
        yield raw


def test_a_reason_phrase_is_scrubbed(server: RawServer) -> None:
    server.answer = b"HTTP/1.1 404 no such hook /T0KEN-of-mine\r\nContent-Length: 0\r\n\r\n"
    verdict = open_channel("hook", f"json://{server.address}/T0KEN-of-mine").send(NEWS)
    assert verdict == Failed("HTTP 404 no such hook /***", permanent=True)


def test_a_proxy_that_repeats_its_login_does_not_show_it(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its password is the environment's, and no less a secret."""
    login = b64encode(b"proxy-user:proxy-pass").decode()
    monkeypatch.setenv("https_proxy", f"http://proxy-user:proxy-pass@{server.address}")
    server.answer = f"HTTP/1.1 407 Basic {login} of proxy-user:proxy-pass is wrong\r\n\r\n".encode()
    verdict = open_channel("hook", "jsons://news.invalid/hook").send(NEWS)
    assert isinstance(verdict, Failed)
    assert login.encode() in server.requests[0]
    assert "407" in verdict.reason
    for secret in (login, "proxy-pass"):
        assert secret not in verdict.reason


def test_a_mail_server_that_repeats_the_login_does_not_show_it(server: RawServer) -> None:
    plain = b64encode(b"\0watcher\0mail-password").decode()
    server.talk = smtp(server, {"EHLO": b"250-hi\r\n250 AUTH PLAIN\r\n", "AUTH": f"535 5.7.8 {plain}\r\n".encode()})
    url = f"mailto://watcher:mail-password@{server.address}/?from=a@example.com&to=b@example.com"
    verdict = open_channel("mail", url).send(NEWS)
    assert verdict == Failed("SMTP 535: 5.7.8 ***", permanent=True)
