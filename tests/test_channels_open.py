"""What may be a channel's URL, what is refused, and that no secret of it is ever shown."""

from __future__ import annotations

import logging
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from support_receivers import Reply, mail_receiver, web_receiver

from watcher.channels import BadChannel, check_url, open_channel
from watcher.channels.scrub import LONGEST_REASON, scrubber
from watcher.model import Failed, Message, Severity

NEWS = Message("title", "body", Severity.INFO)
USER, PASSWORD, PATH, QUERY, HEADER = (
    "planted-user",
    "planted pass/word",
    "planted-path",
    "planted-query",
    "planted-head",
)


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("slack://T12345678/B12345678/abcdefghijkl", "Slack"),
        ("https://hooks.slack.com/services/T12345678/B12345678/abcdefghijklmnopqrstuvwx", "Slack"),
        ("mailtos://user:secret@example.com?to=ops@example.com", "E-Mail"),
        ("jsons://example.com/hook?retry=0&optional=no&overflow=upstream", "JSON"),
        ("ntfys://topic", "ntfy"),
    ],
)
def test_a_good_url_has_the_name_of_its_service(url: str, service: str) -> None:
    """As people paste them, Slack's own spelling included."""
    assert check_url("ops", url) == service


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "not an Apprise URL"),
        ("planted-token", "not an Apprise URL"),
        ("json://", "not an Apprise URL"),
        ("nosuch://planted-token@example.com", "knows no service 'nosuch'"),
        ("https://example.com/planted-token", "knows no service 'https'"),
        ("slack://planted-token", "refuses its slack URL"),
        ("slack://T1234/B1234/planted-token/", "refuses its slack URL"),
        ("json://:planted-token@", "cannot read its json URL"),
        ("mailto://planted-token", "refuses its mailto URL"),
        ("mailto://user:planted-token@example.com?to=nobody", "has no valid recipient"),
        ("slack://T12345678/B12345678/abcdefghijkl/#planted-token/#b", "has 2 targets"),
        ("mailto://u:planted-token@example.com?to=a@example.com,b@example.com", "has 2 targets"),
    ],
)
def test_a_bad_url_is_refused_without_being_shown(url: str, complaint: str) -> None:
    """The text names the channel, says what is wrong, and what to do."""
    with pytest.raises(BadChannel) as caught:
        open_channel("ops", url)
    assert "'ops'" in caught.value.what
    assert complaint in caught.value.what
    assert "planted" not in str(caught.value)
    assert caught.value.remedy
    assert caught.value.exit_code == 78


@pytest.mark.parametrize(
    "option",
    [
        "retry=2",
        "optional=yes",
        "overflow=split",
        "format=html",
        "tag=1:x",
        "redirect=yes",
        "cc=a@example.com",
        "RETRY=1",
    ],
)
def test_an_option_that_would_deceive_is_refused(option: str) -> None:
    """Each of them makes Apprise say or do what the outbox could not know."""
    with pytest.raises(BadChannel, match=f"must not set '{option.partition('=')[0].lower()}'") as caught:
        open_channel("ops", f"json://user:planted-token@example.com/?{option}")
    assert "planted" not in str(caught.value)


def test_a_ca_bundle_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """When the channel is opened, not when the first news is due."""
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for bundle in (str(tmp_path / "nowhere.pem"), str(empty)):
        with pytest.raises(BadChannel, match="its ca_bundle cannot be used"):
            open_channel("ops", "json://example.com", ca_bundle=bundle)


def test_importing_the_package_imports_no_sdk() -> None:
    """Commands that only look must not pay for Apprise."""
    code = "import sys, watcher.channels; print([m for m in ('apprise', 'requests', 'urllib3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_secret_of_a_web_hook_is_told_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Even by a server that repeats whatever it was sent, at any log level."""
    caplog.set_level(logging.DEBUG)
    login = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    echo = f"no: Basic {login} {USER} {PASSWORD} planted+pass%2Fword /{PATH}?k={QUERY} {HEADER.upper()} end"
    with web_receiver() as hook:
        hook.reply = Reply(400, echo)
        channel = open_channel(
            "ops", f"json://{USER}:planted%20pass%2Fword@{hook.address}/{PATH}/?-k={QUERY}&+X-Token={HEADER}"
        )
        verdict = channel.send(NEWS)
        channel.close()
        (request,) = hook.requests
    assert login in request.headers["Authorization"]
    assert (request.path, request.headers["X-Token"]) == (f"/{PATH}/?k={QUERY}", HEADER), "they were sent"
    assert isinstance(verdict, Failed)
    assert verdict.reason.startswith("HTTP 400 Bad Request: no: Basic ***")
    assert verdict.reason.endswith(" end")
    shown = verdict.reason + caplog.text
    for secret in (USER, PASSWORD, PATH, QUERY, HEADER, login, "planted"):
        assert secret.lower() not in shown.lower()


def test_no_secret_of_a_mail_is_told_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The recipient's address counts as one: it is the URL's."""
    caplog.set_level(logging.DEBUG)
    with mail_receiver() as server:
        server.at_rcpt = f"550 {USER} {PASSWORD} {HEADER} refused"
        url = f"mailto://{USER}:planted%20pass%2Fword@127.0.0.1:{server.port}/?from=a@example.com&+X-Token={HEADER}"
        verdict = open_channel("ops", url).send(NEWS)
    assert isinstance(verdict, Failed)
    assert "planted" not in verdict.reason + caplog.text


def test_a_secret_is_not_told_by_its_first_half() -> None:
    """The words are scrubbed before they are cut."""
    scrub = scrubber("json://host/planted-path-that-is-long")
    for lead in range(LONGEST_REASON - 30, LONGEST_REASON + 5):
        told = scrub("x" * lead + "planted-path-that-is-long")
        assert len(told) <= LONGEST_REASON
        assert "planted" not in told


def test_a_secret_is_not_hidden_by_control_characters() -> None:
    """Nor does the text keep any."""
    assert scrubber("json://host/planted-path")("a\x00\x1b[31m pla\x00nted\u202e-path\r\nb") == "a[31m *** b"


def test_what_is_no_secret_is_told() -> None:
    """A host, a port and a word of a fixed list help whoever reads the reason."""
    scrub = scrubber("mailtos://user:pass-word@smtp.example.com:2525?mode=ssl&k=abc", {"smtp.example.com"})
    assert scrub("smtp.example.com:2525 ssl abc pass-word") == "smtp.example.com:2525 ssl abc ***"
