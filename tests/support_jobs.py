"""Responses of made-up jobs, as GetModelCustomizationJob sends them, and a strategy for their histories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

ACCOUNT, REGION = "123456789012", "us-east-1"
BORN = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
STEPS = ("validationDetails", "dataProcessingDetails", "trainingDetails")


def arn(number: int = 1) -> str:
    """Return the ARN of the job of that number."""
    return (
        f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij{number:02}"
    )


def at(minutes: float) -> str:
    """Return a time, so many minutes after the job was created, as AWS writes it."""
    return (BORN + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def response(number: int = 1, *, status: str = "InProgress", minute: float = 0, **members: Any) -> dict[str, Any]:
    """Return a Get response of job *number*, last modified at *minute*."""
    return {
        "jobArn": arn(number),
        "jobName": f"job-{number}",
        "status": status,
        "creationTime": at(0),
        "lastModifiedTime": at(minute),
        "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k",
        "customizationType": "FINE_TUNING",
        "outputModelName": f"model-{number}",
        "outputDataConfig": {"s3Uri": f"s3://bucket-{number}/output"},
        **members,
    }


def step(status: str, started: float | None = None, changed: float | None = None) -> dict[str, Any]:
    """Return one sub-task of statusDetails, its times in minutes."""
    times = {"creationTime": started, "lastModifiedTime": changed if changed is not None else started}
    return {"status": status} | {key: at(minute) for key, minute in times.items() if minute is not None}


@st.composite
def histories(draw: st.DrawFn, number: int = 1, longest: int = 6) -> list[dict[str, Any]]:
    """Draw a job's life: responses whose statuses move along AWS's order, and that end in a terminal one."""
    steps: dict[str, Mapping[str, Any]] = {name: step("NotStarted") for name in STEPS[: draw(st.integers(0, 3))]}
    life, minute = [], 0.0
    for _ in range(draw(st.integers(0, longest))):
        minute += draw(st.integers(1, 90))
        running = [name for name, one in steps.items() if one["status"] == "InProgress"]
        waiting = [name for name, one in steps.items() if one["status"] == "NotStarted"]
        finishes: bool = draw(st.booleans())
        if running and finishes:
            began = steps[running[0]]
            steps = {**steps, running[0]: {**began, "status": "Completed", "lastModifiedTime": at(minute)}}
        elif waiting and not running:
            steps = {**steps, waiting[0]: step("InProgress", minute)}
        details: dict[str, Any] = {"statusDetails": dict(steps)} if steps else {}
        life.append(response(number, minute=minute, **details))
    minute += draw(st.integers(1, 90))
    ending = draw(st.sampled_from(["Completed", "Failed", "Stopped"]))
    more: dict[str, Any] = {"endTime": at(minute)}
    if ending == "Failed":
        more["failureMessage"] = draw(st.sampled_from(["Maximum input token count 4097 exceeds limit of 4096", "x"]))
    if steps:
        more["statusDetails"] = dict(steps)
    life.append(response(number, status=ending, minute=minute, **more))
    return life
