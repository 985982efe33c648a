"""Model copy jobs: custom models copied to another region.

A copy job has a status and no time but that of its creation; List tells as much of it as Get.
Source of all names: Amazon Bedrock API reference, GetModelCopyJob and ListModelCopyJobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.bedrock.kind import Kind, ListMembers, Members, read_simple
from watcher.model import COPY, Outcome, Snapshot

MEMBERS = Members(name="targetModelName", changed="", ended="")

OUTCOMES = {
    "InProgress": Outcome.RUNNING,
    "Completed": Outcome.SUCCEEDED,
    "Failed": Outcome.FAILED,
}


def read(facts: Mapping[str, Any]) -> Snapshot:
    """Return the Snapshot of a GetModelCopyJob response; raises MalformedResponse."""
    return read_simple(facts, MEMBERS, OUTCOMES)


KIND = Kind(
    name=COPY,
    get_operation="GetModelCopyJob",
    list_operation="ListModelCopyJobs",
    list_members=ListMembers("modelCopyJobSummaries", name="targetModelName", changed=""),
    outcomes=OUTCOMES,
    read=read,
    members=MEMBERS,
    identifier="jobArn",
    reminders=frozenset({"overdue"}),
)
