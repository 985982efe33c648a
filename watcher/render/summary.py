"""Several stories in one message, which names each of them, in order.

Not its business: when messages are put together (``policy``), and into how many they are split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from watcher.model import Outcome, Severity
from watcher.policy import severity
from watcher.render.compose import GIST, REPEAT
from watcher.render.headline import PREFIX, TITLE, headline
from watcher.render.news import why
from watcher.render.story import Doc, Entry, Story
from watcher.render.words import clean, moment, numbers, offset, shorten

Reason = Literal["burst", "digest", "mute"]

FAILURE = 200
"""The characters of each failureMessage, or other reason, at most; its whole is in ``bedrock-watch show``."""

_NUMBERS = 120
"""The characters that the events' numbers take at most."""

_NAMES: dict[Reason, str] = {"burst": "burst", "digest": "digest", "mute": "muted"}
_WHY: dict[Reason, str] = {
    "burst": "They came faster than this channel is meant to be told, so here they are in one.",
    "digest": "Collected for this channel's digest.",
    "mute": "Held back while they were muted.",
}
_WORST = (Severity.FAILURE, Severity.WARNING, Severity.SUCCESS, Severity.INFO)
_TROUBLES = {
    "FAILED": "FAILED",
    "EXPIRED": "FAILED",
    "CANNOT WATCH": "CANNOT WATCH",
    "LOST SIGHT OF": "LOST SIGHT OF",
    "UNDELIVERED to channel": "UNDELIVERED",
}
_ENDED = {
    Outcome.FAILED: "failed",
    Outcome.EXPIRED: "expired",
    Outcome.PARTIAL: "partially completed",
    Outcome.STOPPED: "stopped",
    Outcome.SUCCEEDED: "completed",
}


def compose_summary(stories: Sequence[Story], reason: Reason) -> Doc:
    """Return one message about all of *stories*, at least one, in their order; none is left out.

    Times are in the zone of the last story, which also tells when and where this is written.
    """
    last = stories[-1]
    title = f"{_troubles(stories)}{_counted(len(stories), 'message')}{_about(stories)} ({_NAMES[reason]})"
    namesakes = _namesakes(stories)
    tally = _tally(stories)
    return Doc(
        title=PREFIX + shorten(title, TITLE - len(PREFIX)),
        severity=min((severity(story.event.transitions) for story in stories), key=_WORST.index),
        gist=shorten(clean("; ".join(headline(story).within(60) for story in stories[:3])), GIST),
        lines=(" ".join(filter(None, (_WHY[reason], tally, f"Times are {offset(last.now, last.zone)}."))),),
        entries=tuple(_entry(story, namesakes) for story in stories),
        notices=(REPEAT,) if any(story.uncertain for story in stories) else (),
        footer=(_extent(stories), f"bedrock-watch on {clean(last.host)}"),
        about=tuple(stories),
        reason=reason,
        conversation=f"{last.host}/{reason}",
    )


def _troubles(stories: Sequence[Story]) -> str:
    """Return how many messages tell of which trouble: a subject that hides one would be worse than none."""
    count = Counter(_TROUBLES.get(headline(story).outcome, "") for story in stories)
    told = [f"{count[word]} {word}" for word in dict.fromkeys(_TROUBLES.values()) if count[word]]
    return f"{', '.join(told)}: " if told else ""


def _namesakes(stories: Sequence[Story]) -> frozenset[str]:
    """Return what several jobs of these stories are called alike."""
    named = {(story.event.subject, story.job.title) for story in stories if story.job is not None}
    return frozenset(title for title, count in Counter(title for _, title in named).items() if count > 1)


def _about(stories: Sequence[Story]) -> str:
    jobs = {story.event.subject for story in stories if story.job is not None}
    return f" about {_counted(len(jobs), 'job')}" if jobs else ""


def _tally(stories: Sequence[Story]) -> str:
    """Return how the jobs stand at the end of the summary, as far as they are over."""
    ends = {story.event.subject: story.outcome for story in stories if story.job is not None}
    count = Counter(ends.values())
    told = [f"{count[outcome]} {_ENDED[outcome]}" for outcome in _ENDED if count[outcome]]
    return f"Of the jobs, {', '.join(told)}." if told else ""


def _entry(story: Story, namesakes: frozenset[str]) -> Entry:
    head, zone = headline(story), story.zone
    job = story.job
    which = f" [{clean(job.identifier.rpartition('/')[2])}]" if job is not None and job.title in namesakes else ""
    return Entry(
        at=f"{story.event.observed_at.astimezone(zone):%m-%d %H:%M}",
        head=head.within(TITLE - len(PREFIX) - len(which)) + which + (" (late)" if story.revived else ""),
        outcome=head.outcome,
        subject=head.subject + which,
        failure=shorten(clean(why(story)), FAILURE),
    )


def _extent(stories: Sequence[Story]) -> str:
    zone = stories[-1].zone
    first, last = stories[0].event, stories[-1].event
    events = f"event{'s' * (len(stories) > 1)} {numbers([story.event.id for story in stories], _NUMBERS)}"
    until = f" to {moment(last.observed_at, zone)}" if last.observed_at != first.observed_at else ""
    return f"{events}, seen {moment(first.observed_at, zone)}{until}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
