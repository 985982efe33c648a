"""What a job of each kind is about, read from its response: its model, where it comes from and goes to, how far it is.

Not its business: what every job has (``facts``), and what changed (``news``).
Source of members: Amazon Bedrock API reference, the Get operation of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from watcher.model import (
    COPY,
    CUSTOMIZATION,
    DEPLOYMENT,
    EVALUATION,
    IMPORT,
    INVOCATION,
    PROMPT,
    PROVISIONED,
    Outcome,
    Snapshot,
)

Rows = Iterator[tuple[str, str]]
Facts = Mapping[str, Any]

_MOST_RECORDS = 10**15


@dataclass(frozen=True, slots=True)
class Records:
    """How far a batch is: AWS's counts of its records; None where it tells none."""

    total: int | None = None
    processed: int | None = None
    succeeded: int | None = None
    failed: int | None = None

    @property
    def percent(self) -> int | None:
        """The part that is processed, in whole per cent: 100 only of all."""
        if self.processed is None or not self.total:
            return None
        return self.processed * 100 // self.total

    def document(self) -> dict[str, int | None] | None:
        """Return the counts by their names, and the per cent; None when AWS tells none."""
        return None if self == Records() else asdict(self) | {"percent": self.percent}

    def __str__(self) -> str:
        told = []
        if self.percent is not None:
            told.append(f"{self.processed:,} of {self.total:,} processed ({self.percent} %)")
        elif self.total is not None:
            told.append(f"{self.total:,}")
        if self.failed:
            told.append(f"{self.failed:,} failed")
        return ", ".join(told)


def particulars(kind: str, now: Snapshot) -> Rows:
    """Yield names and values that tell what a job of that *kind* is about; a value may be empty."""
    yield from _ROWS[kind](now)


def model_of(kind: str, facts: Facts) -> str:
    """Return the id of the model that a job is about, as people know it, rather than its ARN."""
    return _short(_MODELS[kind](facts)) if kind in _MODELS else ""


def type_of(kind: str, facts: Facts) -> str:
    """Return AWS's word for the type of a job, where its kind has types."""
    return text(facts.get(_TYPES[kind])) if kind in _TYPES else ""


def output_of(kind: str, facts: Facts) -> tuple[str, str]:
    """Return the name and the ARN of the model that a job makes."""
    name, arn = _OUTPUTS.get(kind, ("", ""))
    return (text(facts.get(name)), text(facts.get(arn))) if name else ("", "")


def place_of(kind: str, facts: Facts) -> str:
    """Return the S3 URI to which a job writes."""
    return text(_at(facts, *_PLACES[kind])) if kind in _PLACES else ""


def records_of(kind: str, facts: Facts) -> Records:
    """Return the counts of a batch; of another kind, none."""
    if kind != INVOCATION:
        return Records()
    names = ("totalRecordCount", "processedRecordCount", "successRecordCount", "errorRecordCount")
    return Records(*(_count(facts.get(name)) for name in names))


def committed_until(kind: str, facts: Facts) -> datetime | None:
    """Return when the commitment of provisioned throughput ends; None without one, and of another kind."""
    value = facts.get("commitmentExpirationTime") if kind == PROVISIONED else None
    return _time(value)


def losses(kind: str, facts: Facts) -> tuple[float | None, tuple[float, ...]]:
    """Return the training loss and the validation losses that AWS tells."""
    if kind != CUSTOMIZATION:
        return None, ()
    listed = facts.get("validationMetrics")
    many = [_number(one, "validationLoss") for one in listed] if isinstance(listed, list) else []
    return _number(facts.get("trainingMetrics"), "trainingLoss"), tuple(one for one in many if one is not None)


def text(value: Any) -> str:  # noqa: ANN401 - AWS may send anything
    """Return *value* when it is a text."""
    return value if isinstance(value, str) else ""


def _customization(now: Snapshot) -> Rows:
    facts = now.facts
    yield "base model", model_of(CUSTOMIZATION, facts)
    yield "teacher model", _short(text(_at(facts, *_TEACHER)))
    yield "type", type_of(CUSTOMIZATION, facts)
    yield from _made(CUSTOMIZATION, now)
    if now.outcome.terminal:
        training, validation = losses(CUSTOMIZATION, facts)
        yield "training loss", "" if training is None else f"{training:g}"
        yield "validation loss", ", ".join(f"{one:g}" for one in validation)
    yield "output", place_of(CUSTOMIZATION, facts)


def _import(now: Snapshot) -> Rows:
    yield "source", text(_at(now.facts, "modelDataSource", "s3DataSource", "s3Uri"))
    yield from _made(IMPORT, now)


def _invocation(now: Snapshot) -> Rows:
    facts = now.facts
    yield "model", model_of(INVOCATION, facts)
    yield "records", str(records_of(INVOCATION, facts))
    yield "input", text(_at(facts, "inputDataConfig", "s3InputDataConfig", "s3Uri"))
    yield "output", place_of(INVOCATION, facts)
    hours = _count(facts.get("timeoutDurationInHours"))
    yield "time limit", f"{hours} h" if hours else ""


