"""What EventBridge says of Bedrock's jobs: which events there are, and which job one of them names.  Pure.

An event is a hint to look, never the truth: they are sent with best effort, late, twice, and without sub-tasks.
Source: Amazon Bedrock User Guide, "Monitor Amazon Bedrock job state changes using Amazon EventBridge"; Amazon SNS
Developer Guide, "HTTP/HTTPS notification JSON format" (the same envelope goes to queues).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from watcher.errors import BadIdentifier
from watcher.model import JobArn

SOURCE = "aws.bedrock"

DETAIL_TYPES = {
    # the event's detail-type: the members of its detail that hold the job's ARN and its name
    "Model Customization Job State Change": ("jobArn", "jobName"),
    "Batch Inference Job State Change": ("batchJobArn", "batchJobName"),
}


@dataclass(frozen=True, slots=True)
class Named:
    """A job as an event names it.  The ARN may lack the model that Bedrock's own ARN of the job has."""

    arn: JobArn
    name: str = ""


def pattern() -> dict[str, Any]:
    """Return the pattern of a rule that matches just these events."""
    return {"source": [SOURCE], "detail-type": list(DETAIL_TYPES)}


def job_of(body: str) -> Named | None:
    """Return the job that an event names, which may have come by a topic of SNS; None for whatever is no such event."""
    event = _object(body)
    if event.get("Type") == "Notification":
        event = _object(event.get("Message"))
    kind, detail = event.get("detail-type"), event.get("detail")
    if event.get("source") != SOURCE or not isinstance(kind, str) or not isinstance(detail, dict):
        return None
    arn, name = (detail.get(member) for member in DETAIL_TYPES.get(kind, ("", "")))
    try:
        return Named(JobArn.parse(arn), name if isinstance(name, str) else "") if isinstance(arn, str) else None
    except BadIdentifier:
        return None


def _object(text: object) -> dict[str, Any]:
    """Return the JSON object that *text* is, an empty one when it is none."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
