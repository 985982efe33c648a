"""What is wrong with a configuration, and in which words; what is only unwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_config import ARN, HOOK, SECRET, as_nobody, one_time_zone, only, open_dir, read, write

from watcher.config import BadConfigFile, PollConfig, examine, load
from watcher.errors import BadConfig, ExitCode


@pytest.fixture(autouse=True)
def _zones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with one_time_zone(tmp_path_factory.mktemp("zones")):
        yield


@pytest.fixture(name="open_dir")
def _open_dir() -> Iterator[Path]:
    with open_dir() as directory:
        yield directory


@pytest.mark.parametrize(
    ("text", "key", "what", "remedy"),
    [
        ("[poll]\nfastets = 1", "poll.fastets", "unknown key", "did you mean fastest?"),
        ("[channels]", "channels", "unknown key", "did you mean channel?"),
        ("[zzz]", "zzz", "unknown key", "the keys here are state_dir"),
        ("[poll]\nfastest = true", "poll.fastest", "is true or false", "a number of seconds"),
        ('[poll]\nfastest = "soon"', "poll.fastest", "is not a length of time", '"30s"'),
        ("[poll]\nfastest = nan", "poll.fastest", "is not a length of time", "a number from 0 up"),
        ('[poll]\nfastest = "99ms"', "poll.fastest", "is too short", "from 100ms to 24h"),
        ('[poll]\nblind_after = "8d"', "poll.blind_after", "is too long", "from 100ms to 7d"),
        ('[poll]\nfastest = "5m"', "poll.fastest", "5m is longer than slowest (2m, the default)", "raise slowest"),
        ('[aws]\nread_timeout = "3m"', "aws.read_timeout", "is too long", "2m"),
        ('[aws]\nsign = "no"', "aws.sign", "is a text", "true or false"),
        ("[aws]\nprofile = 1", "aws.profile", "is a number", "a text"),
        ("[aws]\nprofile = 2024-01-01", "aws.profile", "is a date or time", "a text"),
        ('[aws]\nprofile = " "', "aws.profile", "is empty", "leave the key out"),
        ('[aws]\nprofile = "a\\nb"', "aws.profile", "line break", "one line"),
        ('[aws]\nregion = "US East"', "aws.region", "is not a region", ""),
        ('[aws]\nregion = "US-East-1"', "aws.region", "is not a region", ""),
        ("[[job]]\nid = 'n'\nregion = 'narnia'", "job[1].region", "is not a region", ""),
        ("[[job]]\nid = 'my_job'", "job[1].id", "neither a Bedrock job ARN", 'add region = "..."'),
        ("[poll]\nstate_dir = '/x'", "poll.state_dir", "unknown key", "put it above the first [table]"),
        ("[[channel]]\nname = 'a'\nurl = 'json://h'\ntimezone = 'UTC'", 'channel "a".timezone', "unknown", "top-level"),
        ("state_dir = 'config.toml/state'", "state_dir", "config.toml is not a directory", "name a directory"),
        ('[aws]\nendpoint_url = "127.0.0.1:4566"', "aws.endpoint_url", "is not an http", "http://127.0.0.1:4566"),
        ('[aws]\nendpoint_url = "ftp://host"', "aws.endpoint_url", "is not an http", ""),
        ('[aws]\nendpoint_url = "http://"', "aws.endpoint_url", "is not an http", ""),
        ('[aws]\nendpoint_url = "http://[::1"', "aws.endpoint_url", "is not an http", ""),
        ('[aws]\nendpoint_url = "http://h:99999"', "aws.endpoint_url", "is not an http", ""),
        ('[aws]\nca_bundle = "missing.pem"', "aws.ca_bundle", "No such file", "correct"),
        ('[aws]\nca_bundle = "/"', "aws.ca_bundle", "is not a file of certificates", "PEM"),
        ('[aws]\nca_bundle = "/etc/hostname"', "aws.ca_bundle", "is not a file of certificates", "PEM"),
        ('[heartbeat]\nca_bundle = "/dev/zero"', "heartbeat.ca_bundle", "is not a file of certificates", "PEM"),
        ('[aws]\nca_bundle = "https://ca"', "aws.ca_bundle", "is a URL", "write the path"),
        ('timezone = "Europe/Berln"', "timezone", "is not a time zone", "did you mean Europe/Berlin?"),
        ('timezone = "Europe"', "timezone", "is not a time zone", ""),
        ('timezone = "../../etc/passwd"', "timezone", "is not a time zone", "tzdata"),
        ("[[poll]]\nfastest = 1", "poll", "is a list", "begins with [poll]"),
        ("[job]\nid = 'x'", "job", "is a table", "begins with [[job]]"),
        ("job = ['x']", "job[1]", "is a text", "begins with [[job]]"),
        ("[[job]]", "job[1].id", "is missing", "arn:aws:bedrock:"),
        ("[[job]]\nid = 'not a name'", "job[1].id", "neither a Bedrock job ARN nor a job name", "expected arn:"),
        ("[[job]]\nid = 'arn:aws:s3:::x'", "job[1].id", "not a Bedrock job ARN", "expected arn:"),
        (f"[[job]]\nid = '{ARN}'\nregion = 'eu-west-1'", "job[1].region", "ARN says us-east-1", "leave the region out"),
        (f"[[job]]\nid = '{ARN}'\n" * 2, "job[2].id", "is there twice", "keep one"),
        ("[[job]]\nid = 'n'\n" * 2, "job[2].id", "is there twice", "keep one"),
        ("[[job]]\nid = 'n'\nlabel = ''", "job[1].label", "is empty", ""),
        ("[[job]]\nid = 'n'\ntags = 'a'", "job[1].tags", "is a text", "a list of texts"),
        ("[[job]]\nid = 'n'\ntags = ['a', 1]", "job[1].tags[2]", "is a number", "a text"),
        ("[[job]]\nid = 'n'\nlabels = ['a']", "job[1].labels", "unknown key", "did you mean label?"),
        ("[[channel]]\nurl = 'json://h'", "channel[1].name", "is missing", "letters"),
        ("[[channel]]\nname = 'a b'\nurl = 'json://h'", "channel[1].name", "is not a name of letters", ""),
        ("[[channel]]\nname = 'a'", 'channel "a"', "has no URL", "exactly one of"),
        ("[[channel]]\nname = 'a'\nurl = 'json://h'\nurl_file = 'f'", 'channel "a"', "url and url_file", "exactly one"),
        ("[[channel]]\nname = 'a'\nurl = 'example.com'", 'channel "a".url', "is not an Apprise URL", ""),
        ("[[channel]]\nname = 'a'\nurl_file = 'slack://x'", 'channel "a".url_file', "is a URL", "goes in url"),
        ("[[channel]]\nname = 'a'\nurl_credential = '../x'", 'channel "a".url_credential', "name of a systemd", ""),
        ("[[channel]]\nname = 'a'\nurl = 'json://h'\n" * 2, "channel[2].name", 'two channels named "a"', "rename"),
        (
            "[[channel]]\nname = 'a'\nurl = 'json://h'\non = ['fialed']",
            'channel "a".on',
            "fialed",
            "did you mean failed?",
        ),
        ("[[channel]]\nname = 'a'\nurl = 'json://h'\non = ['zzz']", 'channel "a".on', "zzz", "the events are appeared"),
        ("[[channel]]\nname = 'a'\nurl = 'json://h'\non = 'failed'", 'channel "a".on', "is a text", "a list of texts"),
        ("a = ?", "line 1, column 5", "is not TOML: Invalid value", "double quotes"),
        ("[channel]\n[channel]", "line 2, column 9", "is not TOML", "[[channel]]"),
        (b"# ok\nx = '\xff'", "line 2", "is not UTF-8", "save the file as UTF-8"),
        ("x = " + "[" * 5000, "", "is nested too deeply", ""),
        ("x = " + "1" * 5000, "", "is not TOML", ""),
    ],
)
def test_a_mistake_says_where_what_and_what_next(
    tmp_path: Path, text: str | bytes, key: str, what: str, remedy: str
) -> None:
    """Each with its key, and a remedy where the text of the mistake does not already say it."""
    mistake = only(tmp_path, text)
    assert mistake.key == key
    assert what in mistake.what
    assert remedy in mistake.remedy


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Nobody should have to run the check once for each."""
    text = "nope = 1\n[poll]\nfastest = 0\n[aws]\nsign = 1\n[[channel]]\nname = 'a'\non = ['x', 'y']"
    with pytest.raises(BadConfigFile) as caught:
        load(write(tmp_path, text), {})
    keys = [mistake.key for mistake in caught.value.mistakes]
    assert keys == ["poll.fastest", "aws.sign", 'channel "a".on', 'channel "a".on', 'channel "a"', "nope"]
    words = str(caught.value)
    assert words.startswith(f"{tmp_path / 'config.toml'}: 6 mistakes\n")
    assert all(mistake.what in words and mistake.remedy in words for mistake in caught.value.mistakes)


