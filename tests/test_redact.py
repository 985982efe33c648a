"""No key, token or password in use is in what is logged, stored, shown or sent, whoever echoes it, and however."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
import support_askers
from hypothesis import given
from hypothesis import strategies as st
from support_askers import ROLE, refused_credentials
from support_client import get, refusal, waits
from support_receivers import Reply, web_receiver

from watcher.bedrock import redact
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.customization import KIND
from watcher.bedrock.kind import MalformedResponse
from watcher.errors import LookError

files = pytest.fixture(autouse=True)(support_askers.signed_in)
no_waits = pytest.fixture(autouse=True)(waits)

SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEJr//////////wEaCXVz+LWVhc3QtMSJ=="
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "URL": lambda text: quote(text, safe=""),
    "URL in small letters": lambda text: quote(text, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "URL twice": lambda text: quote(quote(text, safe=""), safe=""),
    "HTML": html.escape,
    "HTML by numbers": lambda text: "".join(one if one.isalnum() else f"&#x{ord(one):X};" for one in text),
    "HTML by decimals": lambda text: "".join(one if one.isalnum() else f"&#{ord(one)};" for one in text),
    "JSON": lambda text: text.replace("/", "\\/"),
    "JSON by numbers": lambda text: "".join(one if one.isalnum() else f"\\u{ord(one):04x}" for one in text),
    "base64": lambda text: base64.b64encode(f"x:{text} and more".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f"{text} and more".encode()).decode(),
}
each_encoding = pytest.mark.parametrize("encode", list(ENCODINGS.values()), ids=list(ENCODINGS))


@pytest.fixture(autouse=True)
def keys(files: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    del files
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIA123456789012")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    redact._known.clear()
    yield
    redact._known.clear()


def hidden(text: str) -> bool:
    """Whether neither secret is in *text*, not even half of one."""
    parts = [secret[start : start + 12] for secret in (SECRET, TOKEN) for start in (0, len(secret) // 2)]
    coded = [encode(part) for part in parts for name, encode in ENCODINGS.items() if not name.startswith("base64")]
    return not any(one in text for one in coded)


@each_encoding
def test_what_aws_echoes_is_hidden(encode: Callable[[str], str]) -> None:
    canonical = f"GET\n/model-customization-jobs\n\nhost:x\nx-amz-security-token:{encode(TOKEN)}\n{encode(SECRET)}\n"
    error = {"message": f"The request signature we calculated does not match.\n\n'{canonical}'"}
    with web_receiver() as server:
        server.reply = Reply(403, json.dumps(error), {"x-amzn-ErrorType": "InvalidSignatureException"})
        told = refusal(server.url)
    assert "signature we calculated does not match" in told.what
    assert hidden(str(told))
    assert hidden(told.dump())
    assert base64.b64encode(TOKEN.encode()).decode()[4:24] not in str(told)


@each_encoding
def test_what_sts_echoes_is_hidden(encode: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    with web_receiver() as server:
        text = html.escape(f"token {encode(TOKEN)} is not good, nor is {encode(SECRET)}")
        body = (
            f"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>{text}</Message></Error></ErrorResponse>"
        )
        server.reply = Reply(403, body, {"Content-Type": "text/xml"})
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        told = refused_credentials(Credentials(role_arn=ROLE))
    assert "is not good" in told.what
    assert hidden(str(told))


def test_a_header_that_an_unknown_secret_was_sent_in_is_hidden() -> None:
    for echo in (
        "X-Amz-Sso_Bearer_Token: abcdefgh12345",
        "proxy-authorization=Basic dXNlcjpwYXNz",
        '"Authorization": "Bearer abcdefgh"',
    ):
        assert redact.redacted(f"you sent {echo} to us").endswith(("*** to us", '***" to us'))
    assert "AKIA" in redact.redacted("Authorization: AWS4-HMAC-SHA256 Credential=AKIA123/20260101")


def test_a_proxy_s_password_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://somebody:pass%2Fw0rd-x@127.0.0.1:1")
    basic = base64.b64encode(b"somebody:pass/w0rd-x").decode()
    assert redact.redacted(f"not pass/w0rd-x, pass%2Fw0rd-x, {basic}") == "not ***, ***, ***"


def test_a_foreign_text_is_bounded() -> None:
    with web_receiver() as server:
        server.reply = Reply(
            403, json.dumps({"message": "x" * 5_000_000}), {"x-amzn-ErrorType": "AccessDeniedException"}
        )
        told = refusal(server.url)
    assert 1000 < len(told.reason) <= redact.LONGEST


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60), st.text(), st.text())
def test_whatever_a_secret_is_made_of_it_is_hidden(secret: str, before: str, after: str) -> None:
    redact._known.clear()
    redact.remember(secret)
    for encode in ENCODINGS.values():
        assert encode(secret) not in redact.redacted(f"{before}{encode(secret)}{after}") or encode(secret) in "***…"


BODIES = {
    "no object": (200, '["{}"]'),
    "cut short": (200, '{{"message": "{}'),
    "not AWS's refusal": (403, "denied for {}"),
    "a member of another type": (200, '{{"jobArn": "x", "status": ["{}"]}}'),
}


@pytest.mark.parametrize("before", [0, 9, 40, 61])
@pytest.mark.parametrize("secret", [SECRET, TOKEN])
@pytest.mark.parametrize(("status", "body"), BODIES.values(), ids=list(BODIES))
def test_the_beginning_of_a_body_holds_not_even_half_of_a_secret(
    status: int, body: str, secret: str, before: int
) -> None:
    """Wherever the beginning ends."""
    with web_receiver() as bedrock:
        bedrock.reply = Reply(status, body.format("." * before + secret), {"Content-Type": "application/json"})
        try:
            facts = get(bedrock.url).facts
        except LookError as refused:
            said = f"{refused} {refused.remedy} {refused.dump()}"
        else:
            with pytest.raises(MalformedResponse) as caught:
                KIND.read(facts)
            said = str(caught.value)
    assert "***" in said
    assert hidden(said)
    assert len(said) < 1024


def test_a_beginning_is_bounded_and_on_one_line_whatever_it_is_of() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (b"\xff" * 100_000, "x\n" * 100_000, {"a": ["\r\n"] * 1000}, deep, None):
        assert len(redact.excerpt(value)) <= 80
        assert len(redact.excerpt(value).splitlines()) <= 1
    while deep:  # or the interpreter would recurse to free it
        deep = deep[0]  # type: ignore[assignment]


def test_a_short_password_of_a_proxy_changes_no_other_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a URL whose password holds an @ that is not encoded."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:p@ss#word@proxy:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://user:pw@proxy:3128")
    said = redact.redacted("EndpointConnectionError: http://user:pw@proxy:3128 at endpoint; Basic dXNlcjpwdw==")
    assert said == "EndpointConnectionError: http://user***proxy:3128 at endpoint; Basic ***"
