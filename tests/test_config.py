"""The configuration: what is read from the file, and the example that is shipped."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_config import ARN, EXAMPLE, HOOK, PEM, one_time_zone, read, write

from watcher.config import (
    AccountConfig,
    AwsConfig,
    ChannelConfig,
    Config,
    DiscoverConfig,
    HeartbeatConfig,
    JobConfig,
    PollConfig,
    QueueConfig,
    RemindConfig,
    format_duration,
    load,
    parse_duration,
)
from watcher.model import DEFAULT_EVENTS, EVENTS


@pytest.fixture(autouse=True)
def _zones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with one_time_zone(tmp_path_factory.mktemp("zones")):
        yield


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("2m", 120.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("500ms", 0.5),
        ("100ms", 0.1),
        ("1m500ms", 60.5),
        ("1.5s", 1.5),
        ("7d", 604800.0),
        ("0s", 0.0),
        (45, 45.0),
        (0.25, 0.25),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str | float, seconds: float) -> None:
    """The units may be combined from large to small; a number is seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "30", "30 sec", "-1s", "1m1h", "1s1s", "\u0663s", "1_0s", "1e3s", "9" * 400 + "s", 10**400, -1]
)
def test_what_is_no_length_of_time_is_refused(text: str | float) -> None:
    """A text without a unit, too: nobody can know which one was meant."""
    with pytest.raises(ValueError, match="a length of time"):
        parse_duration(text)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_no_length_of_time(number: float) -> None:
    """TOML can say nan and inf."""
    with pytest.raises(ValueError, match="a length of time"):
        parse_duration(number)


@given(st.floats(min_value=0.001, max_value=604800, allow_nan=False) | st.integers(0, 604800).map(float))
def test_a_length_of_time_that_is_written_is_read_back_exactly(seconds: float) -> None:
    """``config show`` prints with one what ``load`` reads with the other."""
    assert parse_duration(format_duration(seconds)) == seconds


def test_every_key_is_read(tmp_path: Path) -> None:
    """One document with all of them, and what it becomes."""
    (tmp_path / "ca.pem").write_text(PEM)
    config = read(
        tmp_path,
        f"""
        state_dir = "/srv/watch"
        timezone = "Europe/Berlin"
        [poll]
        fastest = "500ms"
        slowest = 60
        blind_after = "1h"
        [aws]
        region = "us-west-2"
        profile = "research"
        endpoint_url = "http://127.0.0.1:4566"
        ca_bundle = "ca.pem"
        verify_ssl = false
        sign = false
        connect_timeout = 1.5
        read_timeout = "30s"
        [remind]
        overdue_factor = 3
        stall_after = "1d"
        stopping_after = "off"
        queued_after = 600
        [[job]]
        id = "{ARN}"
        label = "support bot v3"
        tags = ["team-support"]
        expect = "4h"
        [[job]]
        id = "by-name"
        [[job]]
        id = "by-name"
        region = "eu-central-1"
        profile = "other"
        [[channel]]
        name = "ml-slack"
        url = "{HOOK}"
        on = ["failed", "step"]
        tags = ["team-support"]
        accounts = ["123456789012"]
        regions = ["us-east-1", "eu-central-1"]
        names = ["prod-*", "*bot*", "prod-*"]
        burst = 0
        digest = "9:05"
        title = "{{{{ outcome }}}}"
        body = '''
{{{{ gist }}}}
\tsee'''
        ca_bundle = "ca.pem"
        [[channel]]
        name = "mail"
        url_credential = "mail"
        """,
    )
    assert config.path == tmp_path / "config.toml"
    assert (config.state_dir, config.timezone) == (Path("/srv/watch"), "Europe/Berlin")
    assert config.poll == PollConfig(fastest=0.5, slowest=60.0, blind_after=3600.0)
    assert config.aws == AwsConfig(
        "us-west-2", "research", "http://127.0.0.1:4566", tmp_path / "ca.pem", False, False, 1.5, 30.0
    )
    assert config.remind == RemindConfig(3.0, 86400.0, 0.0, 600.0)
    assert config.jobs == (
        JobConfig(ARN, "support bot v3", frozenset({"team-support"}), "us-east-1", None, 14400.0),
        JobConfig("by-name", region="us-west-2"),
        JobConfig("by-name", region="eu-central-1", profile="other"),
    )
    assert config.channels == (
        ChannelConfig(
            "ml-slack",
            HOOK,
            on=frozenset({"failed", "step"}),
            tags=frozenset({"team-support"}),
            accounts=frozenset({"123456789012"}),
            regions=frozenset({"us-east-1", "eu-central-1"}),
            names=("prod-*", "*bot*"),
            burst=0,
            digest=(9, 5),
            title="{{ outcome }}",
            body="{{ gist }}\n\tsee",
            ca_bundle=tmp_path / "ca.pem",
        ),
        ChannelConfig("mail", url_credential="mail", on=DEFAULT_EVENTS),
    )


