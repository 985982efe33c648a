"""Model customization jobs: fine-tuning, distillation, continued pre-training.

Source of all names: Amazon Bedrock API reference, GetModelCustomizationJob; statuses as in botocore's service
model (``ModelCustomizationJobStatus``, ``JobStatusDetails``), which a contract test compares with this file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from watcher.bedrock.kind import Kind, ListMembers, MalformedResponse, text_of, time_of
from watcher.bedrock.redact import excerpt
from watcher.model import CUSTOMIZATION, Outcome, Snapshot, Step

OUTCOMES = {
    "InProgress": Outcome.RUNNING,
    "Stopping": Outcome.RUNNING,
    "Completed": Outcome.SUCCEEDED,
    "Failed": Outcome.FAILED,
    "Stopped": Outcome.STOPPED,
}

STEPS = {
    "validationDetails": "validation",
    "dataProcessingDetails": "data processing",
    "trainingDetails": "training",
}
"""The documented sub-tasks, in the order in which they run."""

STEP_STATUSES = frozenset({"NotStarted", "InProgress", "Completed", "Stopping", "Stopped", "Failed"})

TYPES = frozenset({"FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION", "IMPORTED", "REINFORCEMENT_FINE_TUNING"})
"""The known words of ``customizationType``; the last is newer than the pinned SDK."""

_TOLD_APART = frozenset({"status", "statusDetails", "failureMessage", "lastModifiedTime"})
_STEP_TOLD_APART = frozenset({"status", "creationTime", "lastModifiedTime"})


def read(facts: Mapping[str, Any]) -> Snapshot:
    """Return the Snapshot of a GetModelCustomizationJob response; raises MalformedResponse."""
    status = text_of(facts, "status", required=True)
    details = facts.get("statusDetails") or {}
    if not isinstance(details, Mapping):
        raise MalformedResponse(f"statusDetails is {excerpt(details)}, not an object")
    steps = tuple(_step(key, details[key]) for key in _in_order(details))
    return Snapshot(
        status=status,
        outcome=OUTCOMES.get(status, Outcome.RUNNING),
        steps=steps,
        failure=text_of(facts, "failureMessage"),
        name=text_of(facts, "jobName"),
        created_at=time_of(facts, "creationTime"),
        changed_at=_latest(time_of(facts, "lastModifiedTime"), *(step.changed_at for step in steps)),
        ended_at=time_of(facts, "endTime"),
        facts=facts,
        rest=_rest(facts, details),
    )


def _in_order(details: Mapping[str, Any]) -> list[str]:
    """Return the sub-tasks present: the documented ones as they run, then any that AWS has added since."""
    known = [key for key in STEPS if details.get(key) is not None]
    return known + [key for key, value in details.items() if key not in STEPS and isinstance(value, Mapping)]


def _step(key: str, details: object) -> Step:
    if not isinstance(details, Mapping):
        raise MalformedResponse(f"statusDetails.{key} is {excerpt(details)}, not an object")
    return Step(
        name=STEPS.get(key) or _words(key),
        status=text_of(details, "status") or "NotStarted",
        started_at=time_of(details, "creationTime"),
        changed_at=time_of(details, "lastModifiedTime"),
    )


def _words(key: str) -> str:
    """Return ``rewardModelDetails`` as ``reward model``."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", key.removesuffix("Details")).lower()


def _rest(facts: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the response holds beside the status, the sub-tasks and the reason."""
    rest = {key: value for key, value in facts.items() if key not in _TOLD_APART}
    more = {}
    for key, value in details.items():
        if not isinstance(value, Mapping):
            more[key] = value
        elif left := {name: item for name, item in value.items() if name not in _STEP_TOLD_APART}:
            more[key] = left
    return {**rest, "statusDetails": more} if more else rest


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


KIND = Kind(
    name=CUSTOMIZATION,
    get_operation="GetModelCustomizationJob",
    list_operation="ListModelCustomizationJobs",
    list_members=ListMembers("modelCustomizationJobSummaries", steps="statusDetails", type="customizationType"),
    outcomes=OUTCOMES,
    read=read,
    reminders=frozenset({"overdue", "stalled", "stopping", "queued"}),
    model="baseModelArn",
    type="customizationType",
)
