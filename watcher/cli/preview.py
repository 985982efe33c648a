"""``bedrock-watch channel preview``: how a message looks on a channel, before there is one.

Nothing is sent.  Not its business: whether a message arrives (``channel test``), and who is told (``explain``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from watcher import clock
from watcher.cli.context import Context
from watcher.cli.options import complete_job, output_option
from watcher.cli.output import note, print_document, write
from watcher.cli.words import plain
from watcher.errors import UsageError
from watcher.identifiers import EVENTS
from watcher.model import Family

if TYPE_CHECKING:
    from watcher.config import ChannelConfig
    from watcher.deliver import Manner
    from watcher.model import Message
    from watcher.render import Doc, Room, Story

_USUAL = "failed"
_ANY = "a channel"


class _Reader(NamedTuple):
    """The receiver of the message: its family, and its size *limit* in characters (None: unknown here)."""

    family: Family
    room: Room
    limit: int | None


class _Told(NamedTuple):
    """What the message is about, and the words that say whether it is real."""

    story: Story
    real: bool
    words: str


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--job", metavar="JOB", shell_complete=complete_job, help="With what has really happened to this job.")
@click.option("--event", type=click.Choice(EVENTS), metavar="EVENT", help=f"One of: {', '.join(EVENTS)}.")
@click.option(
    "--family",
    type=click.Choice([family.value for family in Family]),
    help="As such a receiver reads it; needs no secret, and not even a channel.",
)
@click.option("--html", is_flag=True, help="The HTML part of a mail, in place of the plain one.")
@output_option
@click.pass_obj
def preview(
    context: Context,
    *,
    name: str | None,
    job: str | None,
    event: str | None,
    family: str | None,
    html: bool,
    output: str,
) -> None:
    """Print exactly what a channel would be sent, and send nothing.

    The news is made up, a failure unless --event names another, or the last of that kind that --job really had.  As
    JSON, it is all that is handed over: "html" for a mail, and "payload" for Slack and a JSON webhook.
    """
    # The daemon's own way from a channel's configuration to how its lane tells.
    from watcher.daemon.manners import manner_of
    from watcher.render import compose

    channel = _channel(context, name, family)
    reader = _Reader(Family(family), None, None) if family else _reader(channel)
    if html and reader.family is not Family.EMAIL:
        raise UsageError("--html is for mail", f"this message is for the family {reader.family.value}")
    manner = manner_of(channel, context.config.timezone, [])
    told = _real(context, job, event, manner) if job else _made_up(event or _USUAL, manner)
    message = _written(channel, compose(told.story), reader)
    if output == "table":
        for part in _parts(message, reader.family, html=html):
            write(plain(part, lines=True))
    else:
        print_document(output, _document(message, channel, reader, told))
    note(told.words)
    if name:
        _say_if_unwanted(channel, told.story)


def _channel(context: Context, name: str | None, family: str | None) -> ChannelConfig:
    """Return the channel of that name; any, with nothing of its own, where a family is enough."""
    from watcher.config import ChannelConfig

    channels = {one.name: one for one in context.config.channels}
    if name is None and family:
        return ChannelConfig(_ANY)
    if name in channels:
        return channels[name]
    if not channels:
        raise UsageError(
            "no channel is configured", "see a message all the same: bedrock-watch channel preview --family text"
        )
    what = "name a channel, or say --family" if name is None else f"no channel {name!r}"
    raise UsageError(what, f"the channels are {', '.join(channels)}")


def _reader(channel: ChannelConfig) -> _Reader:
    """Return who reads this channel, as its URL says; raises UsageError when that cannot be read by anybody.

    To whom the URL is not to be shown, the words are: as plain text, and that is said.
    """
    from watcher.channels import open_channel
    from watcher.config import SecretUnreadable

    try:
        url = channel.secret()
    except SecretUnreadable as error:
        families = "|".join(Family)
        if error.not_checkable:
            note(f"{error.what}\n  shown as plain text, therefore; for another kind of channel: --family {families}")
            return _Reader(Family.TEXT, None, None)
        raise UsageError(
            error.what, f"{error.remedy}, or say what kind of channel it is: --family {families}"
        ) from error
    post = open_channel(channel.name, url, ca_bundle=str(channel.ca_bundle) if channel.ca_bundle else None)
    post.close()
    return _Reader(post.family, post.fits, post.body_limit)


def _made_up(event: str, manner: Manner) -> _Told:
    from watcher.render import sample

    story = sample(event, clock.utc(clock.now()), manner.host)
    return _Told(replace(story, zone=manner.zone), real=False, words=f"made up: an event of the kind {event}")


def _real(context: Context, job: str, event: str | None, manner: Manner) -> _Told:
    """Return a job's last event of that kind (None: of any), else its latest one, else a made-up one."""
    from watcher.deliver import tell_story
    from watcher.model import Delivery
    from watcher.policy import topics
    from watcher.render.words import moment

    with context.store() as store:
        found = store.jobs.find(job)
        past = [one for one, _ in store.history.events(found.id)]
        if not past:
            made_up = _made_up(event or _USUAL, manner)
            return made_up._replace(words=f"nothing has happened to {found.title} yet; {made_up.words}")
        of_kind = [one for one in past if event is None or event in topics(one.transitions)]
        chosen = (of_kind or past)[-1]
        delivery = Delivery(id=0, event=chosen, channel="", attempts=0)
        story = tell_story(delivery, store.history.story(chosen), clock.now(), manner)
    which = f"event {chosen.id} of {found.title} ({', '.join(sorted(topics(chosen.transitions)))})"
    words = f"{which}, seen {moment(chosen.observed_at, context.zone)}"
    return _Told(story, real=True, words=words if of_kind else f"it had no event of the kind {event}; this is {words}")


def _written(channel: ChannelConfig, doc: Doc, reader: _Reader) -> Message:
    """Return *doc* as the lane writes it: with the channel's templates, in our own words where these fail."""
    from watcher.render import TemplateMistake, apply
    from watcher.render import write as in_our_words

    try:
        return apply(channel.title, channel.body, doc, reader.family, reader.room)
    except TemplateMistake as mistake:
        note(f"warning: a template of channel {channel.name} fails, so the built-in words are sent: {mistake}")
        return in_our_words(doc, reader.family, reader.room)


def _parts(message: Message, family: Family, *, html: bool) -> Iterator[str]:
    if html:
        yield message.html
    elif family is Family.JSON:
        yield json.dumps(message.payload, indent=2)  # the title and the words are in it
    else:
        yield message.title
        yield ""
        yield message.body


def _document(message: Message, channel: ChannelConfig, reader: _Reader, told: _Told) -> dict[str, Any]:
    return {
        "channel": channel.name if channel.name != _ANY else None,
        "family": reader.family.value,
        "limit": reader.limit,
        "event": told.story.event.id if told.real else None,
        "severity": message.severity.value,
        "title": message.title,
        "body": message.body,
        "html": message.html or None,
        "payload": message.payload,
    }


def _say_if_unwanted(channel: ChannelConfig, story: Story) -> None:
    from watcher.policy import topics

    names = topics(story.event.transitions)
    if channel.on.isdisjoint(names):
        note(f"channel {channel.name} would not be sent this: its on names none of {', '.join(sorted(names))}")
