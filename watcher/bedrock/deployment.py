"""Custom model deployments: a custom model made ready for inference on demand.  Active is the end of what is watched.

Source of all names: Amazon Bedrock API reference, GetCustomModelDeployment and ListCustomModelDeployments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.bedrock.kind import Kind, ListMembers, Members, read_simple
from watcher.model import DEPLOYMENT, Outcome, Snapshot

MEMBERS = Members(
    arn="customModelDeploymentArn",
    name="modelDeploymentName",
    created="createdAt",
    changed="lastUpdatedAt",
    ended="",
)

OUTCOMES = {
    "Creating": Outcome.RUNNING,
    "Active": Outcome.SUCCEEDED,
    "Failed": Outcome.FAILED,
}


def read(facts: Mapping[str, Any]) -> Snapshot:
    """Return the Snapshot of a GetCustomModelDeployment response; raises MalformedResponse."""
    return read_simple(facts, MEMBERS, OUTCOMES)


KIND = Kind(
    name=DEPLOYMENT,
    get_operation="GetCustomModelDeployment",
    list_operation="ListCustomModelDeployments",
    list_members=ListMembers(
        "modelDeploymentSummaries",
        arn="customModelDeploymentArn",
        name="customModelDeploymentName",
        changed="lastUpdatedAt",
        created_after="createdAfter",
        created="createdAt",
    ),
    outcomes=OUTCOMES,
    read=read,
    members=MEMBERS,
    identifier="customModelDeploymentIdentifier",
    reminders=frozenset({"overdue", "stalled"}),
)
