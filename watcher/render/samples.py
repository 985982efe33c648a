"""Made-up stories, one of each kind, to see how a message looks before there is news.

Not its business: real jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from watcher.model import (
    CUSTOMIZATION,
    INVOCATION,
    Appeared,
    ChannelStuck,
    Crash,
    DeliveryDead,
    Event,
    FailureExplained,
    FieldChanged,
    Gap,
    Job,
    Operator,
    Outcome,
    Reminder,
    Snapshot,
    StatusChanged,
    Step,
    StepChanged,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.render.story import Story

_ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12"
_WHY = "Could not validate GetObject permissions to access Amazon S3 bucket: training-data-bucket at key train.jsonl"
_JOB = Job(
    id=1,
    identifier=_ARN,
    arn=_ARN,
    name="nova-support-v3",
    kind=CUSTOMIZATION,
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
_BATCH_ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghij34"
_BATCH = replace(_JOB, identifier=_BATCH_ARN, arn=_BATCH_ARN, name="nightly-tickets", kind=INVOCATION)
_OF_THE_WATCH = frozenset({"gap", "crash", "operator"})
_OF_BATCHES = frozenset({"partially_completed", "expired"})
_RAN, _BEGAN = timedelta(hours=3, minutes=12), timedelta(minutes=42)


def sample(topic: str, now: datetime, host: str) -> Story:
    """Return a story about the event name *topic* (one of model.EVENTS), as if it had happened a minute before *now*.

    Raises KeyError for a name that is none.
    """
    at = now - timedelta(minutes=1)
    transitions, status = _TOPICS[topic](at)
    event = Event(1, "job/1", 2, transitions, now)
    if topic in ("delivery_dead", "channel_stuck"):
        return Story(replace(event, subject="channel/mail"), now, host)
    if topic in _OF_THE_WATCH:
        return Story(replace(event, subject=f"watch/{topic}"), now, host)
    job, snapshot = (_BATCH, _batch(status, at)) if topic in _OF_BATCHES else (_JOB, _snapshot(status, at))
    return Story(event, now, host, job=job, snapshot=snapshot, status=status, steps=snapshot.steps)


def _snapshot(status: str, at: datetime) -> Snapshot:
    outcome = {"Completed": Outcome.SUCCEEDED, "Failed": Outcome.FAILED, "Stopped": Outcome.STOPPED}
    born = at - _RAN
    trained = Step("training", status, born + _BEGAN, at)
    waiting = (Step("validation", "NotStarted"), Step("training", "NotStarted"))
    done = (Step("validation", "Completed", born, born + timedelta(minutes=10)), trained)
    facts: dict[str, Any] = {
        "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k",
        "customizationType": "FINE_TUNING",
        "outputModelName": "nova-support-v3",
        "outputDataConfig": {"s3Uri": "s3://training-output-bucket/nova-support-v3"},
    }
    if status == "Completed":
        facts |= {"trainingMetrics": {"trainingLoss": 0.4217}, "validationMetrics": [{"validationLoss": 0.51}]}
    return Snapshot(
        status="InProgress" if status == "queued" else status,
        outcome=outcome.get(status, Outcome.RUNNING),
        steps=waiting if status == "queued" else done,
        failure=_WHY if status == "Failed" else "",
        name=_JOB.name,
        created_at=born,
        changed_at=at,
        ended_at=at if status in outcome else None,
        facts=facts,
    )


def _batch(status: str, at: datetime) -> Snapshot:
    processed, failed = (18_400, 120) if status == "PartiallyCompleted" else (0, 0)
    return Snapshot(
        status=status,
        outcome=Outcome.PARTIAL if status == "PartiallyCompleted" else Outcome.EXPIRED,
        name=_BATCH.name,
        created_at=at - _RAN,
        changed_at=at,
        ended_at=at,
        facts={
            "modelId": "amazon.nova-lite-v1:0",
            "totalRecordCount": 20_000,
            "processedRecordCount": processed,
            "successRecordCount": processed - failed,
            "errorRecordCount": failed,
            "timeoutDurationInHours": 24,
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://tickets/nightly.jsonl"}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://tickets/tagged/"}},
        },
    )


def _ended(
    status: str, outcome: Outcome, *more: Transition
) -> Callable[[datetime], tuple[tuple[Transition, ...], str]]:
    def told(at: datetime) -> tuple[tuple[Transition, ...], str]:
        step = StepChanged("training", "InProgress", status, at - _RAN + _BEGAN, at)
        return (step, StatusChanged("InProgress", status, outcome, at), *more), status

    return told


def _reminded(what: str, limit: timedelta, status: str) -> Callable[[datetime], tuple[tuple[Transition, ...], str]]:
    return lambda at: ((Reminder(what, at - _RAN, limit.total_seconds()),), status)


_RUNS = "InProgress"
_TOPICS: dict[str, Callable[[datetime], tuple[tuple[Transition, ...], str]]] = {
    "appeared": lambda _: ((Appeared(_RUNS),), _RUNS),
    "step": lambda at: ((StepChanged("training", "NotStarted", _RUNS, at - _RAN + _BEGAN, at),), _RUNS),
    "status": lambda at: ((StatusChanged(_RUNS, "Stopping", Outcome.RUNNING, at),), "Stopping"),
    "completed": _ended("Completed", Outcome.SUCCEEDED),
    "partially_completed": lambda at: (
        (StatusChanged(_RUNS, "PartiallyCompleted", Outcome.PARTIAL, at),),
        "PartiallyCompleted",
    ),
    "failed": _ended("Failed", Outcome.FAILED, FailureExplained(_WHY)),
    "expired": lambda at: ((StatusChanged("Scheduled", "Expired", Outcome.EXPIRED, at),), "Expired"),
    "stopped": _ended("Stopped", Outcome.STOPPED),
    "failure_message": lambda _: ((FailureExplained(_WHY),), "Failed"),
    "field": lambda _: ((FieldChanged("hyperParameters.epochCount", '"1"', '"2"'),), _RUNS),
    "vanished": lambda _: ((Vanished("ResourceNotFoundException: no such job"),), _RUNS),
    "watch_lost": lambda at: (
        (
            WatchLost(
                "ExpiredTokenException: the token has expired", "renew the credentials", at - timedelta(minutes=11)
            ),
        ),
        _RUNS,
    ),
    "watch_regained": lambda at: ((WatchRegained(at - timedelta(minutes=47)),), _RUNS),
    "delivery_dead": lambda _: (
        (DeliveryDead("mail", 1, "550 5.1.1 no such mailbox", "nova-support-v3 (event 40)"),),
        "",
    ),
    "channel_stuck": lambda at: ((ChannelStuck("mail", "timed out", 3, at - timedelta(minutes=15)),), ""),
    "gap": lambda at: ((Gap(at - timedelta(minutes=47), at, "killed"),), ""),
    "crash": lambda at: (
        (
            Crash(
                3,
                "polling job nova-support-v3",
                "KeyError: 'steps'",
                "job nova-support-v3",
                at - timedelta(minutes=2),
            ),
        ),
        "",
    ),
    "operator": lambda _: ((Operator("alice", "mute", "nova-support-v3", "for 2h"),), ""),
    "overdue": _reminded("overdue", timedelta(hours=3), _RUNS),
    "stalled": _reminded("stalled", timedelta(hours=3), _RUNS),
    "stopping": _reminded("stopping", timedelta(minutes=30), "Stopping"),
    "queued": _reminded("queued", timedelta(hours=2), "queued"),
}
