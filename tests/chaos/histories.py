"""Random lives of jobs, and what a life that the simulator played amounts to: the truth that the judge goes by."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chaos.records import Era, History, Steps
from watcher.simulator import Phase, Script
from watcher.simulator.jobs import Job
from watcher.simulator.scripts import PROCESSING, TRAINING, VALIDATION

SPEED = 60.0
"""Seconds of AWS's time in a real one: a life of two minutes is one of two hours."""

REGIONS = ("us-east-1", "eu-central-1")

_WORDS = {VALIDATION: "validation", PROCESSING: "data processing", TRAINING: "training"}
_MADE_UP = ("status", "statusDetails", "failureMessage", "lastModifiedTime")
_REASONS = (
    "Could not validate GetObject permissions to access Amazon S3 bucket: training-data-bucket at key {}.jsonl",
    "Unable to parse Amazon S3 file: {}.jsonl. Data files must conform to JSONL format.",
    "Maximum input token count 4097 exceeds limit of 4096 for record {}",
    "Encountered an unexpected error when processing the request {}, please try again",
)
"""Public reports of users, verbatim but for the part that tells one job's reason from another's."""


def life(name: str, luck: random.Random, seconds: float) -> Script:
    """Return a job that lives for about so many real seconds: sub-tasks begin, end, and are run again."""
    names = (VALIDATION, PROCESSING, TRAINING) if luck.random() < 0.5 else (VALIDATION, TRAINING)
    ending = luck.choices(("Completed", "Failed", "Stopped"), (3, 4, 2))[0]
    states = list(_running(names, luck))
    states += [(status, _ended(states[-1][1], status)) for status in _endings(ending)]
    shares = [luck.uniform(0.2, 1.8) for _ in states]
    scale = seconds * SPEED / sum(shares)
    phases = [Phase(share * scale, *state) for share, state in zip(shares, states, strict=True)]
    return Script(
        name,
        tuple(phases),
        region=luck.choice(REGIONS),
        customization="DISTILLATION" if PROCESSING in names else "FINE_TUNING",
        failure_message=luck.choice(_REASONS).format(f"{name}-{luck.randrange(10**6)}") if ending == "Failed" else "",
        training_loss=round(luck.random(), 4),
        validation_loss=round(luck.random(), 4),
        job_id="".join(luck.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=12)),
        speed=SPEED,
    )


def _running(names: Sequence[str], luck: random.Random) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what a running job shows, from its creation on."""
    steps = dict.fromkeys(names, "NotStarted")
    if luck.random() < 0.3:
        yield "InProgress", {}  # AWS says nothing of sub-tasks yet
    if luck.random() < 0.7:
        yield "InProgress", dict(steps)
    for name in names:
        for again in range(luck.choice((1, 1, 2, 3))):
            steps[name] = "InProgress"
            yield "InProgress", dict(steps)
            if again and luck.random() < 0.5:
                yield "InProgress", dict(steps)  # touched, and nothing of it is visible
            steps[name] = "Completed"
            if luck.random() < 0.6:
                yield "InProgress", dict(steps)
    steps[names[-1]] = "InProgress"
    yield "InProgress", dict(steps)


def _endings(ending: str) -> tuple[str, ...]:
    return ("Stopping", "Stopped") if ending == "Stopped" else (ending,)


def _ended(steps: Mapping[str, str], status: str) -> dict[str, str]:
    """Return the sub-tasks of a job that ends: what ran ends with it."""
    return {name: word if word in ("Completed", "NotStarted") else status for name, word in steps.items()}


def played(job: Job) -> History:
    """Return the history that *job* was played by, whatever stopped it in between."""
    run = job.run
    eras: list[Era] = []
    steps: Steps = {}
    for index, start in enumerate(run.starts):
        response = run.response(index)
        steps = {**steps, **_steps(response)}  # what AWS leaves out is remembered
        if eras and (eras[-1].status, eras[-1].steps) == (response["status"], steps):
            continue
        begins = run.began + (start - run.created) / run.script.speed if index else 0.0
        eras.append(Era(response["status"], steps, begins, _fields(response)))
    failed = eras[-1].status == "Failed"
    return History(run.name, run.arn, run.script.region, tuple(eras), run.script.failure_message if failed else "")


def ends_at(job: Job) -> float:
    """Return when the job comes, or came, to its end, in epoch seconds."""
    run = job.run
    return run.began + (run.starts[-1] - run.created) / run.script.speed


def _steps(response: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the sub-tasks that have begun: one that has not is the same to see as none."""
    details = response.get("statusDetails", {})
    told = {_WORDS[key]: (one["status"], one.get("lastModifiedTime", "")) for key, one in details.items()}
    return {name: step for name, step in told.items() if step[0] != "NotStarted"}


def _fields(response: Mapping[str, Any]) -> dict[str, str]:
    """Return what else the response holds, each leaf by its dotted path as JSON."""
    return dict(_leaves({key: value for key, value in response.items() if key not in _MADE_UP}))


def _leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _leaves(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", json.dumps(item, ensure_ascii=False, sort_keys=True)
