"""What is known of the job beside its news: what it is about, where it is, and how long it took beside its like.

Not its business: what jobs of a kind have (``particulars``), what changed (``news``), where to read on (``links``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from watcher.model import Outcome, Snapshot
from watcher.render.particulars import committed_until, particulars
from watcher.render.story import Story
from watcher.render.words import duration, moment, shorten


def facts(story: Story) -> Iterator[tuple[str, str]]:
    """Yield names and values, in the order in which they are read; a value may be empty."""
    job, now = story.job, story.snapshot
    if job is None:
        if story.jobs_in_scope:
            yield "jobs", ", ".join(shorten(title, 60) for title in story.jobs_in_scope)
        return
    if job.label and job.name and job.label != job.name:
        yield "job name", job.name
    if story.outcome is Outcome.SUCCEEDED and story.took is not None:
        yield "took", "; ".join(filter(None, (duration(story.took), usual(story.earlier))))
    if now is not None:
        yield from particulars(job.kind, _then(now, story))
        until = committed_until(job.kind, now.facts)
        yield "committed until", moment(until, story.zone) if until else ""
        yield "created", moment(now.created_at, story.zone)
    yield "region", job.region
    yield "account", job.account
    yield "tags", ", ".join(job.tags)
    yield "ARN", job.arn


def usual(earlier: Sequence[timedelta]) -> str:
    """Return how long *earlier* jobs of the same base model and type took, in words; empty when there are none."""
    if not earlier:
        return ""
    shortest, longest = duration(min(earlier)), duration(max(earlier))
    if len(earlier) == 1:
        return f"an earlier job like it took {shortest}"
    extent = shortest if shortest == longest else f"{shortest} to {longest}"
    ordered = sorted(earlier)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    median = f", median {duration(middle)}" if len(earlier) > 2 and shortest != longest else ""
    return f"{len(earlier)} earlier jobs like it took {extent}{median}"


def _then(now: Snapshot, story: Story) -> Snapshot:
    """Return what is known, with the outcome at the time of the event."""
    return now if now.outcome is story.outcome else replace(now, outcome=story.outcome)
