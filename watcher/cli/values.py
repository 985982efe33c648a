"""The store's values as JSON, one function a kind.  Times are RFC 3339 in UTC; null is never, or not known.

Not its business: jobs (``jobview``), printing (``output``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from watcher.clock import now, utc

if TYPE_CHECKING:
    from watcher.errors import LookError
    from watcher.model import Event, Job, Step
    from watcher.store.history import Attempt, Told


def at(epoch: float) -> str | None:
    """Return a time (epoch seconds, 0 is never)."""
    return moment(utc(epoch)) if epoch else None


def moment(when: datetime | None) -> str | None:
    """Return a time."""
    return None if when is None else when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def step(value: Step) -> dict[str, Any]:
    """Return a sub-task."""
    return {
        "name": value.name,
        "status": value.status,
        "started_at": moment(value.started_at),
        "changed_at": moment(value.changed_at),
    }


def error(value: LookError | None) -> dict[str, Any] | None:
    """Return why AWS could not be asked."""
    if value is None:
        return None
    return {"fault": value.fault, "code": value.code, "reason": value.reason, "remedy": value.remedy}


def named(value: Job | None) -> dict[str, Any] | None:
    """Return which job it is, in short."""
    return None if value is None else {"title": value.title, "arn": value.arn or None, "name": value.name or None}


def event(value: Event, job: Job | None) -> dict[str, Any]:
    """Return an event; its transitions are the changes that a webhook receives."""
    from watcher.render.payload import change

    return {
        "id": value.id,
        "subject": value.subject,
        "job": named(job),
        "seen_at": moment(value.observed_at),
        "transitions": [change(one) for one in value.transitions],
    }


def attempt(value: Attempt) -> dict[str, Any]:
    """Return one try of a message."""
    return {
        "began_at": at(value.began_at),
        "ended_at": at(value.ended_at),
        "result": value.result,
        "reason": value.reason or None,
    }


def delivery(value: Told) -> dict[str, Any]:
    """Return a message's way to one channel."""
    from watcher.policy.topics import topics

    return {
        "id": value.id,
        "event": value.event,
        "subject": value.subject,
        "title": value.title,
        "kinds": sorted(topics(value.transitions)),
        "channel": value.channel,
        "state": value.state,
        "held_back_for": value.held(now()) or None,
        "attempts": value.attempts,
        "created_at": at(value.created_at),
        "next_attempt_at": at(value.next_attempt_at) if value.state in ("pending", "uncertain") else None,
        "waits_for": value.behind or None if value.state in ("pending", "uncertain") else None,
        "finished_at": at(value.finished_at),
        "confirmed": value.confirmed if value.state == "sent" else None,
        "last_error": value.last_error or None,
    }
