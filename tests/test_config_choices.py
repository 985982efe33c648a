"""The keys that say who is told of which jobs, in which words, when, and what lasts too long."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_config import only, read

from watcher.config import ChannelConfig, Config, RemindConfig, examine
from watcher.policy import Limits, Route, Traits


def channel(directory: Path, lines: str) -> ChannelConfig:
    """Return a channel that also has these lines."""
    (found,) = read(directory, f"[[channel]]\nname = 'a'\nurl = 'json://h'\n{lines}").channels
    return found


def remind(directory: Path, lines: str) -> RemindConfig:
    """Return the reminders that these lines set."""
    return read(directory, f"[remind]\n{lines}").remind


def test_the_reminders_defaults_are_those_of_the_policy() -> None:
    """The configuration has no opinion of its own."""
    assert asdict(RemindConfig()) == asdict(Limits())
    assert Config(None, Path("/")).remind == RemindConfig()


@pytest.mark.parametrize("off", ['"off"', "0", "0.0"])
def test_a_reminder_is_switched_off_by_the_word_or_by_nought(tmp_path: Path, off: str) -> None:
    """Nought is what the policy calls off; nobody can want to be reminded at once."""
    lines = "".join(f"{key} = {off}\n" for key in ("overdue_factor", "stall_after", "stopping_after", "queued_after"))
    assert remind(tmp_path, lines) == RemindConfig(0.0, 0.0, 0.0, 0.0)


def test_no_time_of_looking_can_be_switched_off(tmp_path: Path) -> None:
    """Only what [remind] says has an off."""
    assert only(tmp_path, '[poll]\nfastest = "off"').what == "is not a length of time"


@pytest.mark.parametrize(("written", "factor"), [("1", 1.0), ("1.5", 1.5), ("100", 100.0)])
def test_a_factor_is_any_number_in_its_range(tmp_path: Path, written: str, factor: float) -> None:
    """A whole one becomes a float."""
    found = remind(tmp_path, f"overdue_factor = {written}").overdue_factor
    assert (found, type(found)) == (factor, float)


@pytest.mark.parametrize(
    ("lines", "key", "what", "remedy"),
    [
        ("overdue_factor = 0.5", "overdue_factor", "is not a factor", 'a number from 1 to 100, or "off"'),
        ("overdue_factor = -2", "overdue_factor", "is not a factor", ""),
        ("overdue_factor = nan", "overdue_factor", "is not a factor", ""),
        ("overdue_factor = inf", "overdue_factor", "is not a factor", ""),
        (f"overdue_factor = {'9' * 400}", "overdue_factor", "is not a factor", ""),
        ('overdue_factor = "2h"', "overdue_factor", "is not a factor", ""),
        ("overdue_factor = true", "overdue_factor", "is true or false", 'a number from 1 to 100, or "off"'),
        ("stall_after = false", "stall_after", "is true or false", 'or "off"'),
        ('stall_after = "never"', "stall_after", "is not a length of time", 'or "off"'),
        ('stall_after = "500ms"', "stall_after", "is too short", 'from 1s to 90d, or "off"'),
        ("stopping_after = -1", "stopping_after", "is not a length of time", ""),
        ('queued_after = "91d"', "queued_after", "is too long", 'from 1s to 90d, or "off"'),
        ('stalled_after = "1h"', "stalled_after", "unknown key", "did you mean stall_after?"),
    ],
)
def test_a_mistaken_reminder_says_what_and_what_next(
    tmp_path: Path, lines: str, key: str, what: str, remedy: str
) -> None:
    """Its remedy tells that it can be switched off."""
    mistake = only(tmp_path, f"[remind]\n{lines}")
    assert (mistake.key, mistake.what) == (f"remind.{key}", what)
    assert remedy in mistake.remedy


@pytest.mark.parametrize(
    ("written", "what", "remedy"),
    [
        ('"0s"', "is too short", "from 1s to 90d"),
        ('"91d"', "is too long", ""),
        ('"off"', "is not a length of time", "30s"),
        ('"tomorrow"', "is not a length of time", "30s"),
        ("[4]", "is a list", "30s"),
    ],
)
def test_what_a_job_is_expected_to_take_is_a_length_of_time(
    tmp_path: Path, written: str, what: str, remedy: str
) -> None:
    """Not said, it is for [remind] to know."""
    mistake = only(tmp_path, f"[[job]]\nid = 'n'\nexpect = {written}")
    assert (mistake.key, mistake.what) == ("job[1].expect", what)
    assert remedy in mistake.remedy
    assert read(tmp_path, "[[job]]\nid = 'n'").jobs[0].expect is None


@pytest.mark.parametrize(
    ("lines", "key", "what", "remedy"),
    [
        ('accounts = ["12345"]', "accounts[1]", "is not an AWS account: its 12 digits", ""),
        ('accounts = ["1234-5678-9012"]', "accounts[1]", "is not an AWS account", ""),
        ('accounts = ["\u0661\u0662\u0663456789012"]', "accounts[1]", "is not an AWS account", ""),
        (
            'accounts = ["123456789012", 123456789012]',
            "accounts[2]",
            "is a number",
            'in quotes, such as "123456789012"',
        ),
        ('accounts = "123456789012"', "accounts", "is a text", "a list of texts"),
        ('account = ["123456789012"]', "account", "unknown key", "did you mean accounts?"),
        ('regions = ["US East"]', "regions[1]", "is not a region, such as us-east-1", ""),
        ("regions = [1]", "regions[1]", "is a number", "a region, such as us-east-1"),
        ('names = "prod-*"', "names", "is a text", "a list of texts"),
        ('names = ["a", ""]', "names[2]", "is empty", "leave the key out"),
        ('names = ["a\\nb"]', "names[1]", "line break", "one line"),
        ("burst = -1", "burst", "is too small", "a whole number from 0 to 10000"),
        ("burst = 10_001", "burst", "is too large", "a whole number from 0 to 10000"),
        ("burst = 2.5", "burst", "is a number", "a whole number"),
        ('burst = "20"', "burst", "is a text", "a whole number"),
        ("burst = true", "burst", "is true or false", "a whole number"),
        ('digest = "24:00"', "digest", 'is not a time of day, such as "09:00"', ""),
        ('digest = "09:60"', "digest", "is not a time of day", ""),
        ('digest = "9"', "digest", "is not a time of day", ""),
        ('digest = "9am"', "digest", "is not a time of day", ""),
        ('digest = "09:00:00"', "digest", "is not a time of day", ""),
        ("digest = 09:00:00", "digest", "is a date or time", 'a time of day, such as "09:00"'),
        ('title = "a\\nb"', "title", "line break", "one line"),
        ('title = " "', "title", "is empty", "leave the key out"),
        ("title = 1", "title", "is a number", "a text"),
        ('body = ""', "body", "is empty", "leave the key out"),
        ('body = "\\u0007"', "body", "holds a control character", "line breaks and tabs"),
        ('body = "a\\rb"', "body", "holds a control character", ""),
        ('body = "\\u007f"', "body", "holds a control character", ""),
        ('body = ["a"]', "body", "is a list", "a text"),
        ('template = "a"', "template", "unknown key", "the keys here are name"),
    ],
)
def test_a_mistaken_choice_says_where_what_and_what_next(
    tmp_path: Path, lines: str, key: str, what: str, remedy: str
) -> None:
    """With the channel's name, and the place in a list."""
    mistake = only(tmp_path, f"[[channel]]\nname = 'a'\nurl = 'json://h'\n{lines}")
    assert mistake.key == f'channel "a".{key}'
    assert what in mistake.what
    assert remedy in mistake.remedy


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_minute_of_the_day_can_be_a_digests(
    tmp_path_factory: pytest.TempPathFactory, hour: int, minute: int
) -> None:
    """With or without a leading nought of the hour."""
    directory = tmp_path_factory.getbasetemp()
    assert channel(directory, f'digest = "{hour:02}:{minute:02}"').digest == (hour, minute)
    assert channel(directory, f'digest = "{hour}:{minute:02}"').digest == (hour, minute)


