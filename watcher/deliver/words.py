"""The facts of a message for ``render``, and the text of one that could not be rendered."""

from __future__ import annotations

from datetime import timedelta

from watcher.bedrock.kind import MalformedResponse
from watcher.bedrock.kinds import KINDS
from watcher.clock import utc
from watcher.deliver.ports import Manner
from watcher.model import Delivery, Job, Message, Severity, Snapshot
from watcher.render import Story
from watcher.store.history import Background, Record


def unworded(events: str) -> Message:
    """Return a plain fallback message for *events* (by number), safe in every format."""
    return Message(
        "[bedrock] NEWS that could not be put into words",
        f"Event {events}: see bedrock-watch events, and bedrock-watch show JOB for what AWS says.\n"
        "This is a bug of bedrock-watch; the daemon's log tells more (message_unworded).",
        Severity.WARNING,
    )


def tell_story(delivery: Delivery, background: Background, now: float, manner: Manner) -> Story:
    """Return the Story of a delivery from the archive's facts."""
    return Story(
        event=delivery.event,
        now=utc(now),
        host=manner.host,
        job=background.job,
        snapshot=_snapshot(background.job, background.record),
        status=background.status,
        steps=background.steps,
        uncertain=delivery.uncertain,
        revived=delivery.revived,
        jobs_in_scope=background.in_scope,
        earlier=tuple(timedelta(seconds=took) for took in background.earlier),
        zone=manner.zone,
    )


def _snapshot(job: Job | None, record: Record | None) -> Snapshot | None:
    if job is None or record is None:
        return None
    try:
        return KINDS[job.kind].read(record.facts)
    except MalformedResponse:
        # Written by another version: the news itself is in the event, only the facts are missing.
        return None
