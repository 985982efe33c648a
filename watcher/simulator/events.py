"""The state-change events that EventBridge sends about Bedrock jobs, and the SQS queue in which they wait.

Events are made when somebody receives from the queue, from the phases that each job has gone through since.
Source: Amazon Bedrock User Guide, "Monitor Amazon Bedrock job state changes using Amazon EventBridge"; Amazon SQS API
reference, ReceiveMessage and DeleteMessage.

Not its business: HTTP (``services``).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from watcher.model import CUSTOMIZATION, INVOCATION
from watcher.simulator.jobs import Job
from watcher.simulator.timeline import Run, timestamp

LONGEST_QUEUE: Final = 10_000
"""Messages that the queue holds; the oldest go first."""

VISIBILITY: Final = 30.0
"""Seconds until a received message that nobody deletes can be received again: SQS's default."""

_KINDS: Final = {
    # kind: the event's detail-type, and the members of its detail for the ARN, the name and the status
    CUSTOMIZATION: ("Model Customization Job State Change", "jobArn", "jobName", "jobStatus"),
    INVOCATION: ("Batch Inference Job State Change", "batchJobArn", "batchJobName", "status"),
}


@dataclass(slots=True)
class Message:
    """A message in the queue; nobody can receive it before *visible_at* (epoch seconds)."""

    body: str
    id: str
    visible_at: float = 0.0
    receipt: str = ""


class EventQueue:
    """A standard queue that gets an event for each change of a job's status."""

    def __init__(self) -> None:
        self._messages: dict[str, Message] = {}
        self._sent: dict[str, int] = {}

    def collect(self, jobs: Iterable[Job], now: float) -> None:
        """Put an event into the queue for each status that a job came to until *now*, in the order of the changes."""
        fresh = [
            (job.run.starts[index], job.run, index)
            for job in jobs
            if job.run.script.kind in _KINDS
            for index in range(self._sent.get(job.run.arn, -1) + 1, job.run.index(now) + 1)
        ]
        for at, run, index in sorted(fresh, key=lambda one: one[0]):
            self._sent[run.arn] = index
            if index == 0 or run.phases[index].status != run.phases[index - 1].status:
                message = Message(json.dumps(event(run, index, at)), str(uuid.uuid4()))
                self._messages[message.id] = message
        for excess in list(self._messages)[: max(len(self._messages) - LONGEST_QUEUE, 0)]:
            del self._messages[excess]

    def receive(self, most: int, visibility: float, now: float) -> list[Message]:
        """Return up to *most* visible messages, and hide them for *visibility* seconds."""
        found = [one for one in self._messages.values() if one.visible_at <= now][:most]
        for one in found:
            one.visible_at = now + visibility
            one.receipt = f"{one.id}:{uuid.uuid4()}"
        return found

    def delete(self, receipt: str) -> bool:
        """Delete the message that was received with *receipt*; return whether *receipt* is one of this queue's."""
        message, colon, _ = receipt.partition(":")
        self._messages.pop(message, None)
        return bool(colon)


def event(run: Run, index: int, at: float) -> dict[str, Any]:
    """Return the event that says that the job came to phase *index* at the epoch second *at*."""
    kind, arn, name, status = _KINDS[run.script.kind]
    detail = {arn: run.arn, name: run.name, status: run.phases[index].status}
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": "aws.bedrock",
        "account": run.script.account,
        "time": timestamp(at),
        "region": run.script.region,
        "resources": [run.arn],
        "detail": detail,
    }
