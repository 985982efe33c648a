"""Scripts of the kinds beside customization: one of each, and of batch inference one of each way in which it ends.

Durations are AWS's seconds.  Source of the statuses' order: Amazon Bedrock API reference, GetModelInvocationJob.
Not its business: customization (``scripts``), how a script becomes responses (``documents``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypedDict, Unpack

from watcher.model import COPY, DEPLOYMENT, EVALUATION, IMPORT, INVOCATION, PROMPT, PROVISIONED
from watcher.simulator.timeline import Phase, Script

RECORDS: Final = 20_000
"""How many records a batch has."""

_MINUTE = 60.0
_JUDGED = "amazon.nova-lite-v1:0"


class Changes(TypedDict, total=False):
    """The fields of Script that a ready script takes in place of its own."""

    region: str
    account: str
    partition: str
    base_model: str
    job_id: str
    failure_message: str
    speed: float
    tags: Mapping[str, str]


def importing(name: str = "llama-import-v1", **changes: Unpack[Changes]) -> Script:
    """Return an import that is Completed after 25 minutes."""
    return _simple(name, IMPORT, 25 * _MINUTE, "Completed", changes)


def batch(name: str = "nightly-tickets", **changes: Unpack[Changes]) -> Script:
    """Return a batch inference job that waits twice, works off its records, and is Completed after 2 h 18 min."""
    return _batch(name, Phase(0, "Completed", facts=_counts(RECORDS)), changes)


def partial_batch(name: str = "nightly-invoices", **changes: Unpack[Changes]) -> Script:
    """Return a batch inference job that cannot process all its records in time: it is PartiallyCompleted."""
    return _batch(name, Phase(0, "PartiallyCompleted", facts=_counts(18_400, 120)), changes)


def expired_batch(name: str = "nightly-archive", **changes: Unpack[Changes]) -> Script:
    """Return a batch inference job that has not begun when its time is up, after a day: it is Expired."""
    waits = (
        Phase(3 * _MINUTE, "Submitted"),
        Phase(5 * _MINUTE, "Validating"),
        Phase(24 * 60 * _MINUTE, "Scheduled", facts=_counts(0)),
        Phase(0, "Expired", facts=_counts(0)),
    )
    return replace(Script(name, waits, kind=INVOCATION, base_model="amazon.nova-lite-v1:0"), **changes)


def evaluation(name: str = "support-judge-v2", **changes: Unpack[Changes]) -> Script:
    """Return an evaluation that is Completed after 50 minutes."""
    changes.setdefault("base_model", _JUDGED)
    return _simple(name, EVALUATION, 50 * _MINUTE, "Completed", changes)


def failing_evaluation(name: str = "legal-judge-v1", **changes: Unpack[Changes]) -> Script:
    """Return an evaluation that fails, for two reasons unless told which."""
    why = (
        "Could not validate GetObject permissions to access Amazon S3 bucket: prompts at key judge.jsonl\n"
        "The evaluator model is not available in this region"
    )
    changes.setdefault("failure_message", why)
    changes.setdefault("base_model", _JUDGED)
    return _simple(name, EVALUATION, 12 * _MINUTE, "Failed", changes)


def copying(name: str = "support-model-eu", **changes: Unpack[Changes]) -> Script:
    """Return a copy from another region that is Completed after 35 minutes."""
    return _simple(name, COPY, 35 * _MINUTE, "Completed", changes)


def deployment(name: str = "support-desk", **changes: Unpack[Changes]) -> Script:
    """Return a deployment that is Active after 9 minutes."""
    return _simple(name, DEPLOYMENT, 9 * _MINUTE, "Active", changes, running="Creating")


def provisioned(name: str = "support-units", **changes: Unpack[Changes]) -> Script:
    """Return provisioned throughput, committed for a month, that is InService after 14 minutes."""
    return _simple(name, PROVISIONED, 14 * _MINUTE, "InService", changes, running="Creating")


def prompt(name: str = "triage-prompts", **changes: Unpack[Changes]) -> Script:
    """Return an advanced prompt optimization that is Completed after 40 minutes."""
    return _simple(name, PROMPT, 40 * _MINUTE, "Completed", changes)


def _simple(name: str, kind: str, seconds: float, end: str, changes: Changes, *, running: str = "InProgress") -> Script:
    return replace(Script(name, (Phase(seconds, running), Phase(0, end)), kind=kind), **changes)


def _batch(name: str, end: Phase, changes: Changes) -> Script:
    phases = (
        Phase(3 * _MINUTE, "Submitted"),
        Phase(5 * _MINUTE, "Validating"),
        Phase(20 * _MINUTE, "Scheduled", facts=_counts(0)),
        Phase(30 * _MINUTE, "InProgress", facts=_counts(0)),
        Phase(40 * _MINUTE, "InProgress", facts=_counts(6_600)),
        Phase(40 * _MINUTE, "InProgress", facts=_counts(13_200, 3)),
        end,
    )
    return replace(Script(name, phases, kind=INVOCATION, base_model="amazon.nova-lite-v1:0"), **changes)


def _counts(processed: int, failed: int = 0) -> dict[str, Any]:
    """Return the counts of records.  Source: botocore 1.44.8's service model; the pinned one lacks them."""
    return {
        "totalRecordCount": RECORDS,
        "processedRecordCount": processed,
        "successRecordCount": processed - failed,
        "errorRecordCount": failed,
    }
