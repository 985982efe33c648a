"""``bedrock-watch config``: check it, show it, write an example of it.

Not its business: what the keys mean and what is wrong with them (``watcher.config``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from shlex import quote
from typing import IO, Any

import click

from watcher.cli.checks import unknown_profiles, unknown_rules, untold_jobs
from watcher.cli.context import Context
from watcher.cli.words import counted
from watcher.config import (
    BadConfigFile,
    ChannelConfig,
    Config,
    DiscoverConfig,
    Mistake,
    QueueConfig,
    examine,
    find,
    format_duration,
    user_path,
)
from watcher.config.files import VARIABLE
from watcher.config.values import HIDDEN
from watcher.doctor.choices import Checked, check_channel, check_heartbeat, closed, exposed, nowhere, shared_key
from watcher.errors import ExitCode, WatchError

_LIMITS = frozenset({"stall_after", "stopping_after", "queued_after"})
_CAN_BE_OFF = _LIMITS | {"overdue_factor", "keep"}
_TIMEOUTS = frozenset({"connect_timeout", "read_timeout", "credentials_timeout"})
_LENGTHS = _LIMITS | _TIMEOUTS | {"fastest", "slowest", "blind_after", "every", "expect", "created_within", "keep"}
_BUILT_IN = "built-in defaults (no configuration file)"


@click.group()
def config() -> None:
    """Check, show or write the configuration."""


@config.command()
@click.option("-o", "--output", type=click.Choice(["table", "json", "jsonl"]), default="table", help="How to print it.")
@click.pass_obj
def check(context: Context, output: str) -> int:
    """Say what is wrong with the configuration.

    Each mistake comes with its key and a remedy.  Exits with 78 when there is a mistake; a secret that you may not
    read is not one.
    """
    settings, found = examine(context.config_path)
    checked = [check_channel(channel) for channel in settings.channels]
    # A region that is mistaken, and so not there, is not said to be missing as well.
    homeless = () if found else nowhere(settings)
    all_checked = [*checked, check_heartbeat(settings)]
    mistakes = (*found, *homeless, *(mistake for result in all_checked for mistake in result.mistakes))
    unwise = (*settings.warnings, *exposed(settings), *closed(settings))
    unwise += tuple(_unconfirmed(one) for one in checked if one.confirmed is False)
    unwise += tuple(_without_text(one) for one in checked if not one.has_text)
    warnings = [*unwise, *(one.warning for one in all_checked if one.warning)]
    if not mistakes:
        warnings += [*untold_jobs(settings), *unknown_rules(settings), *unknown_profiles(settings)]
        warnings += shared_key(settings)
    if output != "table":
        _print_json(_report(settings, checked, mistakes, warnings), output)
        return ExitCode.BAD_CONFIG if mistakes else ExitCode.DONE
    for warning in warnings:
        click.echo(f"bedrock-watch: warning: {warning}", err=True)
    if mistakes:
        raise BadConfigFile(settings.path, mistakes)
    counts = f"{counted(len(settings.jobs), 'job')}, {counted(len(settings.channels), 'channel')}"
    for number, noun in ((len(settings.accounts), "account"), (len(settings.rules), "rule")):
        counts += f", {counted(number, noun)}" if number else ""
    click.echo(f"ok: {settings.path or _BUILT_IN}: {counts}")
    return ExitCode.DONE


@config.command()
@click.option("-o", "--output", type=click.Choice(["toml", "json", "jsonl"]), default="toml", help="How to print it.")
@click.pass_obj
def show(context: Context, output: str) -> None:
    """Print the configuration in force, without secrets.

    Beside each value stands where it comes from.
    """
    settings = context.config
    if output == "toml":
        click.echo("\n".join(_toml(settings)))
    else:
        _print_json({"version": 1, "file": _plain(settings.path), **_sections(settings)}, output)


@config.command()
@click.argument("path", required=False)
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@click.pass_obj
def init(context: Context, path: str | None, *, force: bool) -> None:
    """Write a commented example to PATH.

    By default it becomes your own configuration; "-" prints it.
    """
    text = resources.files("watcher.config").joinpath("example.toml").read_text("utf-8")
    if path == "-":
        click.echo(text, nl=False)
        return
    named = path or context.config_path or os.environ.get(VARIABLE)
    target = Path(named).expanduser() if named else user_path()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _create(target, force=force) as stream:
            stream.write(text)
    except OSError as error:
        raise WatchError(f"cannot write {target}: {error.strerror}", "name another place: config init PATH") from error
    option = "" if find() == target.absolute() else f" --config {quote(str(target))}"
    click.echo(f"bedrock-watch: wrote {target}; edit it, then run: bedrock-watch{option} config check", err=True)


def _unconfirmed(channel: Checked) -> str:
    return f'channel "{channel.name}" is unconfirmed: {channel.service} never says whether a message arrived'


def _without_text(channel: Checked) -> str:
    return (
        f'channel "{channel.name}" shows no text: {channel.service} only gives a signal; add a channel that shows text'
    )


def _report(
    settings: Config, checked: list[Checked], mistakes: tuple[Mistake, ...], warnings: list[str]
) -> dict[str, Any]:
    states = [
        (each, "mistaken" if each.mistakes else "not checkable here" if each.warning else "ok") for each in checked
    ]
    return {
        "version": 1,
        "ok": not mistakes,
        "file": _plain(settings.path),
        "jobs": len(settings.jobs),
        "accounts": len(settings.accounts),
        "rules": len(settings.rules),
        "channels": [
            {"name": each.name, "state": state, "service": each.service, "confirmed": each.confirmed}
            for each, state in states
        ],
        "mistakes": [{"key": each.key, "what": each.what, "remedy": each.remedy} for each in mistakes],
        "warnings": warnings,
    }


def _sections(settings: Config) -> dict[str, Any]:
    """Return the configuration as plain values under the file's own keys; lengths of time in seconds."""
    aws = replace(settings.aws, endpoint_url=settings.aws.endpoint_shown)
    return {
        "state_dir": _plain(settings.state_dir),
        "timezone": settings.timezone,
        "keep": settings.keep,
        "poll": _fields(settings.poll),
        "aws": _fields(aws),
        "remind": _fields(settings.remind),
        "heartbeat": _fields(replace(settings.heartbeat, url=settings.heartbeat.url and HIDDEN)),
        "account": [_fields(each) for each in settings.accounts],
        "job": [_fields(each) for each in settings.jobs],
        "discover": [_rule(each) for each in settings.rules],
        "queue": [_queue(each) for each in settings.queues],
        "channel": [_channel(each) for each in settings.channels],
    }


