"""Advanced prompt optimization jobs.  The pinned SDK does not know them: ``bedrock.client`` tells it (``models/``).

Source of all names: Amazon Bedrock API reference, GetAdvancedPromptOptimizationJob and
ListAdvancedPromptOptimizationJobs, as in the service model of botocore 1.44.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.bedrock.kind import Kind, ListMembers, Members, read_simple
from watcher.model import PROMPT, Outcome, Snapshot

MEMBERS = Members(status="jobStatus", ended="")

OUTCOMES = {
    "InProgress": Outcome.RUNNING,
    "Stopping": Outcome.RUNNING,
    "Deleting": Outcome.RUNNING,
    "Completed": Outcome.SUCCEEDED,
    "PartiallyCompleted": Outcome.PARTIAL,
    "Failed": Outcome.FAILED,
    "Stopped": Outcome.STOPPED,
}


def read(facts: Mapping[str, Any]) -> Snapshot:
    """Return the Snapshot of a GetAdvancedPromptOptimizationJob response; raises MalformedResponse."""
    return read_simple(facts, MEMBERS, OUTCOMES)


KIND = Kind(
    name=PROMPT,
    get_operation="GetAdvancedPromptOptimizationJob",
    list_operation="ListAdvancedPromptOptimizationJobs",
    list_members=ListMembers("jobSummaries", status="jobStatus", created_after="", status_equals=""),
    outcomes=OUTCOMES,
    read=read,
    members=MEMBERS,
    reminders=frozenset({"overdue", "stalled", "stopping"}),
)
