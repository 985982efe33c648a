"""What may be a channel's URL, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from watcher.channels import BadChannel, check_url, open_channel


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