def _rule(rule: DiscoverConfig) -> dict[str, Any]:
    return {key: value for key, value in _fields(rule).items() if key != "places"}  # they follow from the rest


def _queue(queue: QueueConfig) -> dict[str, Any]:
    return {"url": queue.url, "region": queue.region, "profile": queue.profile}  # the rest follows from the url


def _channel(channel: ChannelConfig) -> dict[str, Any]:
    hour, minute = channel.digest or (0, 0)
    digest = f"{hour:02}:{minute:02}" if channel.digest else None
    return _fields(replace(channel, url=channel.url and HIDDEN)) | {"digest": digest}


def _fields(section: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the configuration's dataclasses
    return {name: _plain(getattr(section, name)) for name in section.__slots__}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a dataclass holds
    if isinstance(value, Path):
        return str(value)
    return sorted(value) if isinstance(value, frozenset) else value


def _toml(settings: Config) -> Iterator[str]:
    """Yield the lines of a TOML document; what has no value, and no default either, is a comment."""
    yield f"# {settings.path or _BUILT_IN}"
    for name, value in _sections(settings).items():
        if isinstance(value, dict):
            yield from ("", f"[{name}]")
            for key, each in value.items():
                yield _line(key, each, settings.origins.get(f"{name}.{key}", "default"))
        elif isinstance(value, list):
            for table in value:
                yield from ("", f"[[{name}]]")
                yield from (_line(key, each) for key, each in table.items() if each is not None)
        else:
            yield _line(name, value, settings.origins.get(name, "default"))


def _line(key: str, value: object, origin: str = "") -> str:
    if value is None:
        return f"# {key}: not set"
    if value == 0 and key in _CAN_BE_OFF:
        value = "off"
    elif isinstance(value, float) and key in _LENGTHS:
        value = format_duration(value)
    text = json.dumps(value, ensure_ascii=False)  # JSON's texts, booleans and lists of texts are TOML's as well
    return f"{key} = {text}  # {origin}" if origin else f"{key} = {text}"


def _print_json(document: dict[str, Any], output: str) -> None:
    click.echo(json.dumps(document, indent=2 if output == "json" else None, ensure_ascii=False))


def _create(target: Path, *, force: bool) -> IO[str]:
    """Open *target* for writing: a new file is for its owner only, one that is written over keeps owner and mode."""
    how = os.O_TRUNC if force else os.O_EXCL
    try:
        return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | how, 0o600), "w", encoding="utf-8")
    except FileExistsError:
        raise WatchError(
            f"{target} exists already", "edit it, or write over it with --force; `config init -` prints the example"
        ) from None
