"""Words that make no sense are refused by every command, with 2 (usage) or 4 (no such job); none is a bug."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from support_cli import Program, program, seen

from watcher.cli.parser import COMMANDS, cli

__all__ = ["program"]

WORDS = ("\udcff", "-1", "nan", "9223372036854775808", "99999999999999999999", "")

ENDLESS = {"run", "demo", "simulate", "completion", "get", "wait", "doctor", "discover"}
"""Commands that do not return or ask AWS, and one that has the AWS CLI's exit codes; see below for some of them."""

FINE = {0, 1, 2, 3, 4, 5, 78}


def commands(group: click.Group, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with its name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*prefix, name))
        elif name not in ENDLESS:
            yield (*prefix, name), command


def calls(path: tuple[str, ...], command: click.Command, word: str) -> Iterator[list[str]]:
    """Yield a command line for each option and argument, with *word* as its value and the required ones filled in."""
    needed = [one for one in command.params if isinstance(one, click.Argument) and one.required]
    fill = ["job-1"] * len(needed)
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            yield [*path, "--", *(word if one is parameter else "job-1" for one in needed or [parameter])]
        elif isinstance(parameter, click.Option) and not parameter.is_flag:
            yield [*path, f"{parameter.opts[-1]}={word}", *fill]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ENDLESS])
def test_no_odd_word_is_a_bug(program: Program, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(program.home.parent)  # for what writes a file of an odd name
    with program.store() as store:
        seen(store)
    found = [one for one in commands(cli) if one[0][0] == name]
    assert found
    for path, command in found:
        for word in WORDS:
            for call in calls(path, command, word):
                assert program(*call) in FINE, (call, program.err)
                assert "a bug" not in program.err, call
                assert "Traceback" not in program.err, call


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show", "\udcff"], 2),
        (["remove", "\udcff"], 2),
        (["mute", "\udcff", "--for", "1h"], 2),
        (["events", "\udcff"], 2),
        (["wait", "\udcff"], 2),
        (["deliveries", "\udcff"], 2),
        (["add", "\udcff"], 2),
        (["deliveries", "retry", "9223372036854775808"], 2),
        (["deliveries", "retry", "9223372036854775807"], 4),
        (["deliveries", "drop", "-1"], 2),
        (["deliveries", "show", "99999999999999999999"], 2),
        (["events", "--limit", "99999999999999999999"], 2),
        (["events", "--limit", "9223372036854775807"], 0),
        (["events", "--limit", "-1"], 2),
        (["events", "--limit", "nan"], 2),
        (["events", "--since", "nan"], 2),
        (["events", "--since", "-1h"], 2),
        (["events", "--since", "99999999999999999999d"], 0),
        (["mute", "job-1", "--for", "99999999999999999999d"], 2),
        (["deliveries", "--limit", "9223372036854775808"], 2),
        (["wait", "job-1", "--timeout", "nan"], 2),
        (["wait", "job-1", "--for", "\udcff"], 2),
        (["discover", "--account", "-1"], 2),
        (["discover", "--region", "\udcff", "--account", "123456789012"], 2),
        (["discover", "--created-within", "99999999999999999999d"], 2),
        (["simulate", "--port", "99999999999999999999"], 2),
        (["simulate", "--speed", "nan"], 2),
        (["simulate", "--speed", "inf"], 2),
        (["simulate", "--region", "\udcff"], 2),
        (["simulate", "--scenario", "\udcff"], 2),
        (["get", "\udcff", "--region", "us-east-1", "--no-sign-request", "--endpoint-url", "http://127.0.0.1:9"], 255),
        (["--config", "\udcff", "list"], 78),
    ],
)
def test_each_odd_word_has_its_exit_code(program: Program, words: list[str], code: int) -> None:
    with program.store() as store:
        seen(store)
    assert program(*words) == code, program.err
    assert "a bug" not in program.err


def test_bytes_that_are_no_text_come_as_a_shell_gives_them(program: Program) -> None:
    """As in a shell's dollar-quoted hexadecimal."""
    with program.store() as store:
        seen(store)
    command = [os.fsencode(sys.executable), b"-m", b"watcher", b"show", b"\xff"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"not text: '\\udcff'" in done.stderr
