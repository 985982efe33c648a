"""Model import jobs: custom models brought from elsewhere.

Source of all names: Amazon Bedrock API reference, GetModelImportJob and ListModelImportJobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.bedrock.kind import Kind, ListMembers, Members, read_simple
from watcher.model import IMPORT, Outcome, Snapshot

MEMBERS = Members()

OUTCOMES = {
    "InProgress": Outcome.RUNNING,
    "Completed": Outcome.SUCCEEDED,
    "Failed": Outcome.FAILED,
}


def read(facts: Mapping[str, Any]) -> Snapshot:
    """Return the Snapshot of a GetModelImportJob response; raises MalformedResponse."""
    return read_simple(facts, MEMBERS, OUTCOMES)


KIND = Kind(
    name=IMPORT,
    get_operation="GetModelImportJob",
    list_operation="ListModelImportJobs",
    list_members=ListMembers("modelImportJobSummaries"),
    outcomes=OUTCOMES,
    read=read,
    members=MEMBERS,
    reminders=frozenset({"overdue", "stalled"}),
)
