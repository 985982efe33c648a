"""``bedrock-watch channel explain``: which channels are told of a job, of what, when, and why.

Not its business: whether a message arrives (``channel test``), and how it looks (``preview``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watcher import clock
from watcher.cli import service, values
from watcher.cli.context import Context
from watcher.cli.options import complete_job, output_option
from watcher.cli.output import note, print_json, print_table
from watcher.cli.words import Cell, plain

if TYPE_CHECKING:
    from watcher.config import ChannelConfig
    from watcher.model import Job
    from watcher.policy import Verdict

_HEADERS = ("CHANNEL", "TOLD", "WHY", "OF", "WHEN")


@click.command()
@click.argument("job", metavar="JOB", shell_complete=complete_job)
@output_option
@click.pass_obj
def explain(context: Context, *, job: str, output: str) -> None:
    """Say which channels are told of a job, of what, when, and why.

    JOB is an ARN, a name, a label, or a unique end of the id.
    """
    from watcher.cli.jobview import muted_until
    from watcher.cli.mute import when
    from watcher.cli.routes import verdict
    from watcher.policy import Traits

    now = clock.now()
    with context.store() as store:
        found = store.jobs.find(job)
        muted = muted_until(store.mutes.active(now), found)
    verdicts = [(channel, verdict(channel, Traits.of(found))) for channel in context.config.channels]
    if output != "table":
        head = {"job": values.named(found), "watched": _watched(found), "muted_until": values.at(muted)}
        print_json(output, head, "channels", [_document(*one) for one in verdicts])
    elif verdicts:
        print_table(context, _HEADERS, [_row(context, *one) for one in verdicts])
    if muted:
        note(f"{found.title} is muted until {when(context, muted, now)}: it is told then, in one message")
    if not _watched(found):
        note(f"{found.title} is not watched: bedrock-watch add {found.arn or found.identifier}")
    if warning := service.no_channel(context):
        note(f"warning: {warning}")
    elif not any(one.told for _, one in verdicts):
        note(f"warning: no channel would tell of {found.title}")


def _watched(job: Job) -> bool:
    return job.watched


def _document(channel: ChannelConfig, verdict: Verdict) -> dict[str, Any]:
    return {
        "name": channel.name,
        "told": verdict.told,
        "reason": verdict.reason,
        "on": sorted(channel.on),
        "digest": _digest(channel) or None,
        "burst": channel.burst,
    }


def _row(context: Context, channel: ChannelConfig, verdict: Verdict) -> tuple[Cell, ...]:
    told: Cell = ("yes", "green") if verdict.told else ("no", "red")
    if not verdict.told:
        return plain(channel.name), told, plain(verdict.reason), "", ""
    return plain(channel.name), told, plain(verdict.reason), events(channel), _when(context, channel)


def _when(context: Context, channel: ChannelConfig) -> str:
    """Return when what it is told of goes."""
    words = "at once"
    if channel.digest:
        words += f" what is urgent, the rest at {_digest(channel)}"
        words += f" ({context.config.timezone})" if context.config.timezone else ""
    return words + (f"; above {channel.burst} a minute in one" if channel.burst else "")


def _digest(channel: ChannelConfig) -> str:
    return "{:02}:{:02}".format(*channel.digest) if channel.digest else ""


def events(channel: ChannelConfig) -> str:
    """Return the events that a channel is told of, as people read them."""
    from watcher.identifiers import DEFAULT_EVENTS, EVENTS

    if channel.on == DEFAULT_EVENTS:
        return "the default events"
    return ", ".join(one for one in EVENTS if one in channel.on)