def test_a_state_directory_that_is_a_file_is_a_mistake(tmp_path: Path) -> None:
    """One that does not exist yet is none."""
    (tmp_path / "state").touch()
    assert only(tmp_path, 'state_dir = "state"').what.endswith("state is not a directory")
    assert read(tmp_path, 'state_dir = "state2"').state_dir == tmp_path / "state2"


def test_a_certificate_that_one_may_not_see_is_no_mistake(open_dir: Path) -> None:
    """The service may see it."""
    closed = open_dir / "private"
    closed.mkdir()
    (closed / "ca.pem").touch()
    closed.chmod(0)
    path = write(open_dir, '[aws]\nca_bundle = "private/ca.pem"')
    Path(path).chmod(0o644)
    with as_nobody():
        config = load(path, {})
    closed.chmod(0o700)
    assert config.aws.ca_bundle == closed / "ca.pem"


def test_what_is_right_is_kept_beside_what_is_wrong(tmp_path: Path) -> None:
    """So that the check can look at the good channels of a bad file."""
    config, found = examine(write(tmp_path, f"[poll]\nfastest = 0\n[[channel]]\nname = 'a'\nurl = '{HOOK}'"), {})
    assert [mistake.key for mistake in found] == ["poll.fastest"]
    assert [channel.name for channel in config.channels] == ["a"]
    assert config.poll == PollConfig()


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("[aws]\nverify_ssl = false", "can pose as AWS"),
        ("[aws]\nsign = false", "not signed"),
        ("[[channel]]\nname = 'a'\nurl = 'json://h'\non = []", 'channel "a".on is empty'),
    ],
)
def test_what_works_and_is_unwise_is_a_warning(tmp_path: Path, text: str, warning: str) -> None:
    """The configuration is loaded all the same."""
    (found,) = read(tmp_path, text).warnings
    assert warning in found


