"""Batch inference: model invocation jobs.

Batches are of any size, so that one's duration tells nothing of another's; and AWS itself ends what takes too long.
Source of all names: Amazon Bedrock API reference, GetModelInvocationJob and ListModelInvocationJobs; the counts of
records are newer than the pinned SDK, and stand in the response as AWS sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.bedrock.kind import Kind, ListMembers, Members, read_simple
from watcher.model import INVOCATION, Outcome, Snapshot

MEMBERS = Members(created="submitTime", reason="message")

OUTCOMES = {
    "Submitted": Outcome.RUNNING,
    "Validating": Outcome.RUNNING,
    "Scheduled": Outcome.RUNNING,
    "InProgress": Outcome.RUNNING,
    "Stopping": Outcome.RUNNING,
    "Completed": Outcome.SUCCEEDED,
    "PartiallyCompleted": Outcome.PARTIAL,
    "Failed": Outcome.FAILED,
    "Stopped": Outcome.STOPPED,
    "Expired": Outcome.EXPIRED,
}

COUNTS = frozenset({"totalRecordCount", "processedRecordCount", "successRecordCount", "errorRecordCount"})
"""They move at every look: progress, not news."""


def read(facts: Mapping[str, Any]) -> Snapshot:
    """Return the Snapshot of a GetModelInvocationJob response; raises MalformedResponse."""
    return read_simple(facts, MEMBERS, OUTCOMES, apart=COUNTS)


KIND = Kind(
    name=INVOCATION,
    get_operation="GetModelInvocationJob",
    list_operation="ListModelInvocationJobs",
    list_members=ListMembers(
        "invocationJobSummaries",
        steps="processedRecordCount",
        created_after="submitTimeAfter",
        created="submitTime",
    ),
    outcomes=OUTCOMES,
    read=read,
    members=MEMBERS,
    reminders=frozenset({"overdue", "stopping", "queued"}),
)
