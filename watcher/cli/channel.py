"""``bedrock-watch channel``: how the channels stand, and whether a message arrives.

Not its business: what is wrong with a channel's URL (``config check``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from watcher import clock
from watcher.cli import service, values
from watcher.cli.context import Context
from watcher.cli.explain import events, explain
from watcher.cli.options import output_option
from watcher.cli.output import note, print_json, print_table
from watcher.cli.preview import preview
from watcher.cli.words import Cell, ago, plain
from watcher.errors import ExitCode, UsageError, WatchError

if TYPE_CHECKING:
    from watcher.config import ChannelConfig
    from watcher.store.history import ChannelRecord

_HEADERS = ("CHANNEL", "URL", "ON", "JOBS", "WAITING", "GIVEN UP", "SENT", "LAST SENT", "LAST ERROR")
_SPARE = ("URL", "JOBS", "ON")
_CHOICES = ("tags", "accounts", "regions", "names")
_OPEN = ("pending", "sending", "uncertain")


@click.group()
def channel() -> None:
    """List the channels, say who is told of what, and see or send a message."""


channel.add_command(explain)
channel.add_command(preview)


@channel.command("list", short_help="List the channels, and how their deliveries go.")
@output_option
@click.pass_obj
def list_channels(context: Context, *, output: str) -> None:
    """List the channels, what waits for each, and how the last message went."""
    with context.store() as store:
        records = store.history.channels()
    configured = {one.name: one for one in context.config.channels}
    orphans = [name for name, record in records.items() if name not in configured and _count(record, *_OPEN)]
    shown = [(one, configured.get(one), records.get(one)) for one in (*configured, *orphans)]
    if output != "table":
        print_json(output, {}, "channels", [_document(*one) for one in shown])
    elif shown:
        now = clock.now()
        print_table(context, _HEADERS, [_row(*one, now) for one in shown], _SPARE)
    _warn_if_none(context)


@channel.command(short_help="Send a test message to channels, the way that news goes.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@output_option
@click.pass_obj
def test(context: Context, *, names: tuple[str, ...], output: str) -> int:
    """Send a test message to channels (all of them, unless named), the way that news goes.

    The daemon sends it when it runs, else this command does.  Exits with 6 when one could not be delivered.
    """
    from watcher.cli.trial import try_channels

    known = [one.name for one in context.config.channels]
    if not known:
        raise WatchError("no channel is configured", _how_to_add(context))
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no channel {', '.join(map(repr, unknown))}", f"the channels are {', '.join(known)}")
    wanted = list(dict.fromkeys(names)) or known
    if warning := service.outdated(context, service.daemon_pid(context)):
        note(f"warning: {warning}")
    with context.store(create=True) as store:
        failures = try_channels(context, store, wanted)
    _print_results(context, wanted, failures, output)
    return ExitCode.DELIVERY_FAILED if failures else ExitCode.DONE


def _print_results(context: Context, names: Sequence[str], failures: Mapping[str, str], output: str) -> None:
    if output != "table":
        documents = [{"name": one, "ok": one not in failures, "error": failures.get(one)} for one in names]
        print_json(output, {}, "channels", documents)
        return
    rows: list[tuple[Cell, ...]] = [
        (one, ("failed", "red"), plain(failures[one])) if one in failures else (one, ("ok", "green"), "")
        for one in names
    ]
    print_table(context, ("CHANNEL", "RESULT", "REASON"), rows)


def _document(name: str, configured: ChannelConfig | None, record: ChannelRecord | None) -> dict[str, Any]:
    return {
        "name": name,
        "configured": configured is not None,
        "url_from": _source(configured) if configured else None,
        "confirmed": _confirmed(configured),
        "on": sorted(configured.on) if configured else [],
        **{key: sorted(getattr(configured, key)) if configured else [] for key in _CHOICES},
        "deliveries": dict(record.deliveries) if record else {},
        "last_sent_at": values.at(record.sent_at) if record else None,
        "last_error": (record.last_error or None) if record else None,
    }


def _row(name: str, configured: ChannelConfig | None, record: ChannelRecord | None, now: float) -> tuple[Cell, ...]:
    return (
        plain(name),
        *_settings(configured),
        str(_count(record, *_OPEN)),
        str(_count(record, "dead")),
        str(_count(record, "sent")),
        ago(record.sent_at, now) if record else "",
        (plain(record.last_error), "red") if record and record.last_error else "",
    )


def _confirmed(configured: ChannelConfig | None) -> bool | None:
    """Whether the channel's service confirms each message; None when its URL may not be read here."""
    from watcher.channels import confirms
    from watcher.config import SecretUnreadable

    try:
        return confirms(configured.secret()) if configured is not None else None
    except SecretUnreadable:
        return None


def _settings(configured: ChannelConfig | None) -> tuple[Cell, ...]:
    if configured is None:
        return ("not in the configuration", "red"), "", ""
    chosen = [f"{key}: {', '.join(sorted(getattr(configured, key)))}" for key in _CHOICES if getattr(configured, key)]
    source = _source(configured) + (", unconfirmed" if _confirmed(configured) is False else "")
    return plain(source), events(configured), plain("; ".join(chosen)) or "every job"


def _count(record: ChannelRecord | None, *states: str) -> int:
    return sum(record.deliveries.get(state, 0) for state in states) if record else 0


def _source(configured: ChannelConfig) -> str:
    """Return where a channel's URL is, which is all that may be told of it."""
    if configured.url is not None:
        return "in the configuration"
    if configured.url_file is not None:
        return f"file {configured.url_file}"
    return f"credential {configured.url_credential}"


def _how_to_add(context: Context) -> str:
    where = context.config.path or "a configuration: bedrock-watch config init writes one"
    return f"add a [[channel]] to {where}"


def _warn_if_none(context: Context) -> None:
    if not context.config.channels:
        note(f"warning: nobody will be told: no channel is configured\n  {_how_to_add(context)}")
