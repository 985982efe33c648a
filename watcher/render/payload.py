"""A Doc as the JSON object that a generic webhook is sent: the facts as fields, for people's own automation.

The object is a contract: within one ``version`` members are added, never renamed, removed or given another meaning.
``title``, ``message`` and ``type`` are Apprise's own names, so that what reads Apprise's JSON reads ours.  Times are
RFC 3339 in UTC, durations seconds; what is not known is null or "".  Texts are verbatim: JSON needs no escape of ours.
Not its business: the envelope of HTTP (``channels``).
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from watcher.model import Job, Message, Step, Transition
from watcher.policy import topics
from watcher.render.advice import advise_about
from watcher.render.headline import headline
from watcher.render.links import links
from watcher.render.news import failure
from watcher.render.particulars import (
    committed_until,
    losses,
    model_of,
    output_of,
    place_of,
    records_of,
    type_of,
)
from watcher.render.plain import write_plain
from watcher.render.story import Doc, Story

VERSION = 1
"""The version of the object; a greater one may break what reads this one."""


def write_payload(doc: Doc) -> Message:
    """Return *doc* as an object; the body is its ``message``, plain text."""
    message = write_plain(doc)
    return replace(message, payload=payload(doc, message))


def payload(doc: Doc, message: Message) -> dict[str, Any]:
    """Return the object of *doc*, whose title and words are those of *message*.

    A message about one event holds that event's members beside the common ones; a summary holds ``summary`` and
    ``events``, each with the same members.
    """
    common = {
        "version": VERSION,
        "type": doc.severity.value,
        "severity": doc.severity.value,
        "title": message.title,
        "message": message.body,
        "host": doc.about[0].host if doc.about else "",
    }
    if not doc.reason:
        (story,) = doc.about
        told = event(story)
    else:
        summary = {"reason": doc.reason, "messages": len(doc.about)}
        told = {"summary": summary, "events": [event(story) for story in doc.about]}
    return {key: _sound(value) for key, value in (common | told).items()}


def event(story: Story) -> dict[str, Any]:
    """Return the members that tell one event."""
    why = failure(story)
    advice = advise_about(story, why)
    took = story.took
    return {
        "event": {
            "id": story.event.id,
            "kinds": sorted(topics(story.event.transitions)),
            "subject": story.event.subject,
            "observed_at": _time(story.event.observed_at),
        },
        "headline": headline(story).outcome,
        "job": _job(story, story.job) if story.job else None,
        "status": story.status or (story.snapshot.status if story.snapshot else ""),
        "outcome": story.outcome.value if story.job else "",
        "duration_seconds": _seconds(took),
        "earlier_seconds": [_seconds(one) for one in story.earlier],
        "steps": [_step(one) for one in story.steps],
        "failure_message": why,
        "advice": {"text": advice.text, "url": advice.page.url} if advice else None,
        "changes": [change(one) for one in story.event.transitions],
        "links": [{"name": link.name, "url": link.url} for link in links(story)],
        "may_be_repeat": story.uncertain,
        "late": story.revived,
    }


def change(transition: Transition) -> dict[str, Any]:
    """Return a transition by its own field names, its class under ``type``."""
    values = {item.name: getattr(transition, item.name) for item in fields(transition)}
    told = {key: _time(value) if isinstance(value, datetime) else value for key, value in values.items()}
    return {"type": type(transition).__name__} | told


def _job(story: Story, job: Job) -> dict[str, Any]:
    now = story.snapshot
    facts, kind = now.facts if now else {}, job.kind
    training, validation = losses(kind, facts)
    output_model, output_model_arn = output_of(kind, facts)
    return {
        "arn": job.arn,
        "name": job.name,
        "label": job.label,
        "title": job.title,
        "kind": job.kind,
        "region": job.region,
        "account": job.account,
        "tags": list(job.tags),
        "base_model": model_of(kind, facts),
        "customization_type": type_of(kind, facts),
        "output_model": output_model,
        "output_model_arn": output_model_arn,
        "output_s3_uri": place_of(kind, facts),
        "training_loss": training,
        "validation_losses": list(validation),
        "created_at": _time(now.created_at) if now else None,
        "ended_at": _time(now.ended_at) if now and story.outcome.terminal else None,
        "records": records_of(kind, facts).document(),
        "committed_until": _time(committed_until(kind, facts)),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "status": step.status,
        "started_at": _time(step.started_at),
        "changed_at": _time(step.changed_at),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _sound(value: Any) -> Any:  # noqa: ANN401 - JSON is JSON
    """Return *value* without lone surrogates, which no JSON text can be sent with in UTF-8."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {key: _sound(item) for key, item in value.items()}
        case list():
            return [_sound(item) for item in value]
        case _:
            return value
