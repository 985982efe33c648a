"""A Story into a Doc: which parts, in which order.

First line first: what happened, to which job, where, after how long; then AWS's reason verbatim, and what to do about
it; then the timeline; then facts and links; then the footer.  Not its business: any channel's markup (the printers).
"""

from __future__ import annotations

from collections.abc import Iterator

from watcher.model import Outcome, Severity, Step
from watcher.policy import severity
from watcher.render.advice import advise_about
from watcher.render.facts import facts
from watcher.render.headline import PREFIX, TITLE, headline
from watcher.render.links import links
from watcher.render.news import failure, news
from watcher.render.particulars import losses, records_of
from watcher.render.story import Doc, Row, Story
from watcher.render.words import between, clean, cut, duration, moment, offset, plain_moment, shorten

FAILURE = 2500
"""A failureMessage's characters at most; AWS's own limit is 2048."""

GIST = 160
"""A gist's characters at most: about what a phone's lock screen shows."""

REPEAT = "This may be a repeat: an earlier try may have arrived."

_SENT_LATE = 300.0


def compose(story: Story) -> Doc:
    """Return what is to be said about *story*, in plain text."""
    importance = severity(story.event.transitions)
    lines, why = tuple(news(story)), failure(story)
    return Doc(
        title=PREFIX + headline(story).within(TITLE - len(PREFIX)),
        severity=importance,
        gist=shorten(clean(_gist(story, why, lines)), GIST),
        lines=lines,
        failure=cut(clean(why, lines=True), FAILURE),
        advice=advise_about(story, why),
        timeline=tuple(_row(story, step) for step in story.steps),
        timeline_zone=offset(story.event.observed_at, story.zone),
        facts=tuple((name, clean(value)) for name, value in facts(story) if value),
        links=tuple(links(story)),
        notices=tuple(_notices(story)),
        footer=tuple(_footer(story)),
        about=(story,),
        conversation=_conversation(story),
        broadcast=importance is not Severity.INFO,
    )


def _notices(story: Story) -> Iterator[str]:
    if story.uncertain:
        yield REPEAT
    if story.revived:
        seen = moment(story.event.observed_at, story.zone)
        yield f"Late: this was given up and is sent again; it was seen at {seen}."


def _gist(story: Story, why: str, lines: tuple[str, ...]) -> str:
    if why:
        return why
    job, now = story.job, story.snapshot
    if (
        job is not None
        and now is not None
        and story.outcome.terminal
        and (known := str(records_of(job.kind, now.facts)))
    ):
        return f"records: {known}"
    if job is not None and now is not None and story.outcome is Outcome.SUCCEEDED:
        training, validation = losses(job.kind, now.facts)
        told = [("training loss", training), ("validation loss", validation[0] if validation else None)]
        if known := ", ".join(f"{name} {loss:g}" for name, loss in told if loss is not None):
            return known
    return lines[0] if lines else ""


def _conversation(story: Story) -> str:
    """Return what the message is about, by a name that no other daemon gives to something else."""
    if story.job is not None and story.job.arn:
        return story.job.arn
    return f"{story.host}/{story.event.subject}"


def _row(story: Story, step: Step) -> Row:
    running = step.status in ("InProgress", "Stopping")
    end = story.event.observed_at if running else step.changed_at
    began = step.status != "NotStarted"
    return Row(
        name=clean(step.name),
        status=clean(step.status),
        started=plain_moment(step.started_at, story.zone) if began and step.started_at else "",
        duration=between(step.started_at, end) if began else "",
        current=running,
    )


def _footer(story: Story) -> Iterator[str]:
    event, zone = story.event, story.zone
    aws = max((at for change in event.transitions if (at := getattr(change, "changed_at", None))), default=None)
    if aws is not None:
        late = duration(event.observed_at - aws)
        yield f"AWS's time {moment(aws, zone)}, seen {moment(event.observed_at, zone)} ({late} later)"
    else:
        yield f"seen {moment(event.observed_at, zone)}"
    waited = story.now - event.observed_at
    if waited.total_seconds() > _SENT_LATE:
        yield f"sent {moment(story.now, zone)} ({duration(waited)} after it was seen)"
    yield f"event {event.id}, bedrock-watch on {clean(story.host)}"
