"""Scripts that are ready to play: one of each way in which a customization job goes, and those of ``others``.

Durations are AWS's seconds; those of public reports: jobs take one to four hours, a queued one longer.
Not its business: how a script becomes responses (``timeline``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypedDict, Unpack

from watcher.errors import UsageError
from watcher.simulator import others
from watcher.simulator.timeline import Phase, Script

VALIDATION, PROCESSING, TRAINING = "validationDetails", "dataProcessingDetails", "trainingDetails"
"""The sub-tasks, in AWS's order, by their members of ``statusDetails``."""

FAILURES: Final = {
    VALIDATION: (
        "Could not validate GetObject permissions to access Amazon S3 bucket: training-data-bucket at key train.jsonl"
    ),
    TRAINING: "Encountered an unexpected error when processing the request, please try again",
}
"""What AWS says when a sub-task fails.  Source: public reports of users, verbatim."""

_MINUTE = 60.0
_HOUR = 60 * _MINUTE
_TWO = (VALIDATION, TRAINING)
_THREE = (VALIDATION, PROCESSING, TRAINING)


class Changes(TypedDict, total=False):
    """The fields of Script that a ready script takes in place of its own."""

    region: str
    account: str
    partition: str
    base_model: str
    job_id: str
    training_loss: float
    validation_loss: float
    hyper_parameters: Mapping[str, str]
    speed: float
    tags: Mapping[str, str]


def distillation(name: str = "nova-support-v3", **changes: Unpack[Changes]) -> Script:
    """Return a distillation that goes through all its sub-tasks to Completed, in 3 h 12 min."""
    script = Script(
        name,
        (
            *_lead(_THREE, queued=4 * _MINUTE, validation=10 * _MINUTE),
            Phase(58 * _MINUTE, "InProgress", _steps(_THREE, "Completed", "InProgress")),
            Phase(2 * _HOUR, "InProgress", _steps(_THREE, "Completed", "Completed", "InProgress")),
            Phase(0, "Completed", _steps(_THREE, "Completed", "Completed", "Completed")),
        ),
        customization="DISTILLATION",
        teacher_model="amazon.nova-pro-v1:0",
    )
    return replace(script, **changes)


def fine_tuning(name: str = "titan-tickets-v7", **changes: Unpack[Changes]) -> Script:
    """Return a fine-tuning that is Completed after 1 h 50 min."""
    script = Script(
        name,
        (
            *_lead(_TWO, queued=2 * _MINUTE, validation=8 * _MINUTE),
            Phase(100 * _MINUTE, "InProgress", _steps(_TWO, "Completed", "InProgress")),
            Phase(0, "Completed", _steps(_TWO, "Completed", "Completed")),
        ),
        base_model="amazon.titan-text-lite-v1:0:4k",
    )
    return replace(script, **changes)


def failing(
    name: str = "nova-legal-v1", *, at: str = TRAINING, failure_message: str = "", **changes: Unpack[Changes]
) -> Script:
    """Return a fine-tuning that fails in its sub-task *at*; *failure_message* is a genuine one unless given.

    Raises UsageError when *at* is not a sub-task that a fine-tuning has.
    """
    if at not in FAILURES:
        raise UsageError(f"a fine-tuning cannot fail at {at!r}", f"one of {', '.join(FAILURES)}")
    lead = _lead(_TWO, queued=3 * _MINUTE, validation=12 * _MINUTE)
    phases: tuple[Phase, ...]
    if at == VALIDATION:
        phases = (*lead, Phase(0, "Failed", _steps(_TWO, "Failed")))
    else:
        training = Phase(75 * _MINUTE, "InProgress", _steps(_TWO, "Completed", "InProgress"))
        phases = (*lead, training, Phase(0, "Failed", _steps(_TWO, "Completed", "Failed")))
    return replace(Script(name, phases, failure_message=failure_message or FAILURES[at]), **changes)


def stopped(name: str = "llama-triage-v2", **changes: Unpack[Changes]) -> Script:
    """Return a fine-tuning that somebody stops after 52 minutes, most of them in training."""
    script = Script(
        name,
        (
            *_lead(_TWO, queued=2 * _MINUTE, validation=10 * _MINUTE),
            Phase(40 * _MINUTE, "InProgress", _steps(_TWO, "Completed", "InProgress")),
            Phase(6 * _MINUTE, "Stopping", _steps(_TWO, "Completed", "Stopping")),
            Phase(0, "Stopped", _steps(_TWO, "Completed", "Stopped")),
        ),
        base_model="meta.llama3-2-3b-instruct-v1:0:128k",
    )
    return replace(script, **changes)


def queued(name: str = "nova-backlog-v1", **changes: Unpack[Changes]) -> Script:
    """Return a fine-tuning that waits five hours before AWS begins: InProgress, with every sub-task NotStarted."""
    script = Script(
        name,
        (
            *_lead(_TWO, queued=5 * _HOUR, validation=10 * _MINUTE),
            Phase(80 * _MINUTE, "InProgress", _steps(_TWO, "Completed", "InProgress")),
            Phase(0, "Completed", _steps(_TWO, "Completed", "Completed")),
        ),
    )
    return replace(script, **changes)


SCENARIOS: Final[dict[str, Callable[..., Script]]] = {
    "distillation": distillation,
    "fine_tuning": fine_tuning,
    "failing": failing,
    "stopped": stopped,
    "queued": queued,
    "importing": others.importing,
    "batch": others.batch,
    "partial_batch": others.partial_batch,
    "expired_batch": others.expired_batch,
    "evaluation": others.evaluation,
    "failing_evaluation": others.failing_evaluation,
    "copying": others.copying,
    "deployment": others.deployment,
    "provisioned": others.provisioned,
    "prompt": others.prompt,
}
"""Every ready script by its name; each takes a name, and Changes as keyword arguments."""


def _steps(names: tuple[str, ...], *statuses: str) -> dict[str, str]:
    """Return the status of each sub-task; those for which none is given have not started."""
    waiting = ("NotStarted",) * (len(names) - len(statuses))
    return dict(zip(names, statuses + waiting, strict=True))


def _lead(names: tuple[str, ...], *, queued: float, validation: float) -> tuple[Phase, Phase]:
    """Return how every job begins: a wait, then the validation of its data."""
    return Phase(queued, "InProgress", _steps(names)), Phase(validation, "InProgress", _steps(names, "InProgress"))
