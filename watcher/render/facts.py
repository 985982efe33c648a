"""What is known of the job beside its news: losses, models, places, and how long it took beside its like.

Not its business: what changed (``news``), where to read on (``links``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from watcher.model import Outcome, Snapshot
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
        yield from _of_response(now, story)
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


def losses(now: Snapshot) -> tuple[float | None, tuple[float, ...]]:
    """Return the training loss and the validation losses that AWS tells."""
    listed = now.facts.get("validationMetrics")
    many = [_number(one, "validationLoss") for one in listed] if isinstance(listed, list) else []
    return _number(now.facts.get("trainingMetrics"), "trainingLoss"), tuple(one for one in many if one is not None)


def base_model(now: Snapshot) -> str:
    """Return the base model's id, as people know it, rather than its ARN."""
    arn = text(now.facts.get("baseModelArn"))
    return arn.rpartition("foundation-model/")[2] or arn


def text(value: Any) -> str:  # noqa: ANN401 - AWS may send anything
    """Return *value* when it is a text."""
    return value if isinstance(value, str) else ""


def _of_response(now: Snapshot, story: Story) -> Iterator[tuple[str, str]]:
    yield "base model", base_model(now)
    yield "teacher model", _teacher(now.facts)
    yield "type", text(now.facts.get("customizationType"))
    if story.outcome is Outcome.SUCCEEDED:  # elsewhere it is only a name that was asked for
        yield "output model", text(now.facts.get("outputModelName"))
        yield "output model ARN", text(now.facts.get("outputModelArn"))
    if story.outcome.terminal:
        training, validation = losses(now)
        yield "training loss", "" if training is None else f"{training:g}"
        yield "validation loss", ", ".join(f"{one:g}" for one in validation)
    output = now.facts.get("outputDataConfig")
    yield "output", text(output.get("s3Uri")) if isinstance(output, Mapping) else ""
    yield "created", moment(now.created_at, story.zone)


def _teacher(response: Mapping[str, Any]) -> str:
    """Return a distillation's teacher, from customizationConfig.distillationConfig.teacherModelConfig."""
    inner: Any = response
    for key in ("customizationConfig", "distillationConfig", "teacherModelConfig"):
        inner = inner.get(key) if isinstance(inner, Mapping) else None
    name = text(inner.get("teacherModelIdentifier")) if isinstance(inner, Mapping) else ""
    return name.rpartition("foundation-model/")[2] or name


def _number(metrics: Any, name: str) -> float | None:  # noqa: ANN401 - AWS may send anything
    value = metrics.get(name) if isinstance(metrics, Mapping) else None
    finite = isinstance(value, (int, float)) and abs(value) < 1e300  # not infinite, no NaN, no integer beyond floats
    return float(value) if finite and value is not None else None
