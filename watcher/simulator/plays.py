"""How each kind of job is answered for: its paths, its statuses, what its List understands, and its documents.

Source of paths and words: botocore's service model (bedrock, 2023-04-20), that of 1.44.8 where the pinned one lacks
them: advanced prompt optimization.

Not its business: when a job is in which phase (``timeline``), who asks (``server``), the documents (``documents``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watcher.model import (
    COPY,
    CUSTOMIZATION,
    DEPLOYMENT,
    EVALUATION,
    IMPORT,
    INVOCATION,
    PROMPT,
    PROVISIONED,
)
from watcher.simulator import documents
from watcher.simulator.documents import Document

if TYPE_CHECKING:
    from watcher.simulator.timeline import Run

BOUNDS: Final = ("creationTimeAfter", "creationTimeBefore")


@dataclass(frozen=True, slots=True)
class Play:
    """One kind, as its two operations answer.

    *get_path* and *list_path* are those of the REST API; *rows* is what List calls its summaries.  *named* says that a
    Get accepts a job's name, *short* that it accepts its id.  *bounds* and *name_filter* are List's filters as they
    are sent (empty: none), *terminal* the statuses that a job never leaves.
    """

    get_operation: str
    list_operation: str
    get_path: str
    list_path: str
    rows: str
    noun: str
    statuses: tuple[str, ...]
    terminal: frozenset[str]
    response: Callable[[Run, int], Document]
    summary: Callable[[Run, int], Document]
    named: bool = False
    short: bool = False
    status: str = "status"
    bounds: tuple[str, ...] = BOUNDS
    name_filter: str = "nameContains"


PLAYS: Final[dict[str, Play]] = {
    CUSTOMIZATION: Play(
        "GetModelCustomizationJob",
        "ListModelCustomizationJobs",
        "/model-customization-jobs",
        "/model-customization-jobs",
        "modelCustomizationJobSummaries",
        "model customization job",
        ("InProgress", "Completed", "Failed", "Stopping", "Stopped"),
        frozenset({"Completed", "Failed", "Stopped"}),
        documents.customization,
        documents.customization_row,
        named=True,
    ),
    IMPORT: Play(
        "GetModelImportJob",
        "ListModelImportJobs",
        "/model-import-jobs",
        "/model-import-jobs",
        "modelImportJobSummaries",
        "model import job",
        ("InProgress", "Completed", "Failed"),
        frozenset({"Completed", "Failed"}),
        documents.importing,
        documents.import_row,
        named=True,
    ),
    INVOCATION: Play(
        "GetModelInvocationJob",
        "ListModelInvocationJobs",
        "/model-invocation-job",
        "/model-invocation-jobs",
        "invocationJobSummaries",
        "batch inference job",
        (
            "Submitted",
            "InProgress",
            "Completed",
            "Failed",
            "Stopping",
            "Stopped",
            "PartiallyCompleted",
            "Expired",
            "Validating",
            "Scheduled",
        ),
        frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"}),
        documents.invocation,
        documents.invocation,
        short=True,
        bounds=("submitTimeAfter", "submitTimeBefore"),
    ),
    EVALUATION: Play(
        "GetEvaluationJob",
        "ListEvaluationJobs",
        "/evaluation-jobs",
        "/evaluation-jobs",
        "jobSummaries",
        "evaluation job",
        ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting"),
        frozenset({"Completed", "Failed", "Stopped"}),
        documents.evaluation,
        documents.evaluation_row,
    ),
    COPY: Play(
        "GetModelCopyJob",
        "ListModelCopyJobs",
        "/model-copy-jobs",
        "/model-copy-jobs",
        "modelCopyJobSummaries",
        "model copy job",
        ("InProgress", "Completed", "Failed"),
        frozenset({"Completed", "Failed"}),
        documents.copying,
        documents.copying,
        name_filter="outputModelNameContains",
    ),
    DEPLOYMENT: Play(
        "GetCustomModelDeployment",
        "ListCustomModelDeployments",
        "/model-customization/custom-model-deployments",
        "/model-customization/custom-model-deployments",
        "modelDeploymentSummaries",
        "custom model deployment",
        ("Creating", "Active", "Failed"),
        frozenset({"Active", "Failed"}),
        documents.deployment,
        documents.deployment_row,
        named=True,
        bounds=("createdAfter", "createdBefore"),
    ),
    PROVISIONED: Play(
        "GetProvisionedModelThroughput",
        "ListProvisionedModelThroughputs",
        "/provisioned-model-throughput",
        "/provisioned-model-throughputs",
        "provisionedModelSummaries",
        "provisioned model throughput",
        ("Creating", "InService", "Updating", "Failed"),
        frozenset({"InService", "Failed"}),
        documents.provisioned,
        documents.provisioned_row,
        named=True,
    ),
    PROMPT: Play(
        "GetAdvancedPromptOptimizationJob",
        "ListAdvancedPromptOptimizationJobs",
        "/advanced-prompt-optimization-jobs",
        "/advanced-prompt-optimization-jobs",
        "jobSummaries",
        "advanced prompt optimization job",
        ("InProgress", "Completed", "Failed", "PartiallyCompleted", "Stopping", "Stopped", "Deleting"),
        frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped"}),
        documents.prompt,
        documents.prompt_row,
        short=True,
        status="jobStatus",
        bounds=(),
        name_filter="",
    ),
}
"""Every kind that is played."""
