"""Words for events about bedrock-watch itself and its channels: gaps in monitoring, crashes, what people did.

A new event type needs lines (``own_lines``); if its subject is ``watch/<name>``, a title (``own_title``) and what that
is about (``own_subject``) as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from watcher.model import ChannelStuck, ChannelTest, Crash, DeliveryDead, Gap, Operator, Unreadable
from watcher.render.story import Story
from watcher.render.words import between, clean, moment, shorten

OfTheWatch = Gap | Crash | Operator
OfAChannel = DeliveryDead | ChannelStuck | ChannelTest
Own = OfTheWatch | OfAChannel | Unreadable

_CAUSES = {
    "stopped": "bedrock-watch was stopped and restarted.",
    "killed": "bedrock-watch ended unexpectedly: it was killed, or the machine ran out of memory.",
    "crashed": "bedrock-watch crashed and was restarted.",
    "rebooted": "The machine was restarted.",
    "suspended": "The machine was suspended, or bedrock-watch was paused.",
}
_DONE = {
    "add": "ADDED",
    "drop": "DROPPED",
    "mute": "MUTED",
    "remove": "REMOVED",
    "retry": "RETRIED",
    "unmute": "UNMUTED",
}


def own_title(change: OfTheWatch) -> tuple[str, str, str]:
    """Return the outcome, step and tail of the title."""
    match change:
        case Gap():
            return "MONITORING GAP", "", f": {between(change.began_at, change.ended_at)}"
        case Crash():
            return "CRASHED", "", f": {_times(change.count)}"
        case Operator():
            return _DONE.get(change.action, change.action.upper()), "", f" by {shorten(clean(change.user), 24)}"


def own_subject(story: Story) -> str:
    """Return what the title is about: the host, or what a person operated on."""
    change = story.event.transitions[0]
    match change:
        case Operator():
            return change.target
        case Gap():
            return f"on {story.host}"
        case _:
            return f"bedrock-watch on {story.host}"


def own_lines(change: Own, zone: tzinfo | None) -> Iterator[str]:
    """Yield what happened, and what to do about it."""
    match change:
        case Gap():
            began, ended = moment(change.began_at, zone), moment(change.ended_at, zone)
            yield f"Nothing was monitored from {began} to {ended}."
            yield _CAUSES.get(change.cause, "The cause is not known.")
            yield "Changes in the meantime are reported as soon as bedrock-watch polls the jobs."
        case Crash():
            yield f"bedrock-watch crashed {_times(change.count)} since {moment(change.since_at, zone)}: {change.error}"
            if change.doing:
                yield f"It was {change.doing}."
            if change.quarantined:
                yield f"Quarantined: {change.quarantined}. Everything else continues."
                yield "To try it again: bedrock-watch quarantine retry --all. A new version retries it automatically."
            yield "This is a bug in bedrock-watch. Details: bedrock-watch status"
        case Operator():
            yield f"{change.user} ran: {change.action} {change.target}"
            if change.note:
                yield f"Note: {change.note}"
        case DeliveryDead() | ChannelStuck() | ChannelTest():
            yield from _channel_lines(change, zone)
        case Unreadable():
            yield f"The record of this event cannot be read: {change.reason}."
            yield "The job is still watched. See: bedrock-watch show JOB"


def _channel_lines(change: OfAChannel, zone: tzinfo | None) -> Iterator[str]:
    match change:
        case DeliveryDead():
            count = f"{change.count} messages" if change.count > 1 else "A message"
            about = f", about {change.about}," if change.about else ""
            yield f"{count} for channel {change.channel}{about} could not be delivered: {change.reason}"
            yield "You won't be notified of further failures until this channel works again."
            yield "See: bedrock-watch deliveries --state dead; send again: bedrock-watch deliveries retry --all-dead"
        case ChannelStuck():
            count = f"{change.waiting} messages are waiting" if change.waiting != 1 else "1 message is waiting"
            yield f"Channel {change.channel} has not delivered since {moment(change.since_at, zone)}: {change.reason}"
            yield f"{count}. bedrock-watch keeps retrying and reports this outage only once."
            yield f"Check the channel's receiver, then: bedrock-watch channel test {change.channel}"
        case ChannelTest():
            yield f"This is a test of channel {change.channel}: its alerts arrive."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
