"""Stories about made-up jobs, for the tests of what is written about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from support_jobs import BORN, arn, response, step

from watcher.bedrock.customization import read
from watcher.bedrock.kinds import KINDS
from watcher.diff import diff
from watcher.model import (
    Crash,
    Event,
    FailureExplained,
    Gap,
    Job,
    Operator,
    Outcome,
    Reminder,
    StatusChanged,
    StepChanged,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.render import Doc, Story, compose, compose_summary
from watcher.simulator import others
from watcher.simulator.timeline import Phase, Script, begin

WHY = "Could not validate GetObject permissions to access Amazon S3 bucket: training-data-bucket at key train.jsonl"
SEEN = BORN + timedelta(minutes=193)


def minute(number: float) -> datetime:
    """Return a time, so many minutes after the job was created."""
    return BORN + timedelta(minutes=number)


JOB = Job(
    id=1,
    identifier=arn(1),
    arn=arn(1),
    name="nova-support-v3",
    kind="model-customization-job",
    account="123456789012",
    region="us-east-1",
    profile="",
    label="",
    tags=("team-support",),
    state="running",
    from_cli=True,
    from_config=False,
    added_at=0,
    asked_at=0,
    next_poll_at=0,
    confirmed_at=0,
    created_at=0,
    changed_at=0,
    ended_at=0,
    closing_at=0,
    failures=0,
    failing_since=0,
    blind_since=0,
    last_error="",
    mark=0,
    version=1,
    revision=1,
)
FACTS = response(
    1,
    status="Failed",
    minute=192,
    jobName="nova-support-v3",
    endTime="2026-11-20T11:12:00Z",
    failureMessage=WHY,
    trainingMetrics={"trainingLoss": 0.4217},
    outputModelArn="arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0:300k/abcdefghij12",
    validationMetrics=[{"validationLoss": 0.51}],
    statusDetails={"validationDetails": step("Completed", 2, 12), "trainingDetails": step("Failed", 12, 192)},
)
SNAPSHOT = read(FACTS)
FAILED = (
    StepChanged("training", "InProgress", "Failed", minute(12), minute(192)),
    StatusChanged("InProgress", "Failed", Outcome.FAILED, minute(192)),
    FailureExplained(WHY),
)


def story(*transitions: Transition, job: Job | None = JOB, subject: str = "job/1", **more: object) -> Story:
    """Return a story of a job that is known to have failed."""
    event = Event(41, subject, 3, transitions, SEEN)
    full = Story(event=event, now=SEEN, host="watchtower", job=job, snapshot=SNAPSHOT, steps=SNAPSHOT.steps)
    return replace(full, **more)  # type: ignore[arg-type]


def told(*transitions: Transition, status: str, steps: dict[str, Any], minutes: float = 192, **more: Any) -> Story:
    """Return a story of a distillation job with that status and those sub-tasks, seen a minute after *minutes*."""
    facts = response(
        1,
        status=status,
        minute=minutes,
        jobName="nova-support-v3",
        customizationType="DISTILLATION",
        outputModelName="nova-support-v3",
        outputDataConfig={"s3Uri": "s3://acme-models/nova support/v3/"},
        customizationConfig={
            "distillationConfig": {
                "teacherModelConfig": {
                    "teacherModelIdentifier": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"
                }
            }
        },
        statusDetails=steps,
        **more.pop("members", {}),
    )
    now = read(facts)
    seen = minute(minutes + 1)
    event = Event(41, "job/1", 3, transitions, seen)
    full = Story(event, seen, "watchtower", job=JOB, snapshot=now, status=status, steps=now.steps)
    return replace(full, **more)


def _stages(data: dict[str, Any] | None = None, training: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "validationDetails": step("Completed", 2, 12),
        "dataProcessingDetails": data or step("Completed", 12, 42),
        "trainingDetails": training or step("NotStarted"),
    }


def cases() -> dict[str, Doc]:
    """Return what is written about each kind of news, by the golden files' names."""
    runs = _stages(training=step("InProgress", 42))
    ended = {"endTime": "2026-11-20T11:12:00Z"}
    stories = {
        "failed": told(
            StepChanged("training", "InProgress", "Failed", minute(42), minute(192)),
            *FAILED[1:],
            status="Failed",
            steps=_stages(training=step("Failed", 42, 192)),
            members={"failureMessage": WHY, **ended},
        ),
        "completed": told(
            StepChanged("training", "InProgress", "Completed", minute(42), minute(192)),
            StatusChanged("InProgress", "Completed", Outcome.SUCCEEDED, minute(192)),
            status="Completed",
            steps=_stages(training=step("Completed", 42, 192)),
            members={
                "trainingMetrics": {"trainingLoss": 0.4217},
                "validationMetrics": [{"validationLoss": 0.51}],
                "outputModelArn": FACTS["outputModelArn"],
                **ended,
            },
            earlier=tuple(timedelta(minutes=minutes) for minutes in (170, 180, 190, 210)),
        ),
        "step": told(
            StepChanged("data processing", "InProgress", "Completed", minute(12), minute(42)),
            StepChanged("training", "NotStarted", "InProgress", minute(42), minute(42)),
            status="InProgress",
            steps=runs,
            minutes=42,
        ),
        "stopped": told(
            StepChanged("training", "Stopping", "Stopped", minute(42), minute(100)),
            StatusChanged("Stopping", "Stopped", Outcome.STOPPED, minute(100)),
            status="Stopped",
            steps=_stages(training=step("Stopped", 42, 100)),
            minutes=100,
            members={"endTime": "2026-11-20T09:40:00Z"},
        ),
        "watch_lost": _scope_lost(),
        "watch_regained": told(WatchRegained(minute(100)), status="InProgress", steps=runs),
        "vanished": told(
            Vanished("ResourceNotFoundException: The provided job identifier is invalid"),
            status="InProgress",
            steps=runs,
        ),
        "overdue": told(
            Reminder("overdue", minute(0), 4 * 3600),
            status="InProgress",
            steps=runs,
            minutes=369,
            earlier=(timedelta(minutes=170), timedelta(minutes=185)),
        ),
        "gap": _own("gap", Gap(minute(100), minute(192), "killed")),
        "crash": _own(
            "crash", Crash(3, "polling job nova-support-v3", "KeyError: 'a'", "job nova-support-v3", minute(189))
        ),
        "operator": _own("operator", Operator("alice", "mute", "nova-support-v3", "for 2h")),
        "queued": told(
            Reminder("queued", minute(0), 2 * 3600),
            status="InProgress",
            steps={"validationDetails": step("NotStarted"), "trainingDetails": step("NotStarted")},
            minutes=125,
        ),
    }
    docs = {name: compose(one) for name, one in {**stories, **of_each_kind()}.items()}
    return docs | {"digest": compose_summary(_digest(stories), "digest")}


