"""Provisioned throughput: model units of one's own.  InService is the end of what is watched, and billing has begun.

Source of all names: Amazon Bedrock API reference, GetProvisionedModelThroughput and ListProvisionedModelThroughputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.bedrock.kind import Kind, ListMembers, Members, read_simple
from watcher.model import PROVISIONED, Outcome, Snapshot

MEMBERS = Members(arn="provisionedModelArn", name="provisionedModelName", ended="")

OUTCOMES = {
    "Creating": Outcome.RUNNING,
    "Updating": Outcome.RUNNING,
    "InService": Outcome.SUCCEEDED,
    "Failed": Outcome.FAILED,
}


def read(facts: Mapping[str, Any]) -> Snapshot:
    """Return the Snapshot of a GetProvisionedModelThroughput response; raises MalformedResponse."""
    return read_simple(facts, MEMBERS, OUTCOMES)


KIND = Kind(
    name=PROVISIONED,
    get_operation="GetProvisionedModelThroughput",
    list_operation="ListProvisionedModelThroughputs",
    list_members=ListMembers("provisionedModelSummaries", arn="provisionedModelArn", name="provisionedModelName"),
    outcomes=OUTCOMES,
    read=read,
    members=MEMBERS,
    identifier="provisionedModelId",
    reminders=frozenset({"overdue", "stalled"}),
    model="foundationModelArn",
)
