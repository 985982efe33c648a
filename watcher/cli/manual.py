"""``bedrock-watch man`` and ``bedrock-watch completion``: what an installation gives to man(1) and to a shell.

Both are made from the commands themselves, so that they cannot say anything else than ``--help``.  Not their
business: where the files belong (``deploy/systemd/install.sh``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from click.shell_completion import get_completion_class

from watcher import __version__
from watcher.errors import ExitCode

_PROGRAM = "bedrock-watch"
_VARIABLE = "_BEDROCK_WATCH_COMPLETE"

_CODES = {
    "DONE": "done",
    "FAILED": "failed",
    "USAGE": "the words of the command line were wrong, or named several jobs",
    "NOT_RUNNING": "the daemon does not run, or is not well",
    "UNKNOWN_JOB": "unknown job",
    "AWS_REFUSED": "AWS refused (credentials, permission), or could not be asked",
    "DELIVERY_FAILED": "a delivery failed",
    "BUG": "a bug of bedrock-watch",
    "BAD_CONFIG": "bad configuration",
    "TIMED_OUT": "timed out",
    "INTERRUPTED": "interrupted",
}

_PLACES = (
    ("~/.config/bedrock-watch/config.toml", "the user's configuration; bedrock-watch config init writes an example"),
    ("/etc/bedrock-watch/config.toml", "the machine's, where the user has none"),
    ("~/.local/state/bedrock-watch", "the database, where the configuration does not name another place"),
    ("/var/lib/bedrock-watch", "the service's database"),
)

_VARIABLES = (
    ("BEDROCK_WATCH_CONFIG", "the configuration file to use, where --config names none"),
    ("STATE_DIRECTORY", "the directory of the database, where the configuration names none; systemd sets it"),
    ("CREDENTIALS_DIRECTORY", "where a channel's url_credential is read; systemd sets it"),
    ("NO_COLOR", "when not empty: no colour"),
)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options and jobs.

    For example: bedrock-watch completion fish > ~/.config/fish/completions/bedrock-watch.fish
    """
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - click has all three
    click.echo(made(ctx.find_root().command, {}, _PROGRAM, _VARIABLE).source())


@click.command()
@click.pass_context
def man(ctx: click.Context) -> None:
    """Print the manual page, in the markup of man pages.

    To read it without installing it: bedrock-watch man | man -l -
    """
    root = ctx.find_root().command
    assert isinstance(root, click.Group)  # noqa: S101 - it is
    click.echo("\n".join(_page(root)))


def _page(root: click.Group) -> Iterator[str]:
    """Yield the lines of the page about *root* and all of its commands."""
    outermost = click.Context(root, info_name=_PROGRAM)
    yield f'.TH BEDROCK\\-WATCH 1 "" "{_PROGRAM} {__version__}" "User Commands"'
    yield ".ad l"  # a line that holds a long path cannot be stretched to the margin
    yield from (".SH NAME", f"{_text(_PROGRAM)} \\- {_text(_first_words(root))}")
    yield from (".SH SYNOPSIS", *_usage(root, outermost))
    yield from (".SH DESCRIPTION", *_paragraphs(root.help or ""))
    yield from (".SH OPTIONS", *_options(root, outermost))
    yield ".SH COMMANDS"
    for command, ctx in _leaves(root, outermost):
        yield from (f'.SS "{_text(ctx.command_path.partition(" ")[2])}"', *_usage(command, ctx))
        yield from (".PP", *_paragraphs(command.help or ""), *_options(command, ctx))
    codes = [(str(getattr(ExitCode, name)), words) for name, words in _CODES.items()]
    for title, entries in (("EXIT STATUS", codes), ("FILES", _PLACES), ("ENVIRONMENT", _VARIABLES)):
        yield f".SH {title}"
        for term, words in entries:
            yield from (".TP", f"\\fB{_text(term)}\\fR", _text(words))
    yield from (".SH SEE ALSO", "\\fBsystemctl\\fR(1), \\fBjournalctl\\fR(1), \\fBsystemd\\-creds\\fR(1)")


def _leaves(group: click.Group, ctx: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Yield the commands of *group* that do something, with those of its groups, in the order of ``--help``."""
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=ctx)
        if isinstance(command, click.Group):
            yield from _leaves(command, inner)
        else:
            yield command, inner


def _usage(command: click.Command, ctx: click.Context) -> Iterator[str]:
    pieces = " ".join(_text(piece) for piece in command.collect_usage_pieces(ctx))
    yield f"\\fB{_text(ctx.command_path)}\\fR {pieces}"


def _options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    for parameter in command.get_params(ctx):
        term, words = parameter.get_help_record(ctx) or ("", "")
        if words and not (ctx.parent and "--help" in parameter.opts):
            yield from (".TP", f"\\fB{_text(term)}\\fR", _text(words))


def _first_words(command: click.Command) -> str:
    return (command.help or "").partition("\n\n")[0].replace("\n", " ").strip().rstrip(".")


def _paragraphs(help_text: str) -> Iterator[str]:
    for index, paragraph in enumerate(re.split(r"\n\s*\n", help_text.strip())):
        if index:
            yield ".PP"
        if paragraph.startswith("\b\n"):  # click's mark for lines that are kept as they are
            yield from (".nf", *map(_text, paragraph.splitlines()[1:]), ".fi")
        else:
            yield _text(" ".join(paragraph.split()))


def _text(words: str) -> str:
    """Return *words* as man(7) prints them as they are: nothing in them is a command, a hyphen or a ligature."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    escaped = escaped.replace("^", "\\(ha").replace("~", "\\(ti").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
