"""What an installation gives to man(1) and to the shells: made from the commands, whole, and in their languages."""

from __future__ import annotations

import shutil
import subprocess

import click
import pytest
from support_cli import Program, program

__all__ = ["program"]


def commands(group: click.Group, words: tuple[str, ...] = ()) -> list[str]:
    """Return every command that does something, as it is typed after the program's name."""
    found = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found += commands(command, (*words, name)) if isinstance(command, click.Group) else [" ".join((*words, name))]
    return found


def test_the_manual_page_has_every_command_and_every_option(program: Program) -> None:
    from watcher.cli.parser import cli  # noqa: PLC0415 - others mean the package's function of that name

    assert program("man") == 0
    page = program.out.replace("\\-", "-")
    for name in commands(cli):
        assert f'.SS "{name}"' in page
    assert '.SS "channel preview"' in page
    assert "--expect TIME" in page
    assert page.count("Show this message and exit") == 1


def test_the_manual_page_says_its_version_its_exit_codes_and_its_files(program: Program) -> None:
    program("man")
    assert program.out.startswith('.TH BEDROCK\\-WATCH 1 "" "bedrock-watch 0.')
    for word in ("78", "130", "/etc/bedrock\\-watch/config.toml", "BEDROCK_WATCH_CONFIG"):
        assert f"\\fB{word}\\fR" in program.out


def test_nothing_that_a_help_says_is_a_command_of_man(program: Program) -> None:
    """A line of text that began with a dot or a quote would be one, and vanish."""
    program("man")
    for line in program.out.splitlines():
        assert not line.startswith("'")
        assert not line.startswith(".") or line.split()[0] in {".TH", ".SH", ".SS", ".TP", ".PP", ".ad", ".nf", ".fi"}


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff here; the suite of the service always has one")
def test_groff_finds_no_fault_with_the_manual_page(program: Program) -> None:
    program("man")
    groff = ["groff", "-man", "-ww", "-z"]
    done = subprocess.run(groff, input=program.out, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_given_its_completion(program: Program, shell: str) -> None:
    assert program("completion", shell) == 0
    assert f"_BEDROCK_WATCH_COMPLETE={shell}_complete" in program.out


def test_another_shell_is_refused(program: Program) -> None:
    assert program("completion", "tcsh") == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in program.err


def test_the_manual_page_has_no_control_character_and_keeps_the_lines_of_examples(program: Program) -> None:
    assert program("man") == 0
    assert program.out.replace("\n", "").isprintable()
    assert ".nf\nA fire drill with your own channels:\n" in program.out
