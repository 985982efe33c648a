"""What a channel's URL asks for and Apprise would ignore is an error of the configuration."""

from __future__ import annotations

import pytest
from support_services import services, url_of

from watcher.channels import BadChannel, open_channel

SLACK = "slack://xoxb-1234-1234-abcdefg"
TWILIO = f"twilio://AC{'a' * 32}:{'b' * 32}@15551234567"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop"

NO_URL = frozenset({"syslog"})
"""Services whose URL has no host, which no channel can be made of."""


def _urls() -> list[str]:
    return sorted(url for name in services().keys() - NO_URL if (url := url_of(name)) is not None)


@pytest.mark.parametrize("url", _urls())
def test_a_valid_url_of_each_service_is_accepted_and_an_unknown_parameter_is_not(url: str) -> None:
    open_channel("it", url).close()
    with pytest.raises(BadChannel) as caught:
        open_channel("it", f"{url}{'&' if '?' in url else '?'}form at=x")
    assert "knows no parameter 'form at'" in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("mailto://u:planted@example.com?to=a@example.com;b@example.com", "recipient 2 of 'to'"),
        ("mailto://u:planted@example.com?to=a@example.com,planted", "recipient 2 of 'to'"),
        (f"{SLACK}/#general,#planted!name", "part 2 of its path"),
        (f"{TELEGRAM}/", "names no recipient"),
        (f"{TELEGRAM}/12345/!!planted", "part 2 of its path"),
        (f"{TWILIO}/planted", "part 1 of its path"),
        (f"{TWILIO}/15551234568/12", "part 2 of its path"),
        ("kook://planted-abcdefg", "names no recipient"),
        ("serwersms://planted:abcdefghij@SENDER/", "names no recipient"),
        ("ntfy://example.com/pla!nted/topic2", "part 1 of its path"),
        ("sendpulse://planted@example.com/abcdefghij1234567890/abcdefghij1234567890/15551234567", "part 3 of its path"),
        ("json://example.com/?plantedplantedplantedplanted=1", "knows no such parameter"),
        ("discord://1234567890/abcdefghij?thread_id=5", "'thread_id'"),
    ],
)
def test_what_apprise_would_ignore_is_named_by_its_place_and_never_shown(url: str, named: str) -> None:
    with pytest.raises(BadChannel) as caught:
        open_channel("it", url)
    assert named in caught.value.what
    assert "planted" not in str(caught.value)
    assert caught.value.remedy
    assert caught.value.exit_code == 78


def test_a_misspelled_parameter_gets_the_right_one_as_its_remedy() -> None:
    with pytest.raises(BadChannel) as caught:
        open_channel("it", "ntfy://example.com/topic?priorty=high")
    assert "did you mean 'priority'?" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "mailto://u:p@example.com?to=Joe Doe <a@example.com>&from=Me <b@example.com>&smtp=mail.example.com",
        "mailtos://u:p@example.com?to=a%2Bb@example.com&+X-Team=ml",
        "mailto://user:p@example.com?to=user@example.com",
        f"{SLACK}/%23general",
        f"{SLACK}/+C0123:1503435956.000247",
        f"{TELEGRAM}/-100123:55",
        f"{TELEGRAM}/@channel_name",
        f"{TWILIO}/+1(555)123-4568",
        f"{TWILIO}?to=%2B1 555 123 4568",
        "json://example.com/path/a,b?+X-Key=1&-q=2&:k=v",
        "https://hooks.slack.com/services/T12345678/B12345678/abcdefghijklmnopqrstuvwx",
        "https://discord.com/api/webhooks/1234567890/abcdefghij",
        "ntfy://example.com/topic?Priority=high",
        "matrix://u:p@example.com/!id:example.org",
    ],
)
def test_a_url_as_people_write_it_stays_accepted(url: str) -> None:
    open_channel("it", url).close()
