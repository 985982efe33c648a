"""Where a channel's URL is read from, and where it never appears."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_config import HOOK, SECRET, as_nobody, open_dir, read, write

from watcher.config import AwsConfig, BadConfigFile, ChannelConfig, SecretUnreadable, load
from watcher.errors import ExitCode


@pytest.fixture(name="open_dir")
def _open_dir() -> Iterator[Path]:
    with open_dir() as directory:
        yield directory


def channel(directory: Path, line: str) -> ChannelConfig:
    """Return a channel whose URL is where *line* says."""
    (found,) = read(directory, f"[[channel]]\nname = 'a'\n{line}").channels
    return found


def test_a_secret_is_read_from_the_file_the_credential_or_the_configuration(tmp_path: Path) -> None:
    """White space around it is an editor's."""
    (tmp_path / "hook").write_text(f"\n  {HOOK}\r\n\n")
    assert channel(tmp_path, f"url = '{HOOK}'").secret({}) == HOOK
    assert channel(tmp_path, "url_file = 'hook'").secret({}) == HOOK
    assert channel(tmp_path, "url_credential = 'hook'").secret({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == HOOK


def test_a_secret_is_read_anew_each_time(tmp_path: Path) -> None:
    """A token that was exchanged counts at once, and an old one is not kept."""
    found = channel(tmp_path, "url_file = 'hook'")
    (tmp_path / "hook").write_text("json://one")
    assert found.secret({}) == "json://one"
    (tmp_path / "hook").write_text("json://two")
    assert found.secret({}) == "json://two"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b" \n", "is empty"),
        (HOOK.encode() + b"\n" + HOOK.encode(), "more than one line"),
        (HOOK.encode() + b"\xff", "not text in UTF-8"),
    ],
)
def test_a_secret_that_cannot_be_used_names_channel_file_and_reason_but_not_itself(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """Not in the text, and not in the errors that it came from."""
    if content is not None:
        (tmp_path / "hook").write_bytes(content)
    with pytest.raises(SecretUnreadable, match=reason) as caught:
        channel(tmp_path, "url_file = 'hook'").secret({})
    error = caught.value
    assert 'channel "a"' in str(error)
    assert str(tmp_path / "hook") in str(error)
    assert error.remedy
    assert not error.not_checkable
    assert error.exit_code == ExitCode.BAD_CONFIG
    assert SECRET not in f"{error!r} {error} {error.__cause__!r}"


def test_a_secret_for_other_eyes_is_not_checkable_here(open_dir: Path) -> None:
    """That is not an error of the configuration."""
    found = channel(open_dir, "url_file = 'hook'")
    (open_dir / "hook").write_text(HOOK)
    (open_dir / "hook").chmod(0o600)
    (open_dir / "hook").chmod(0)
    with as_nobody(), pytest.raises(SecretUnreadable) as caught:
        found.secret({})
    assert caught.value.not_checkable


def test_a_credential_outside_of_the_service_is_not_checkable_here(tmp_path: Path) -> None:
    """Systemd gives it to the service alone."""
    with pytest.raises(SecretUnreadable, match="hook") as caught:
        channel(tmp_path, "url_credential = 'hook'").secret({})
    assert caught.value.not_checkable


def test_neither_a_channels_url_nor_the_endpoints_password_is_in_a_repr(tmp_path: Path) -> None:
    """A repr ends in a log one day."""
    config = read(
        tmp_path,
        f"[aws]\nendpoint_url = 'http://me:{SECRET}@host:80/x?key={SECRET}'\n[[channel]]\nname='a'\nurl='{HOOK}'",
    )
    assert SECRET not in repr(config)
    assert config.aws.endpoint_shown == "http://(hidden)@host:80/x?(hidden)"
    assert config.aws.endpoint_url
    assert SECRET in config.aws.endpoint_url


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "https://[::1]:443/base"])
def test_an_endpoint_without_secrets_is_shown_as_it_is(endpoint: str) -> None:
    """Hiding what is harmless helps nobody."""
    assert AwsConfig(endpoint_url=endpoint).endpoint_shown == endpoint


@pytest.mark.parametrize(
    "lines",
    [
        f"url = '{HOOK}\\u0000'\nname = 1",
        f"url = '{SECRET}'",
        f"url = ['{HOOK}']",
        f"url = {{ x = '{HOOK}' }}",
        f"url_file = '{HOOK}'",
        f"url_credential = '{HOOK}'",
        f"ca_bundle = '{HOOK}'",
        f"name = '{HOOK}'",
        f"on = ['{HOOK}']",
        f"accounts = ['{HOOK}']",
        f"regions = ['{HOOK}']",
        f"names = '{HOOK}'",
        f"burst = '{HOOK}'",
        f"digest = '{HOOK}'",
        f'title = "{HOOK}\\u0000"',
        f"body = ['{HOOK}']",
        f"'{HOOK}' = 1",
        f"url = {HOOK}",
        f"url = '{HOOK}'\nurl = '{HOOK}'",
        f"url = '{HOOK}",
    ],
)
def test_a_url_in_the_wrong_place_is_not_repeated_in_the_mistake(tmp_path: Path, lines: str) -> None:
    """The text of a mistake is pasted into tickets."""
    with pytest.raises(BadConfigFile) as caught:
        load(write(tmp_path, f"[[channel]]\n{lines}\n"), {})
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.mistakes}"
