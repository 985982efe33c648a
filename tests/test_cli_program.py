"""The program as a process: how it starts, what it imports, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support_cli import Program, program, seen

from watcher import presence
from watcher.cli import ending, main
from watcher.cli.context import Context
from watcher.cli.events import on_one_line
from watcher.cli.parser import COMMANDS
from watcher.errors import WatchError

__all__ = ["program"]

HEAVY = {"aioboto3", "aiobotocore", "botocore", "apprise", "structlog", "aiohttp", "requests", "tenacity"}
"""What no command that reads the database may import."""

HEAVIER = HEAVY | {"anyio", "asyncio", "msgspec", "rich"}


def run(*words: str, stdin: str = "", out: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own, in this process's environment."""
    command = [sys.executable, "-m", "watcher", *words]
    return subprocess.run(command, input=stdin, stdout=out, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "--all", "-o", "json"],
        ["show", "job-1"],
        ["events"],
        ["deliveries"],
        ["deliveries", "retry", "--all-dead"],
        ["deliveries", "show", "1"],
        ["mute", "job-1", "--for", "1h"],
        ["unmute", "--all"],
        ["channel", "list"],
        ["channel", "explain", "job-1"],
        ["status"],
        ["remove", "job-1"],
        ["add", "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/a.b/abcdefghij12"],
        ["--help"],
    ],
)
def test_commands_that_only_read_the_database_import_nothing_heavy(program: Program, words: list[str]) -> None:
    program.configure('[[channel]]\nname = "ops"\nurl = "json://127.0.0.1"\ntags = ["team"]\n')
    with program.store() as store:
        seen(store)
    code = (
        f"import sys\nfrom watcher.cli import main\ntry: main({words!r})\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    roots = {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}
    assert "watcher" in roots
    assert not roots & HEAVIER


def test_a_bare_list_does_without_the_parser(program: Program) -> None:
    """It is the command that is typed all day."""
    with program.store() as store:
        seen(store)
    code = (
        "import sys\nfrom watcher.cli import main\ntry: main(['list'])\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    modules = set(done.stderr.splitlines()[-1].split())
    assert "job-1" in done.stdout
    assert not modules & {"click", "watcher.cli.parser", "watcher.store.store"}


def test_the_short_cut_prints_what_the_long_way_prints(program: Program) -> None:
    with program.store() as store:
        seen(store)
    short, long = run("list"), run("--color", "auto", "list")
    assert "job-1" in short.stdout
    assert (short.returncode, short.stdout, short.stderr) == (long.returncode, long.stdout, long.stderr)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["list"], 0),
        (["--help"], 0),
        (["add", "--help"], 0),
        (["--version"], 0),
        ([], 2),
        (["frobnicate"], 2),
        (["list", "--frobnicate"], 2),
        (["add"], 2),
        (["add", ""], 2),
        (["show", "nobody"], 4),
        (["status"], 3),
        (["channel", "test"], 1),
        (["--config", "/nonexistent.toml", "list"], 78),
    ],
)
def test_each_end_has_its_exit_code(program: Program, words: list[str], code: int) -> None:
    done = run(*words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stderr) == (words not in (["--help"], ["add", "--help"], ["--version"]))


def test_a_broken_configuration_stops_the_quick_list_too(program: Program) -> None:
    """What a command says may depend on it."""
    program.configure("state_dir = 1\n")
    assert program("list") == 78
    assert "state_dir: is a number" in program.err


def test_help_names_every_command(program: Program) -> None:
    assert program("--help") == 0
    for name in COMMANDS:
        assert f"\n  {name} " in program.out


def test_output_that_nobody_reads_is_no_error(program: Program) -> None:
    """As in ``bedrock-watch list | head -1``: whether much is written or little."""
    with program.store() as store:
        seen(store)
    for words in (["list"], ["list", "-o", "json"], ["show", "job-1", "-o", "json"], ["config", "init", "-"]):
        reading, writing = os.pipe()
        os.close(reading)
        done = run(*words, out=writing)
        os.close(writing)
        assert done.returncode == 0, words
        assert "rror" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk to try")
def test_output_that_cannot_be_written_is_said(program: Program) -> None:
    with program.store() as store:
        seen(store)
    with Path("/dev/full").open("w") as full:
        done = run("list", out=full.fileno())
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [("list", 1), ("list --all", 1), ("--help", 1), ("status", 1), ("get --generate-cli-skeleton", 255), ("lst", 2)],
)
def test_an_output_that_is_closed_is_no_bug(program: Program, words: str, code: int) -> None:
    with program.store() as store:
        seen(store)
    program_itself = f"{sys.executable} -m watcher {words}"
    done = subprocess.run(["/bin/sh", "-c", f"{program_itself} >&-"], capture_output=True, text=True, check=False)
    assert (done.returncode, "a bug" in done.stderr) == (code, False)
    assert "the output: Bad file descriptor" in done.stderr or words == "lst"
    silent = subprocess.run(["/bin/sh", "-c", f"exec {program_itself} <&- >&- 2>&-"], check=False)
    assert silent.returncode == code


