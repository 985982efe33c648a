"""Where the configuration and the state directory are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_config import PEM, as_nobody, open_dir, read, write

from watcher.config import Config, find, load
from watcher.errors import BadConfig, ExitCode

SYSTEM = "watcher.config.files.SYSTEM_PATH"


@pytest.fixture(name="open_dir")
def _open_dir() -> Iterator[Path]:
    with open_dir() as directory:
        yield directory


def test_without_any_file_the_built_in_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is no mistake."""
    monkeypatch.setattr(SYSTEM, tmp_path / "none.toml")
    config = load(None, {"HOME": str(tmp_path)})
    assert config == Config(path=None, state_dir=tmp_path / ".local/state/bedrock-watch")
    assert (config.poll.fastest, config.poll.slowest, config.poll.blind_after) == (30.0, 120.0, 600.0)
    assert (config.aws.connect_timeout, config.aws.read_timeout) == (5.0, 20.0)
    assert config.aws.verify_ssl
    assert config.aws.sign


def test_the_named_file_goes_before_the_environments_before_the_users_before_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is found only when those before it are not there."""
    users = tmp_path / "home/.config/bedrock-watch/config.toml"
    machines = tmp_path / "etc.toml"
    monkeypatch.setattr(SYSTEM, machines)
    env = {"HOME": str(tmp_path / "home")}
    assert find(None, env) is None
    machines.touch()
    assert find(None, env) == machines
    users.parent.mkdir(parents=True)
    users.touch()
    assert find(None, env) == users
    assert find(None, {**env, "BEDROCK_WATCH_CONFIG": "~/mine.toml"}) == tmp_path / "home/mine.toml"
    assert find("/named.toml", {**env, "BEDROCK_WATCH_CONFIG": "~/mine.toml"}) == Path("/named.toml")


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The convention of the XDG rules is kept for ours."""
    monkeypatch.setattr(SYSTEM, tmp_path / "none.toml")
    assert find(None, {"HOME": str(tmp_path), "BEDROCK_WATCH_CONFIG": "", "XDG_CONFIG_HOME": ""}) is None


def test_the_users_configuration_follows_xdg(tmp_path: Path) -> None:
    """``$XDG_CONFIG_HOME`` counts when it is absolute."""
    file = tmp_path / "bedrock-watch/config.toml"
    file.parent.mkdir()
    file.touch()
    assert find(None, {"HOME": "/nowhere", "XDG_CONFIG_HOME": str(tmp_path)}) == file


def test_a_relative_name_starts_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path that is reported is absolute, so that it means the same to everybody."""
    write(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    assert load("config.toml", {}).path == tmp_path / "config.toml"


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_named_file_that_is_not_there_is_a_mistake(tmp_path: Path, how: str) -> None:
    """Falling back to another configuration would watch other jobs."""
    missing = str(tmp_path / "missing.toml")
    with pytest.raises(BadConfig, match=r"missing\.toml") as caught:
        load(missing, {}) if how == "option" else load(None, {"BEDROCK_WATCH_CONFIG": missing})
    assert caught.value.exit_code == ExitCode.BAD_CONFIG
    assert "No such file" in str(caught.value)
    assert "config init" in str(caught.value)


@pytest.mark.parametrize("name", ["", "/", "a\0b"])
def test_a_name_that_cannot_be_a_file_is_a_mistake(name: str) -> None:
    """An empty --config is an unset shell variable, not a wish for the defaults."""
    with pytest.raises(BadConfig, match="cannot be read"):
        load(name, {})


def test_a_file_that_one_may_not_read_is_for_its_owner(open_dir: Path) -> None:
    """No group is named: nothing makes one."""
    path = write(open_dir, "")
    Path(path).chmod(0)
    with as_nobody(), pytest.raises(BadConfig, match="may not read") as caught:
        load(path, {})
    assert "with sudo (you are " in str(caught.value)


def test_the_machines_file_counts_as_there_even_if_one_may_not_look(
    open_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passing over it would add a job to a database that nobody watches."""
    closed = open_dir / "etc"
    closed.mkdir()
    (closed / "config.toml").touch()
    closed.chmod(0)
    monkeypatch.setattr(SYSTEM, closed / "config.toml")
    with as_nobody():
        assert find(None, {"HOME": str(open_dir)}) == closed / "config.toml"
    closed.chmod(0o700)


def test_somebody_elses_home_is_passed_over(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sudo may leave $HOME as it was, and a hardened service cannot enter any."""
    home = open_dir / "home"
    (home / ".config/bedrock-watch").mkdir(parents=True)
    (home / ".config/bedrock-watch/config.toml").touch()
    home.chmod(0)
    monkeypatch.setattr(SYSTEM, open_dir / "none.toml")
    with as_nobody():
        assert find(None, {"HOME": str(home)}) is None
    home.chmod(0o700)


@pytest.mark.parametrize(
    ("text", "env", "expected", "origin"),
    [
        ('state_dir = "/srv/watch"', {"STATE_DIRECTORY": "/var/lib/x"}, "/srv/watch", "this file"),
        ("", {"STATE_DIRECTORY": "/var/lib/x:/var/lib/y", "XDG_STATE_HOME": "/xdg"}, "/var/lib/x", "$STATE_DIRECTORY"),
        ("", {"XDG_STATE_HOME": "/xdg"}, "/xdg/bedrock-watch", "$XDG_STATE_HOME"),
        ("", {"XDG_STATE_HOME": "relative"}, "/home/me/.local/state/bedrock-watch", "the XDG default"),
    ],
)
def test_the_state_directory_is_the_files_else_systemds_else_the_users(
    tmp_path: Path, text: str, env: dict[str, str], expected: str, origin: str
) -> None:
    """And it is known who chose it."""
    config = read(tmp_path, text, HOME="/home/me", **env)
    assert config.state_dir == Path(expected)
    assert config.origins["state_dir"] == origin


def test_paths_are_relative_to_the_file_and_the_tilde_is_the_home(tmp_path: Path) -> None:
    """A configuration means the same from every working directory."""
    (tmp_path / "ca.pem").write_text(PEM)
    config = read(
        tmp_path,
        'state_dir = "~/state"\n[aws]\nca_bundle = "ca.pem"\n[[channel]]\nname = "a"\nurl_file = "secrets/a"',
        HOME="/home/me",
    )
    assert config.state_dir == Path("/home/me/state")
    assert config.aws.ca_bundle == tmp_path / "ca.pem"
    assert config.channels[0].url_file == tmp_path / "secrets/a"
