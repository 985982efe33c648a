"""Whatever people write (a configuration, an identifier, a channel's URL), it is read, or refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import example, given
from hypothesis import strategies as st
from support_config import ARN, EXAMPLE
from support_fuzz import HOSTILE, fuzzing

from watcher.channels import BadChannel, open_channel
from watcher.config import BadConfigFile, load
from watcher.errors import BadIdentifier, WatchError
from watcher.identifiers import JobArn, parse_identifier

T = TypeVar("T")

LINES = [line.removeprefix("#") for line in EXAMPLE.read_text().splitlines() if line.strip()]
KEYS = sorted({line.partition("=")[0].strip() for line in LINES if "=" in line and " " not in line.partition(" =")[0]})
URLS = (
    "slack://T12345678/B12345678/abcdefghijklmnop",
    "slack://xoxb-123456-123456-abcdefghijkl/#jobs",
    "mailtos://user:password@smtp.example.com:587/?from=a@example.com&to=b@example.com",
    "jsons://user:password@127.0.0.1:8443/path?+X-Token=abc",
    "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz",
    "tgram://123456789:abcdefg_hijklmnop/12315544/",
    "mmosts://hooks.example.com/3ccdd113474722377935511fc85d3dd4",
    "msteams://group@abc/0123456789abcdef/0123456789abcdef/",
    "ntfys://topic",
)

values: st.SearchStrategy[Any] = st.recursive(
    st.none().map(lambda _: "")
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def toml(value: Any) -> str:
    """Return *value* in TOML's words, more or less: what cannot be said is bad input, too."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value) if isinstance(value, float) else json.dumps(value)


@st.composite
def configurations(draw: st.DrawFn) -> bytes:
    """Draw lines of the example in any order, with made-up ones between them, and now and then a broken byte."""
    made_up = st.tuples(st.sampled_from(KEYS) | st.text(max_size=8), values).map(
        lambda pair: f"{pair[0]} = {toml(pair[1])}"
    )
    lines = draw(st.lists(st.sampled_from(LINES) | made_up, max_size=12))
    text = "\n".join(lines).encode(errors="surrogatepass")
    place = draw(st.integers(0, len(text)))
    return text[:place] + draw(st.sampled_from((b"", b"", b"", b"\xff", b"\x00", b"[[", b'"', b"\r"))) + text[place:]


def mutated(originals: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return texts that are nearly one of *originals*."""
    cuts = st.tuples(originals, st.integers(0, 80), st.integers(0, 80), st.sampled_from(HOSTILE) | st.text(max_size=10))
    return cuts.map(lambda cut: cut[0][: cut[1]] + cut[3] + cut[0][cut[2] :])


def attempt(call: Callable[[], T]) -> T | WatchError:
    """Return what *call* returns, or the error that a person is told; anything else is a bug, and shows."""
    try:
        return call()
    except WatchError as error:
        return error


@fuzzing
@given(configurations())
@example(b"state_dir = 1979-05-27")
@example(b"[poll]\nfastest = nan")
@example(b"[poll]\nfastest = inf")
@example(b'[[channel]]\nname = "a"\nurl = "slack://a/b/c"\n[[channel]]\nname = "a"\nurl = "slack://a/b/c"')
def test_a_configuration_is_read_or_every_mistake_is_named(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(text)
    file.chmod(0o600)
    config = attempt(partial(load, str(file), {"HOME": str(tmp_path)}))
    if isinstance(config, WatchError):
        assert isinstance(config, BadConfigFile)
        assert config.mistakes
        assert str(config).strip()
    else:
        assert 0 < config.poll.fastest <= config.poll.slowest


@fuzzing
@given(mutated(st.sampled_from((ARN, "nova-support-v3"))) | st.text(max_size=80))
@example("nova\n")
@example(ARN + "\n")
@example(ARN.replace("123456789012", "\u0661" * 12))
@example("\u0131nova")
def test_an_identifier_is_one_that_aws_could_know_or_is_refused(text: str) -> None:
    """What is accepted is said again by the same letters, printable ASCII, and is never empty: AWS would List then."""
    found = attempt(partial(parse_identifier, text))
    if isinstance(found, WatchError):
        assert isinstance(found, BadIdentifier)
        assert found.remedy
        return
    assert str(found) == text
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text
    assert not isinstance(found, JobArn) or len(found.account) == 12


@fuzzing
@given(mutated(st.sampled_from(URLS)) | st.text(max_size=40))
@example("json://[")
@example("json://127.0.0.1:99999/")
@example("mailto://a:b@example.com?to=%00")
@example("slack://xoxb-1/\ud800")
@example("slack://\x00abcdefghijklmnop")
@example("slack://abcdefghijklmnop\x07qrst")
def test_a_channels_url_opens_a_channel_or_is_refused_without_showing_it(url: str) -> None:
    """Nothing is sent; whatever Apprise trips over in a URL is our refusal, and holds no word of the secret."""
    channel = attempt(partial(open_channel, "fuzzed", url))
    if isinstance(channel, WatchError):
        assert isinstance(channel, BadChannel)
        assert "fuzzed" in channel.what
        for secret in ("abcdefghijklmnop", "xoxb-123456-123456", "3ccdd113474722377935511fc85d3dd4"):
            assert secret not in str(channel)
    else:
        assert channel.service
        channel.close()