def test_without_stderr_what_is_printed_is_all_there(program: Program) -> None:
    with program.store() as store:
        seen(store)
    command = f"{sys.executable} -m watcher list 2>&-"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, "job-1" in done.stdout) == (0, True)


def test_letters_that_the_output_cannot_hold_are_replaced(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    with program.store() as store:
        seen(store, label="漢")
    done = run("list")
    assert (done.returncode, "\n?  " in done.stdout) == (0, True)


@pytest.mark.parametrize(("verbose", "traceback"), [(0, False), (1, True)])
def test_a_bug_is_one_line_and_a_traceback_for_those_who_ask(
    capsys: pytest.CaptureFixture[str], verbose: int, *, traceback: bool
) -> None:
    def stumble() -> int:
        raise ZeroDivisionError("division\nby zero")

    with pytest.raises(SystemExit) as caught:
        ending.leave(Context(verbose=verbose), stumble, process=False)
    said = capsys.readouterr().err
    assert caught.value.code == 70
    assert said.startswith("bedrock-watch: a bug: ZeroDivisionError: division by zero")
    assert ("Traceback" in said) == traceback
    assert traceback or said.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (WatchError("so", "do"), 1), (OSError(28, "full"), 1)]
)
def test_an_error_with_a_name_has_its_code(error: BaseException, code: int) -> None:
    def fail() -> int:
        raise error

    with pytest.raises(SystemExit) as caught:
        ending.leave(Context(), fail, process=False)
    assert caught.value.code == code


def test_a_damaged_database_is_said_with_a_remedy(program: Program) -> None:
    """Neither a bug nor a traceback, whenever it is found."""
    database = presence.database(program.state_dir)
    with program.store() as store:
        seen(store)
    content = bytearray(database.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    database.write_bytes(content)
    assert program("list") == 1
    assert f"{database} is damaged" in program.err
    database.write_bytes(b"no database at all, but a text of some length" * 100)
    assert program("show", "job-1") == 1
    assert f"{database} is damaged" in program.err


@pytest.mark.parametrize(
    ("begun", "offered"), [("jo", {"job-1", "job-2"}), ("arn:aws:b", {1, 2}), ("b", {"bot"}), ("x", set())]
)
def test_a_shell_is_offered_the_jobs_there_are(program: Program, begun: str, offered: set[object]) -> None:
    """By name, label and ARN."""
    with program.store() as store:
        seen(store, 1, label="bot")
        seen(store, 2, label="b\x1bad")
    environment = {
        "_BEDROCK_WATCH_COMPLETE": "bash_complete",
        "COMP_WORDS": f"bedrock-watch show {begun}",
        "COMP_CWORD": "2",
    }
    done = subprocess.run(
        [sys.executable, "-m", "watcher"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    words = [line.partition(",")[2] for line in done.stdout.split()]
    assert len(words) == len(offered)
    assert all(word in offered for word in words if not word.startswith("arn:"))
    assert done.stderr == ""


def test_main_takes_its_words_from_the_caller(program: Program) -> None:
    """And then ends with SystemExit, as an importable function should."""
    with pytest.raises(SystemExit) as caught:
        main(["show", "nobody"])
    assert caught.value.code == 4


def test_of_a_misspelt_command_it_says_which_was_meant() -> None:
    """The commands are imported late, so click alone would not know of any."""
    done = run("lst")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("Error: No such command 'lst'. Did you mean 'list'?\n")
    assert run("frobnicate").stderr.endswith("Error: No such command 'frobnicate'.\n")


@pytest.mark.parametrize("group", ["channel", "config", "db", "deliveries"])
def test_the_help_of_a_group_cuts_no_line_short(group: str) -> None:
    """Click shortens the first sentence of a docstring with dots when it is long."""
    assert "..." not in run(group, "--help").stdout.partition("Commands:")[2]


def test_lines_of_an_event_are_set_apart_on_one_line() -> None:
    """A change of status and what follows from it are two statements."""
    assert on_one_line(["Job: InProgress -> Active", "It takes requests now.", "Later"]) == (
        "Job: InProgress -> Active; It takes requests now. Later"
    )
    assert on_one_line([]) == ""