@pytest.mark.parametrize(
    ("mode", "key", "count"),
    [(0o644, "url", 1), (0o640, "url", 0), (0o600, "url", 0), (0o644, "url_file", 0)],
)
def test_a_url_in_a_file_that_everybody_may_read_is_a_warning(tmp_path: Path, mode: int, key: str, count: int) -> None:
    """A group's file is what the service is installed with."""
    value = HOOK if key == "url" else "secret"
    path = Path(write(tmp_path, f"[[channel]]\nname = 'a'\n{key} = '{value}'"))
    path.chmod(mode)
    warnings = load(str(path), {}).warnings
    assert len(warnings) == count
    assert SECRET not in "".join(warnings)


TOP = ["state_dir", "timezone", "keep", "poll", "aws", "remind", "heartbeat", "job", "channel"]
BELOW = ["id", "label", "tags", "name", "url", "url_file", "url_credential", "on", "region", "profile", "ca_bundle"]
CHOICES = ["accounts", "regions", "names", "burst", "digest", "title", "body", "expect"]
LIMITS = ["fastest", "slowest", "endpoint_url", "sign", "connect_timeout", "overdue_factor", "stall_after"]
KEYS = st.sampled_from([*TOP, *BELOW, *CHOICES, *LIMITS])
VALUES: st.SearchStrategy[str] = st.recursive(
    st.text(st.characters(codec="utf-8"), max_size=8).map(lambda text: '"' + "".join(map(_escaped, text)) + '"')
    | st.sampled_from(["inf", "nan", "true", "0", "-1", "1e999", "1979-05-27", "07:32:00", "9" * 400, '"~x/y"'])
    | st.sampled_from(['"../"', '"http://[/"', '"http://h:x"', '"1s"', '"failed"', f'"{ARN}"', '"json://h"', '"n"'])
    | st.sampled_from(
        ['"off"', '"0s"', '"09:00"', '"24:00"', '"123456789012"', '"{{"', '"a\\nb"', '"[a"', "20", "2.5"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(KEYS, inner, max_size=3).map(
            lambda table: f"{{{', '.join(f'{key} = {value}' for key, value in table.items())}}}"
        )
    ),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=6).map(
    lambda table: "".join(f"{key} = {value}\n" for key, value in table.items()).encode()
)


def _escaped(character: str) -> str:
    return f"\\U{ord(character):08x}"


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | DOCUMENTS)
def test_whatever_is_in_the_file_it_is_loaded_or_refused(data: bytes) -> None:
    """Never a traceback."""
    with TemporaryDirectory() as name:
        path = write(Path(name), data)
        try:
            config = load(path, {"HOME": name})
        except BadConfig as error:
            assert error.exit_code == ExitCode.BAD_CONFIG  # noqa: PT017 - being refused is one of two right answers
        else:
            assert config.path == Path(path)
