"""What a job's response is at a moment: a script, its run, and the documents that AWS would send then.

Everything here is pure: the moment is an argument, in epoch seconds.

The clock that AWS's times are read from runs ``speed`` times as fast as the real one, and the two meet when the job
ends: a job of three hours at speed 1080 was, by AWS's times, created three hours ago, and ends now, ten seconds
later.  So durations are those of a real job, and no time is ever in the future of the real clock.

Not its business: which scripts there are (``scripts``), who asks (``server``), what goes wrong (``faults``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from watcher.clock import utc
from watcher.errors import UsageError
from watcher.model import CUSTOMIZATION

TERMINAL = frozenset({"Completed", "Failed", "Stopped"})
"""The statuses that a job never leaves.  Source: Amazon Bedrock API reference, GetModelCustomizationJob."""

HALTED = {"Stopping": {"InProgress": "Stopping"}, "Stopped": {"InProgress": "Stopped", "Stopping": "Stopped"}}
"""What a stop makes of a sub-task; AWS documents the words, not the order, so a sub-task follows its job."""

_DEFAULT_HYPER_PARAMETERS = {"epochCount": "2", "learningRate": "0.00001", "learningRateWarmupSteps": "10"}


@dataclass(frozen=True, slots=True)
class Phase:
    """A while in which nothing changes: *seconds* of AWS's time; *steps* maps a sub-task's member to its status.

    The last phase of a script lasts for ever, whatever its seconds.
    """

    seconds: float
    status: str
    steps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Script:
    """What a job is, and all that will happen to it.  Raises UsageError when it cannot be played.

    *speed* is how many of AWS's seconds pass in a real one (at least 1).  An empty *job_id* is given by the luck of
    the simulator; otherwise it is the twelve characters that end the ARN.
    """

    name: str
    phases: tuple[Phase, ...]
    customization: str = "FINE_TUNING"
    base_model: str = "amazon.nova-lite-v1:0:300k"
    teacher_model: str = ""
    region: str = "us-east-1"
    account: str = "123456789012"
    partition: str = "aws"
    job_id: str = ""
    failure_message: str = ""
    training_loss: float = 0.4217
    validation_loss: float = 0.5063
    hyper_parameters: Mapping[str, str] = field(default_factory=lambda: dict(_DEFAULT_HYPER_PARAMETERS))
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not self.phases:
            raise UsageError(f"the script of {self.name!r} has no phase", "give it one at least")
        if not self.speed >= 1:  # also refuses a NaN
            raise UsageError(f"a speed of {self.speed:g} for {self.name!r}", "1 or more: AWS's times must not be ahead")

    def arn(self, resource: str, *, account: str | None = None) -> str:
        """Return the ARN of *resource* in the job's region; *account* is the job's unless given."""
        owner = self.account if account is None else account
        return f"arn:{self.partition}:bedrock:{self.region}:{owner}:{resource}"


@dataclass(frozen=True, slots=True)
class Run:
    """A script being played since *began* (real epoch seconds); *starts* are the phases' starts in AWS's time."""

    script: Script
    job_id: str
    began: float
    phases: tuple[Phase, ...]
    starts: tuple[float, ...]

    @property
    def name(self) -> str:
        """The job's name."""
        return self.script.name

    @property
    def arn(self) -> str:
        """The job's ARN."""
        return self.script.arn(f"{CUSTOMIZATION}/{self.script.base_model}/{self.job_id}")

    @property
    def created(self) -> float:
        """AWS's creationTime, in epoch seconds."""
        return self.starts[0]

    def time(self, now: float) -> float:
        """Return what AWS's clock shows for this job when the real one shows *now*; never later than *now*."""
        return min(self.created + (now - self.began) * self.script.speed, now)

    def index(self, now: float) -> int:
        """Return which phase the job is in; the first one before it began."""
        return max(bisect_right(self.starts, self.time(now)) - 1, 0)

    def response(self, index: int) -> dict[str, Any]:
        """Return the body of GetModelCustomizationJob during phase *index*.

        Members that AWS has nothing to say of yet are left out, as AWS does.  Source of names and types: botocore's
        service model (bedrock, 2023-04-20).
        """
        script, status = self.script, self.phases[index].status
        bucket = f"s3://{script.name.lower()}-data"
        document: dict[str, Any] = {
            "jobArn": self.arn,
            "jobName": script.name,
            "outputModelName": f"{script.name}-model",
            "clientRequestToken": f"token-{self.job_id}",
            "roleArn": f"arn:{script.partition}:iam::{script.account}:role/service-role/bedrock-customization",
            "status": status,
            **self._times(index),
            "baseModelArn": script.arn(f"foundation-model/{script.base_model}", account=""),
            "hyperParameters": dict(script.hyper_parameters),
            "trainingDataConfig": {"s3Uri": f"{bucket}/train.jsonl"},
            "validationDataConfig": {"validators": [{"s3Uri": f"{bucket}/validation.jsonl"}]},
            "outputDataConfig": {"s3Uri": f"{bucket}/output"},
            "customizationType": script.customization,
        }
        if script.teacher_model:
            teacher = {"teacherModelIdentifier": script.teacher_model, "maxResponseLengthForInference": 1000}
            document["customizationConfig"] = {"distillationConfig": {"teacherModelConfig": teacher}}
        if status == "Failed" and script.failure_message:
            document["failureMessage"] = script.failure_message
        if status == "Completed":
            document["outputModelArn"] = self._output_model
            document["trainingMetrics"] = {"trainingLoss": script.training_loss}
            document["validationMetrics"] = [{"validationLoss": script.validation_loss}]
        return document

    def summary(self, index: int) -> dict[str, Any]:
        """Return the job's summary in ListModelCustomizationJobs during phase *index*: no failure, no metrics."""
        script, status = self.script, self.phases[index].status
        document = {
            "jobArn": self.arn,
            "baseModelArn": script.arn(f"foundation-model/{script.base_model}", account=""),
            "jobName": script.name,
            "status": status,
            **self._times(index),
            "customModelName": f"{script.name}-model",
            "customizationType": script.customization,
        }
        if status == "Completed":
            document["customModelArn"] = self._output_model
        return document

    @property
    def _output_model(self) -> str:
        return self.script.arn(f"custom-model/{self.script.base_model}/{self.job_id[::-1]}")

    def _times(self, index: int) -> dict[str, Any]:
        """Return the members that say when: of the job and of its sub-tasks."""
        times: dict[str, Any] = {
            "creationTime": timestamp(self.created),
            "lastModifiedTime": timestamp(self.starts[index]),
        }
        if self.phases[index].steps:
            times["statusDetails"] = {step: self._step(step, index) for step in self.phases[index].steps}
        if self.phases[index].status in TERMINAL:
            times["endTime"] = timestamp(self.starts[index])
        return times

    def _step(self, step: str, index: int) -> dict[str, str]:
        """Return one sub-task's details; one that has not started has no times (AWS documents no rule)."""
        started = changed = 0.0
        before = "NotStarted"
        for phase, start in zip(self.phases[: index + 1], self.starts, strict=False):
            status = phase.steps.get(step, before)
            if status != before:
                started, changed, before = started or start, start, status
        if before == "NotStarted":
            return {"status": before}
        return {"status": before, "creationTime": timestamp(started), "lastModifiedTime": timestamp(changed)}


def begin(script: Script, job_id: str, now: float) -> Run:
    """Return *script* as played from *now* on, so that AWS's clock and the real one meet at its end."""
    lengths = [phase.seconds for phase in script.phases[:-1]]
    created = now - sum(lengths) * (1 - 1 / script.speed)
    return Run(script, job_id, now, script.phases, tuple(accumulate(lengths, initial=created)))


def stop(run: Run, now: float, seconds: float) -> Run:
    """Return *run* with a stop asked for at *now*: Stopping for *seconds* of real time, then Stopped."""
    index = run.index(now)
    steps = run.phases[index].steps
    halts = tuple(
        Phase(0, status, {step: words.get(old, old) for step, old in steps.items()}) for status, words in HALTED.items()
    )
    return replace(
        run,
        phases=run.phases[: index + 1] + halts,
        starts=(*run.starts[: index + 1], run.time(now), run.time(now + seconds)),
    )


def timestamp(epoch: float) -> str:
    """Return epoch seconds as AWS writes them: ISO 8601, UTC, milliseconds, cut and not rounded (never ahead)."""
    moment = utc(epoch)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