def _own(name: str, change: Transition) -> Story:
    """Return a story about bedrock-watch itself."""
    return Story(Event(41, f"watch/{name}", 1, (change,), SEEN), SEEN, "watchtower")


def of_each_kind() -> dict[str, Story]:
    """Return how a job of each other kind ends, as the simulator plays it, by the golden files' names."""
    import_fails = replace(others.importing(failure_message=WHY), phases=(Phase(600, "InProgress"), Phase(0, "Failed")))
    prompt_in_part = replace(
        others.prompt(failure_message="3 of 40 templates: the evaluator model was throttled"),
        phases=(Phase(2400, "InProgress"), Phase(0, "PartiallyCompleted")),
    )
    scripts = {
        "kind_import_failed": import_fails,
        "kind_batch_completed": others.batch(),
        "kind_batch_partly": others.partial_batch(),
        "kind_batch_expired": others.expired_batch(),
        "kind_evaluation_failed": others.failing_evaluation(),
        "kind_copy_completed": others.copying(),
        "kind_deployment_active": others.deployment(),
        "kind_provisioned_in_service": others.provisioned(),
        "kind_prompt_partly": prompt_in_part,
    }
    return {name: ending(script) for name, script in scripts.items()}


def ending(script: Script, **facts: object) -> Story:
    """Return the story of how a scripted job ends, with some *facts* of one's own."""
    run = begin(script, "abcdefghij12", BORN.timestamp())
    kind = KINDS[script.kind]
    before, now = (kind.read({**run.response(place), **facts}) for place in (-2, -1))
    seen = datetime.fromtimestamp(run.starts[-1] + 60, UTC)
    job = replace(JOB, identifier=run.arn, arn=run.arn, name=script.name, kind=script.kind)
    event = Event(41, "job/1", 3, diff(before, now), seen)
    return Story(event, seen, "watchtower", job=job, snapshot=now, status=now.status, steps=now.steps)


def _scope_lost() -> Story:
    lost = WatchLost(
        "ExpiredTokenException: The security token included in the request is expired",
        "renew the credentials of the profile: aws sso login --profile research",
        minute(182),
    )
    event = Event(41, "scope/research@123456789012/us-east-1/model-customization-job", 1, (lost,), SEEN)
    return Story(event, SEEN, "watchtower", jobs_in_scope=("nova-support-v3", "titan-faq"))


def _digest(stories: Mapping[str, Story]) -> Sequence[Story]:
    """Return the news of three jobs and a scope, in the order in which they were seen."""
    day = (
        _about(stories["step"], 1, "nova-support-v3"),
        _about(stories["stopped"], 2, "titan-faq"),
        _about(stories["queued"], 3, "nova-summaries"),
        _about(stories["failed"], 1, "nova-support-v3"),
        stories["watch_lost"],
        _about(stories["completed"], 3, "nova-summaries"),
    )
    return [replace(one, event=replace(one.event, id=41 + number)) for number, one in enumerate(day)]


def _about(one: Story, number: int, name: str) -> Story:
    return replace(one, job=replace(JOB, name=name), event=replace(one.event, subject=f"job/{number}"))
