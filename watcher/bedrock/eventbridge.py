"""What EventBridge says of Bedrock's jobs: which events there are, and which job one of them names.  Pure.

An event is a hint to look, never the truth: they are sent with best effort, late, twice, and without sub-tasks.
Source: Amazon Bedrock User Guide, "Monitor Amazon Bedrock job state changes using Amazon EventBridge".
"""

from __future__ import annotations

import json
from typing import Any

SOURCE = "aws.bedrock"

DETAIL_TYPES = {
    # the event's detail-type: the member of its detail that holds the job's ARN
    "Model Customization Job State Change": "jobArn",
    "Batch Inference Job State Change": "batchJobArn",
}


def pattern() -> dict[str, Any]:
    """Return the pattern of a rule that matches just these events."""
    return {"source": [SOURCE], "detail-type": list(DETAIL_TYPES)}


def job_of(body: str) -> str | None:
    """Return the ARN of the job that an event names; None for whatever is not such an event."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or event.get("source") != SOURCE:
        return None
    kind, detail = event.get("detail-type"), event.get("detail")
    if not isinstance(kind, str) or not isinstance(detail, dict):
        return None
    arn = detail.get(DETAIL_TYPES.get(kind, ""))
    return arn if isinstance(arn, str) and arn.startswith("arn:") else None