def test_a_channel_that_chooses_nothing_is_told_of_every_job_at_once_in_our_words(tmp_path: Path) -> None:
    """And of a burst in one message."""
    found = channel(tmp_path, "")
    assert (found.tags, found.accounts, found.regions, found.names) == (frozenset(), frozenset(), frozenset(), ())
    assert (found.digest, found.title, found.body, found.burst) == (None, None, None, 20)


@pytest.mark.parametrize("lines", ["accounts = []", "regions = []", "names = []"])
def test_an_empty_choice_is_no_choice(tmp_path: Path, lines: str) -> None:
    """As with tags: it is the list from which the last one was taken away."""
    assert channel(tmp_path, lines) == channel(tmp_path, "")


def test_the_choices_are_what_the_policy_takes(tmp_path: Path) -> None:
    """Globs keep their order and their case, and match the label."""
    found = channel(tmp_path, 'accounts = ["123456789012"]\nregions = ["us-east-1"]\nnames = ["[sS]upport *", "x"]')
    route = Route(found.name, found.on, found.tags, found.accounts, found.regions, found.names)
    assert route.wants_job(Traits(frozenset(), "123456789012", "us-east-1", ("Support bot",))).told
    assert not route.wants_job(Traits(frozenset(), "123456789012", "us-east-1", ("SUPPORT bot",))).told
    assert not route.wants_job(Traits(frozenset(), "123456789012", "us-west-2", ("Support bot",))).told
    assert not route.wants_job(Traits(frozenset(), "210987654321", "us-east-1", ("Support bot",))).told


def test_a_mistake_in_a_choice_leaves_the_channel_to_be_looked_at(tmp_path: Path) -> None:
    """The check goes on to its URL."""
    file = tmp_path / "config.toml"
    file.write_text("[[channel]]\nname = 'a'\nurl_file = 'f'\nburst = -1\ndigest = 'noon'")
    config, found = examine(str(file), {})
    assert [mistake.key for mistake in found] == ['channel "a".burst', 'channel "a".digest']
    assert config.channels == (ChannelConfig("a", url_file=tmp_path / "f"),)


def test_a_template_is_not_judged_when_the_configuration_is_read(tmp_path: Path) -> None:
    """The template engine would cost every command; a daemon falls back to its own words."""
    found = channel(tmp_path, "title = '{{ nope'\nbody = '{% if %}'")
    assert (found.title, found.body) == ("{{ nope", "{% if %}")
