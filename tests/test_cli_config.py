"""``bedrock-watch config``: its words, its documents and its exit codes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from support_config import ARN, EXAMPLE, HOOK, SECRET, as_nobody, open_dir, write

import watcher.channels
import watcher.cli.config  # noqa: F401 - imported late otherwise, when it may not be readable any more
from watcher.cli import main
from watcher.config import load
from watcher.errors import ExitCode

# Apprise tries it for PGPy's sake, and does without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_a_secret_that_everybody_may_read_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    """One in a directory that is closed to them is not."""
    with open_dir() as directory:
        path = write(directory, "[[channel]]\nname = 'a'\nurl_file = 'secrets/hook'")
        file = directory / "secrets" / "hook"
        file.parent.mkdir(0o755)
        file.write_text(HOOK)
        for directory_mode, file_mode, warned in ((0o755, 0o644, True), (0o700, 0o644, False), (0o755, 0o640, False)):
            file.parent.chmod(directory_mode)
            file.chmod(file_mode)
            with pytest.raises(SystemExit):
                main(["--config", str(path), "config", "check"])
            said = f"warning: {file} holds a secret URL and everybody on this machine may read it: chmod go-rwx it"
            assert (said in capsys.readouterr().err) == warned


NO_CHANNEL = "no channel is configured"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home directory, on a machine without a configuration."""
    for name in ("BEDROCK_WATCH_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("watcher.config.files.SYSTEM_PATH", tmp_path / "none.toml")
    return tmp_path / "home"


class Program:
    """The program, run in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.out = self.err = ""

    def __call__(self, *args: str) -> int:
        """Run it with these words; return its exit code."""
        with pytest.raises(SystemExit) as caught:
            main(list(args))
        self.out, self.err = self.capsys.readouterr()
        return int(caught.value.code or 0)

    def document(self) -> dict[str, Any]:
        """Return what it printed, read as JSON."""
        document: dict[str, Any] = json.loads(self.out)
        return document


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Program:
    """Return the program."""
    return Program(capsys)


# check


def test_check_counts_what_it_found(run: Program, tmp_path: Path) -> None:
    """The answer is data; there is nothing to say about it."""
    path = write(
        tmp_path,
        f"[[job]]\nid = '{ARN}'\n[[job]]\nid = 'n'\nregion = 'us-east-1'\n[[channel]]\nname = 'a'\nurl = 'json://127.0.0.1'",
    )
    assert run("--config", path, "config", "check") == ExitCode.DONE
    assert (run.out, run.err) == (f"ok: {path}: 2 jobs, 1 channel\n", "")


def test_check_warns_when_nobody_would_be_told(run: Program) -> None:
    """That is right for a look around and wrong for a service."""
    assert run("config", "check") == ExitCode.DONE
    assert run.out == "ok: built-in defaults (no configuration file): 0 jobs, 0 channels\n"
    assert NO_CHANNEL in run.err


def test_check_explains_each_mistake_with_file_key_and_remedy(run: Program, tmp_path: Path) -> None:
    """In words for people, on standard error."""
    path = write(tmp_path, "[poll]\nfastets = 1\n[aws]\nsign = 1")
    assert run("--config", path, "config", "check") == ExitCode.BAD_CONFIG
    assert run.out == ""
    assert run.err == (
        f"bedrock-watch: {path}: 2 mistakes\n"
        "  poll.fastets: unknown key\n"
        "    did you mean fastest?\n"
        "  aws.sign: is a number\n"
        "    expected true or false\n"
    )


def test_check_finds_a_url_that_cannot_be_opened_beside_the_other_mistakes(run: Program, tmp_path: Path) -> None:
    """What Apprise thinks of a URL is asked of the good channels of a bad file, too."""
    path = write(
        tmp_path,
        f"nope = 1\n[[channel]]\nname = 'bad'\nurl = 'nosuchservice://{SECRET}'\n"
        "[[channel]]\nname = 'good'\nurl = 'json://127.0.0.1'",
    )
    assert run("--config", path, "config", "check", "-o", "json") == ExitCode.BAD_CONFIG
    document = run.document()
    assert [mistake["key"] for mistake in document["mistakes"]] == ["nope", 'channel "bad"']
    assert [channel["state"] for channel in document["channels"]] == ["mistaken", "ok"]
    assert not document["mistakes"][1]["what"].startswith("channel")
    assert SECRET not in run.out + run.err


def test_check_finds_a_secret_that_is_missing(run: Program, tmp_path: Path) -> None:
    """The file of a secret is part of the configuration."""
    path = write(tmp_path, "[[channel]]\nname = 'a'\nurl_file = 'hook'")
    assert run("--config", path, "config", "check") == ExitCode.BAD_CONFIG
    assert f'  channel "a": its URL in {tmp_path / "hook"} cannot be read: No such file or directory\n' in run.err


def test_check_does_not_blame_a_secret_that_it_may_not_read(run: Program) -> None:
    """Neither the file of another user nor a credential that only the service is given."""
    with open_dir() as directory:
        path = write(
            directory,
            "state_dir = 'state'\n[[channel]]\nname = 'a'\nurl_file = 'hook'\n"
            "[[channel]]\nname = 'b'\nurl_credential = 'hook'",
        )
        Path(path).chmod(0o644)
        (directory / "hook").write_text(HOOK)
        (directory / "hook").chmod(0)
        directory.chmod(0o777)
        with as_nobody():
            code = run("--config", path, "config", "check", "-o", "jsonl")
    document = run.document()
    assert code == ExitCode.DONE
    assert [channel["state"] for channel in document["channels"]] == ["not checkable here"] * 2
    assert [warning.startswith("not checkable here: channel") for warning in document["warnings"]] == [True, True]


def test_check_answers_programs_in_json(run: Program, tmp_path: Path) -> None:
    """One object, with a version; on one line for jsonl."""
    path = write(tmp_path, "timezone = 1")
    assert run("--config", path, "config", "check", "-o", "jsonl") == ExitCode.BAD_CONFIG
    assert run.out.count("\n") == 1
    assert run.document() == {
        "version": 1,
        "ok": False,
        "file": path,
        "jobs": 0,
        "accounts": 0,
        "rules": 0,
        "channels": [],
        "mistakes": [{"key": "timezone", "what": "is a number", "remedy": "expected a text"}],
        "warnings": [],
    }
    assert run.err == ""


def test_a_named_configuration_that_is_not_there_fails_the_check(run: Program, tmp_path: Path) -> None:
    """With the code of bad configuration."""
    assert run("--config", str(tmp_path / "nope.toml"), "config", "check") == ExitCode.BAD_CONFIG
    assert "nope.toml" in run.err


# show


def test_show_prints_a_document_that_loads_as_the_same_configuration(run: Program, tmp_path: Path) -> None:
    """Nothing is lost but secrets: there are none in this one."""
    text = f"""
        state_dir = "state \\" \\\\"
        [poll]
        fastest = 1.5
        [aws]
        sign = false
        endpoint_url = "http://127.0.0.1:1"
        [[job]]
        id = "{ARN}"
        label = "l\u00e4bel"
        tags = ["b", "a"]
        [[job]]
        id = "n"
        [[channel]]
        name = "a"
        url_file = "hook"
        on = ["failed"]
        """
    path = write(tmp_path, text)
    if run("--config", path, "config", "show") != ExitCode.DONE:
        pytest.fail(run.err)
    assert load(write(tmp_path, run.out)) == load(write(tmp_path, text))


def test_show_says_where_each_value_comes_from(run: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file, the environment, or nobody."""
    monkeypatch.setenv("STATE_DIRECTORY", "/srv/watch")
    path = write(tmp_path, '[poll]\nfastest = "1m"')
    assert run("--config", path, "config", "show") == ExitCode.DONE
    lines = run.out.splitlines()
    assert lines[0] == f"# {path}"
    assert 'state_dir = "/srv/watch"  # $STATE_DIRECTORY' in lines
    assert 'fastest = "1m"  # this file' in lines
    assert 'slowest = "2m"  # default' in lines
    assert "# region: not set" in lines


@pytest.mark.parametrize("output", ["toml", "json", "jsonl"])
def test_show_hides_what_is_secret(run: Program, tmp_path: Path, output: str) -> None:
    """A channel's URL, and a password in the endpoint."""
    path = write(
        tmp_path, f"[aws]\nendpoint_url = 'http://me:{SECRET}@host'\n[[channel]]\nname = 'a'\nurl = '{HOOK}'\n"
    )
    assert run("--config", path, "config", "show", "-o", output) == ExitCode.DONE
    document = tomllib.loads(run.out) if output == "toml" else run.document()
    assert document["channel"][0]["url"] == "(hidden)"
    assert document["aws"]["endpoint_url"] == "http://(hidden)@host"
    assert SECRET not in run.out + run.err


def test_show_gives_programs_seconds(run: Program) -> None:
    """And null for what is not set."""
    assert run("config", "show", "-o", "json") == ExitCode.DONE
    document = run.document()
    assert (document["version"], document["file"]) == (1, None)
    assert document["poll"] == {"fastest": 30.0, "slowest": 120.0, "blind_after": 600.0}
    assert document["aws"]["region"] is None


def test_show_refuses_a_bad_configuration(run: Program, tmp_path: Path) -> None:
    """Half of one would mislead."""
    assert run("--config", write(tmp_path, "x = 1"), "config", "show") == ExitCode.BAD_CONFIG
    assert run.out == ""
    assert "x: unknown key" in run.err


# init


def test_init_writes_the_example_where_it_will_be_found(run: Program, home: Path) -> None:
    """The directories are made, and nobody else may read it: secrets will be written there."""
    assert run("config", "init") == ExitCode.DONE
    file = home / ".config/bedrock-watch/config.toml"
    assert file.read_bytes() == EXAMPLE.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run.out == ""
    assert run.err.endswith(f"wrote {file}; edit it, then run: bedrock-watch config check\n")
    assert run("config", "check") == ExitCode.DONE
    assert str(file) in run.out


@pytest.mark.parametrize("how", ["argument", "option", "variable"])
def test_init_writes_to_the_place_that_is_named(
    run: Program, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the argument, by --config, or by the environment."""
    path = str(tmp_path / "new" / "mine.toml")
    if how == "variable":
        monkeypatch.setenv("BEDROCK_WATCH_CONFIG", path)
    words = {"argument": ["config", "init", path], "option": ["--config", path, "config", "init"]}
    assert run(*words.get(how, ["config", "init"])) == ExitCode.DONE
    assert Path(path).read_bytes() == EXAMPLE.read_bytes()
    option = "" if how == "variable" else f" --config {path}"
    assert run.err.endswith(f"then run: bedrock-watch{option} config check\n")


def test_init_does_not_write_over_a_file_unless_it_is_forced_to(run: Program, tmp_path: Path) -> None:
    """And then the file keeps its mode: a group may depend on it."""
    path = write(tmp_path, "state_dir = '/precious'")
    os.chmod(path, 0o640)  # noqa: PTH101 - a text
    assert run("config", "init", path) == ExitCode.FAILED
    assert "--force" in run.err
    assert Path(path).read_text() == "state_dir = '/precious'"
    assert run("config", "init", "--force", path) == ExitCode.DONE
    assert Path(path).read_bytes() == EXAMPLE.read_bytes()
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o640


def test_init_prints_the_example_for_a_dash(run: Program, home: Path) -> None:
    """And writes nothing."""
    assert run("config", "init", "-") == ExitCode.DONE
    assert run.out == EXAMPLE.read_text()
    assert not home.exists()


def test_init_says_why_it_cannot_write(run: Program, tmp_path: Path) -> None:
    """With the place and the reason."""
    (tmp_path / "file").touch()
    path = str(tmp_path / "file" / "config.toml")
    assert run("config", "init", path) == ExitCode.FAILED
    assert f"cannot write {path}: " in run.err


# Cost


def test_showing_the_configuration_imports_no_sdk(home: Path) -> None:
    """Only the check of a channel pays for Apprise."""
    code = (
        "import sys, atexit; atexit.register(lambda: print(*sys.modules)); from watcher.cli import main;"
        "main(['config', 'show'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "click" in roots
    assert not roots & {"aioboto3", "botocore", "apprise", "structlog", "anyio"}