def _evaluation(now: Snapshot) -> Rows:
    facts = now.facts
    yield "type", ", ".join(filter(None, (text(facts.get("applicationType")), type_of(EVALUATION, facts))))
    judged = _at(facts, "inferenceConfig", "models")
    models = [_at(one, "bedrockModel", "modelIdentifier") for one in judged] if isinstance(judged, list) else []
    yield "models", _named(models)
    yield "description", text(facts.get("jobDescription"))
    yield "output", place_of(EVALUATION, facts)


def _copy(now: Snapshot) -> Rows:
    facts = now.facts
    yield "source model", text(facts.get("sourceModelName"))
    yield "source account", text(facts.get("sourceAccountId"))
    yield "source model ARN", text(facts.get("sourceModelArn"))
    name, arn = output_of(COPY, facts)
    yield "target model", name
    yield "target model ARN", arn


def _deployment(now: Snapshot) -> Rows:
    yield "model", model_of(DEPLOYMENT, now.facts)
    yield "model ARN", text(now.facts.get("modelArn"))
    yield "description", text(now.facts.get("description"))


def _provisioned(now: Snapshot) -> Rows:
    facts = now.facts
    yield "base model", model_of(PROVISIONED, facts)
    has, wanted = _count(facts.get("modelUnits")), _count(facts.get("desiredModelUnits"))
    more = f" (of {wanted} that were asked for)" if wanted is not None and wanted != has else ""
    yield "model units", "" if has is None else f"{has}{more}"
    yield "commitment", text(facts.get("commitmentDuration")) or "none"
    model, desired = text(facts.get("modelArn")), text(facts.get("desiredModelArn"))
    yield "model ARN", model
    yield "model asked for", desired if desired != model else ""


def _prompt(now: Snapshot) -> Rows:
    configured = now.facts.get("modelConfigurations")
    models = [_at(one, "modelId") for one in configured] if isinstance(configured, list) else []
    yield "models", _named(models)
    yield "description", text(now.facts.get("jobDescription"))
    yield "input", text(_at(now.facts, "inputConfig", "s3Uri"))
    yield "output", place_of(PROMPT, now.facts)


def _made(kind: str, now: Snapshot) -> Rows:
    """Yield the model that a job has made; before it has, that is only a name that was asked for."""
    if now.outcome is Outcome.SUCCEEDED:
        name, arn = output_of(kind, now.facts)
        yield "output model", name
        yield "output model ARN", arn


def _named(models: Iterable[Any]) -> str:
    return ", ".join(_short(one) for one in models if isinstance(one, str))


def _short(model: str) -> str:
    """Return a model's id of its ARN."""
    return model.rpartition("foundation-model/")[2] or model


def _at(value: Any, *path: str) -> Any:  # noqa: ANN401 - AWS may send anything
    """Return the member at *path*; None when something on the way is no object."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _count(value: Any) -> int | None:  # noqa: ANN401 - AWS may send anything
    sound = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_RECORDS
    return value if sound else None


def _number(metrics: Any, name: str) -> float | None:  # noqa: ANN401 - AWS may send anything
    value = metrics.get(name) if isinstance(metrics, Mapping) else None
    finite = isinstance(value, (int, float)) and abs(value) < 1e300  # not infinite, no NaN, no integer beyond floats
    return float(value) if finite and value is not None else None


def _time(value: Any) -> datetime | None:  # noqa: ANN401 - AWS may send anything
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    # Times at the calendar's edge overflow when they are shown in another zone.
    if moment is None or not 2000 <= moment.year <= 2200:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_TEACHER = ("customizationConfig", "distillationConfig", "teacherModelConfig", "teacherModelIdentifier")
_MODELS: Mapping[str, Callable[[Facts], str]] = {
    CUSTOMIZATION: lambda facts: text(facts.get("baseModelArn")),
    INVOCATION: lambda facts: text(facts.get("modelId")),
    DEPLOYMENT: lambda facts: text(facts.get("modelArn")).rpartition("custom-model/")[2],
    PROVISIONED: lambda facts: text(facts.get("foundationModelArn")),
}
_TYPES = {CUSTOMIZATION: "customizationType", EVALUATION: "jobType"}
_OUTPUTS = {
    CUSTOMIZATION: ("outputModelName", "outputModelArn"),
    IMPORT: ("importedModelName", "importedModelArn"),
    COPY: ("targetModelName", "targetModelArn"),
}
_PLACES = {
    CUSTOMIZATION: ("outputDataConfig", "s3Uri"),
    INVOCATION: ("outputDataConfig", "s3OutputDataConfig", "s3Uri"),
    EVALUATION: ("outputDataConfig", "s3Uri"),
    PROMPT: ("outputConfig", "s3Uri"),
}
_ROWS: Mapping[str, Callable[[Snapshot], Rows]] = {
    CUSTOMIZATION: _customization,
    IMPORT: _import,
    INVOCATION: _invocation,
    EVALUATION: _evaluation,
    COPY: _copy,
    DEPLOYMENT: _deployment,
    PROVISIONED: _provisioned,
    PROMPT: _prompt,
}
