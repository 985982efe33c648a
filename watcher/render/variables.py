"""The names that a user's template may use, and what they stand for.

Not its business: the engine (``template``).
"""

from __future__ import annotations

from typing import Any

from watcher.policy import topics
from watcher.render.headline import headline
from watcher.render.particulars import losses, model_of, output_of, records_of, type_of
from watcher.render.story import Doc, Story
from watcher.render.words import between, duration, moment


def variables(doc: Doc) -> dict[str, Any]:
    """Return the names and values of a message about one event; what is not known is an empty text.

    ``lines``, ``kinds``, ``tags`` are lists of texts; ``facts`` of pairs (name, value); ``steps`` of objects with
    name, status, started, duration, current; ``links`` of objects with name and url.
    """
    (story,) = doc.about
    head, event = headline(story), story.event
    return {
        "title": doc.title,
        "outcome": head.outcome,
        "subject": head.subject,
        "step": head.step,
        "severity": doc.severity.value,
        "gist": doc.gist,
        "lines": list(doc.lines),
        "failure_message": doc.failure,
        "advice": doc.advice.text if doc.advice else "",
        "advice_url": doc.advice.page.url if doc.advice else "",
        "steps": [
            {
                "name": row.name,
                "status": row.status,
                "started": row.started,
                "duration": row.duration,
                "current": row.current,
            }
            for row in doc.timeline
        ],
        "facts": list(doc.facts),
        "links": [{"name": link.name, "url": link.url} for link in doc.links],
        "console_url": doc.links[0].url if doc.links else "",
        "notices": list(doc.notices),
        "footer": list(doc.footer),
        "event_id": event.id,
        "kinds": sorted(topics(event.transitions)),
        "seen_at": moment(event.observed_at, story.zone),
        "host": story.host,
        **_of_job(story),
    }


def _of_job(story: Story) -> dict[str, Any]:
    job, now = story.job, story.snapshot
    facts, kind = now.facts if now else {}, job.kind if job else ""
    training, validation = losses(kind, facts)
    ran = story.took if story.outcome.terminal else None
    so_far = between(now.created_at, story.event.observed_at) if now else ""
    changed = max((at for one in story.event.transitions if (at := getattr(one, "changed_at", None))), default=None)
    return {
        "job": job.title if job else "",
        "name": job.name if job else "",
        "label": job.label if job else "",
        "arn": job.arn if job else "",
        "job_id": job.arn.rpartition("/")[2] if job else "",
        "region": job.region if job else "",
        "account": job.account if job else "",
        "tags": list(job.tags) if job else [],
        "status": story.status or (now.status if now else ""),
        "duration": duration(ran) if ran is not None else so_far,
        "base_model": model_of(kind, facts),
        "type": type_of(kind, facts),
        "output_model": output_of(kind, facts)[0],
        "kind": kind,
        "records": str(records_of(kind, facts)),
        "training_loss": "" if training is None else f"{training:g}",
        "validation_loss": ", ".join(f"{one:g}" for one in validation),
        "aws_time": moment(changed, story.zone) if changed else "",
    }