def test_a_job_by_name_needs_no_region_here(tmp_path: Path) -> None:
    """The AWS profile may know it."""
    assert read(tmp_path, '[[job]]\nid = "by-name"').jobs == (JobConfig("by-name"),)


def test_a_byte_order_mark_says_nothing(tmp_path: Path) -> None:
    """Windows editors write one."""
    assert load(write(tmp_path, b'\xef\xbb\xbfstate_dir = "/srv"'), {}).state_dir == Path("/srv")


def activated(text: str) -> str:
    """Return the example with every key that is commented out in force."""
    return re.sub(r"(?m)^#(?=\[|[a-z_]+ =)", "", text)


def example_keys(document: dict[str, Any]) -> dict[str, set[str]]:
    """Return the keys of each section of a parsed document."""
    keys: dict[str, set[str]] = {"": set(document)}
    for section, value in document.items():
        for table in value if isinstance(value, list) else [value]:
            if isinstance(table, dict):
                keys.setdefault(section, set()).update(table)
    return keys


def test_the_example_is_the_one_that_config_init_writes() -> None:
    """The package carries a copy, because a wheel holds the package alone."""
    assert (EXAMPLE.parent.parent.parent / "config" / "bedrock-watch.toml").read_bytes() == EXAMPLE.read_bytes()


def test_the_example_as_it_is_shipped_changes_nothing(tmp_path: Path) -> None:
    """All of it is commented out."""
    config = load(write(tmp_path, EXAMPLE.read_bytes()), {"HOME": "/home/me"})
    assert config == Config(path=tmp_path / "config.toml", state_dir=Path("/home/me/.local/state/bedrock-watch"))
    assert config.warnings == ()


def test_the_example_is_right_with_every_key_in_force(tmp_path: Path) -> None:
    """Whoever takes away a comment sign gets something that works."""
    (tmp_path / "corporate-ca.pem").write_text(PEM)
    config = read(tmp_path, activated(EXAMPLE.read_text()))
    assert len(config.jobs) == 2
    assert [channel.name for channel in config.channels] == ["ml-slack", "oncall-mail", "automation"]
    assert config.warnings == ()
    assert config.poll == PollConfig()
    assert config.remind == RemindConfig()
    assert (config.aws.connect_timeout, config.aws.read_timeout) == (5.0, 20.0)
    assert (config.aws.sign, config.aws.verify_ssl) == (True, True)


def test_the_example_shows_every_key_there_is() -> None:
    """And every event."""
    text = EXAMPLE.read_text()
    assert example_keys(tomllib.loads(activated(text))) == {
        "": {
            "state_dir",
            "timezone",
            "keep",
            "poll",
            "aws",
            "remind",
            "heartbeat",
            "account",
            "job",
            "discover",
            "queue",
            "channel",
        },
        "poll": {field.name for field in fields(PollConfig)},
        "aws": {field.name for field in fields(AwsConfig)},
        "remind": {field.name for field in fields(RemindConfig)},
        "heartbeat": {field.name for field in fields(HeartbeatConfig)} - {"url", "url_credential"},  # one of three
        "account": {field.name for field in fields(AccountConfig)},
        "job": {field.name for field in fields(JobConfig)},
        "discover": {field.name for field in fields(DiscoverConfig)} - {"places"},
        "queue": {field.name for field in fields(QueueConfig)} - {"name", "account", "title"},
        "channel": {field.name for field in fields(ChannelConfig)},
    }
    assert all(re.search(rf"(?m)^#  .*\b{event}\b", text) for event in EVENTS)


def test_reading_the_configuration_imports_nothing_but_the_standard_library() -> None:
    """Commands that only read the database read it too."""
    code = "import sys, watcher.config; watcher.config.load(sys.argv[1]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, EXAMPLE], capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert "watcher" in roots
    assert not roots & {"aioboto3", "botocore", "apprise", "structlog", "anyio", "click", "msgspec", "rich", "zoneinfo"}
