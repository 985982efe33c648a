"""Evaluation jobs: of models and of knowledge bases, by programs and by people.

List tells no time of the last change, so each job is asked for by Get.  People take weeks over an evaluation: that
nothing changes is no reason to worry.
Source of all names: Amazon Bedrock API reference, GetEvaluationJob and ListEvaluationJobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.bedrock.kind import Kind, ListMembers, Members, read_simple
from watcher.model import EVALUATION, Outcome, Snapshot

MEMBERS = Members(ended="", reason="failureMessages")

OUTCOMES = {
    "InProgress": Outcome.RUNNING,
    "Stopping": Outcome.RUNNING,
    "Deleting": Outcome.RUNNING,
    "Completed": Outcome.SUCCEEDED,
    "Failed": Outcome.FAILED,
    "Stopped": Outcome.STOPPED,
}


def read(facts: Mapping[str, Any]) -> Snapshot:
    """Return the Snapshot of a GetEvaluationJob response; raises MalformedResponse."""
    return read_simple(facts, MEMBERS, OUTCOMES)


KIND = Kind(
    name=EVALUATION,
    get_operation="GetEvaluationJob",
    list_operation="ListEvaluationJobs",
    list_members=ListMembers("jobSummaries", changed=""),
    outcomes=OUTCOMES,
    read=read,
    members=MEMBERS,
    listed=False,
    reminders=frozenset({"overdue", "stopping"}),
)
