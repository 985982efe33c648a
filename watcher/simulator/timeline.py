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
from watcher.simulator.plays import PLAYS, Play

HALTED = {"Stopping": {"InProgress": "Stopping"}, "Stopped": {"InProgress": "Stopped", "Stopping": "Stopped"}}
"""What a stop makes of a sub-task; AWS documents the words, not the order, so a sub-task follows its job."""

_DEFAULT_HYPER_PARAMETERS = {"epochCount": "2", "learningRate": "0.00001", "learningRateWarmupSteps": "10"}


@dataclass(frozen=True, slots=True)
class Phase:
    """A while in which nothing changes: *seconds* of AWS's time; *steps* maps a sub-task's member to its status.

    *facts* are members that a response has then beside those of its kind.  The last phase of a script lasts for ever,
    whatever its seconds.
    """

    seconds: float
    status: str
    steps: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Script:
    """What a job of some *kind* is, and all that will happen to it.  Raises UsageError when it cannot be played.

    *speed* is how many of AWS's seconds pass in a real one (at least 1).  An empty *job_id* is given by the luck of
    the simulator; otherwise it is the twelve characters that end the ARN.
    """

    name: str
    phases: tuple[Phase, ...]
    kind: str = CUSTOMIZATION
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
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.phases:
            raise UsageError(f"the script of {self.name!r} has no phase", "give it one at least")
        if self.kind not in PLAYS:
            raise UsageError(f"no kind {self.kind!r} for {self.name!r}", f"one of {', '.join(PLAYS)}")
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
        """The job's ARN: of those that are watched, only a customization job's names its base model."""
        model = f"{self.script.base_model}/" if self.script.kind == CUSTOMIZATION else ""
        return self.script.arn(f"{self.script.kind}/{model}{self.job_id}")

    @property
    def play(self) -> Play:
        """How jobs of its kind are answered for."""
        return PLAYS[self.script.kind]

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
        """Return the body of a Get during phase *index*."""
        return {**self.play.response(self, index), **self.phases[index].facts}

    def summary(self, index: int) -> dict[str, Any]:
        """Return the job's summary in a List during phase *index*."""
        shown = self.phases[index].facts if self.play.response is self.play.summary else {}
        return {**self.play.summary(self, index), **shown}

    def moment(self, at: float) -> str:
        """Return a time of AWS's clock (epoch seconds) as AWS writes it."""
        return timestamp(at)

    def step(self, step: str, index: int) -> dict[str, str]:
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
    facts = run.phases[index].facts
    halts = tuple(
        Phase(0, status, {step: words.get(old, old) for step, old in steps.items()}, facts)
        for status, words in HALTED.items()
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
