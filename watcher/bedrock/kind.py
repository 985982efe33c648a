"""What a job kind is: its operations, and how its response is read into a Snapshot.

Pure, and cheap to import: the command line reads stored responses with it.
Not its business: asking AWS (``bedrock.client``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watcher.bedrock.redact import excerpt
from watcher.model import Outcome, Snapshot


@dataclass(frozen=True, slots=True)
class Members:
    """What a kind's Get calls what every job has; an empty name is of what AWS does not tell."""

    arn: str = "jobArn"
    name: str = "jobName"
    status: str = "status"
    created: str = "creationTime"
    changed: str = "lastModifiedTime"
    ended: str = "endTime"
    reason: str = "failureMessage"


@dataclass(frozen=True, slots=True)
class ListMembers:
    """What a kind's List calls its summaries, and what it tells of each; an empty name is of what it does not tell.

    *steps* is what else moves while a job runs: its sub-tasks, or a count.  *created_after* is the parameter that
    bounds the List by the time of creation, *status_equals* the one that asks for one status alone.
    """

    summaries: str
    arn: str = "jobArn"
    name: str = "jobName"
    status: str = "status"
    changed: str = "lastModifiedTime"
    steps: str = ""
    created_after: str = "creationTimeAfter"
    created: str = "creationTime"
    type: str = ""
    status_equals: str = "statusEquals"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of Bedrock job, by its ARN resource type.

    *identifier* is the parameter of *get_operation*.  *listed*: whether List carries enough to tell that a job has
    not moved; of other kinds each job is asked for by Get.  *outcomes* classes every status word of the service model.
    *read* turns a (merged) response into a Snapshot and raises MalformedResponse when it is not one.  *reminders* are
    the events of what can last too long.  *model* and *type* are the members by which jobs are alike enough that
    one's duration says something of another's; without a *model* none are.
    """

    name: str
    get_operation: str
    list_operation: str
    list_members: ListMembers
    outcomes: Mapping[str, Outcome]
    read: Callable[[Mapping[str, Any]], Snapshot]
    members: Members = Members()
    identifier: str = "jobIdentifier"
    listed: bool = True
    reminders: frozenset[str] = frozenset()
    model: str = ""
    type: str = ""

    @property
    def operations(self) -> tuple[str, str]:
        """The operations that are called for jobs of this kind."""
        return self.get_operation, self.list_operation

    def alike(self, facts: Mapping[str, Any]) -> tuple[str, str]:
        """Return the base model and the type of a job, by which others are like it; an empty model: none is."""
        model, kind = member(facts, self.model), member(facts, self.type) if self.type else self.name
        return model if isinstance(model, str) else "", kind if isinstance(kind, str) else ""


_YEARS = 2000, 2200


class MalformedResponse(ValueError):
    """A response lacks what it must have, or holds it in another form than documented."""


def member(facts: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401 - JSON values
    """Return the member *key*; None when it is not there, and for an empty *key*: AWS does not tell that."""
    return facts.get(key) if key else None


def text_of(facts: Mapping[str, Any], key: str, *, required: bool = False) -> str:
    """Return the string member *key*, or an empty string; raises MalformedResponse for any other type."""
    value = member(facts, key)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise MalformedResponse(f"{key} is {excerpt(value)}, not a string")
    return value


def time_of(facts: Mapping[str, Any], key: str) -> datetime | None:
    """Return the timestamp member *key* in UTC, or None; raises MalformedResponse for any other form.

    Bedrock sends ISO 8601 texts (restJson1, ``timestampFormat: iso8601``); moto's have no offset and mean UTC;
    seconds since the epoch are the protocol's other form.
    """
    value = member(facts, key)
    if value is None:
        return None
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            moment = datetime.fromisoformat(value)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise MalformedResponse(f"{key} is {excerpt(value)}, not a time") from None
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        # No job is of another age, and times at the calendar's edge overflow when they are reckoned with.
        raise MalformedResponse(f"{key} is {excerpt(value)}, not a time of this age")
    return moment


def read_simple(
    facts: Mapping[str, Any],
    members: Members,
    outcomes: Mapping[str, Outcome],
    *,
    apart: frozenset[str] = frozenset(),
) -> Snapshot:
    """Return the Snapshot of a response without sub-tasks; raises MalformedResponse.

    *apart* are the members whose every change would be told, and need not: they are shown with other news.
    """
    status = text_of(facts, members.status, required=True)
    told = {members.status, members.reason, members.changed} | apart
    return Snapshot(
        status=status,
        outcome=outcomes.get(status, Outcome.RUNNING),
        failure=reason_of(facts, members.reason),
        name=text_of(facts, members.name),
        created_at=time_of(facts, members.created),
        changed_at=time_of(facts, members.changed),
        ended_at=time_of(facts, members.ended),
        facts=facts,
        rest={key: value for key, value in facts.items() if key not in told},
    )


def reason_of(facts: Mapping[str, Any], key: str) -> str:
    """Return AWS's reason: a text, or the texts of a list, a line each; raises MalformedResponse for anything else."""
    value = member(facts, key)
    if not isinstance(value, list):
        return text_of(facts, key)
    if not all(isinstance(one, str) for one in value):
        raise MalformedResponse(f"{key} is {excerpt(value)}, not a list of strings")
    return "\n".join(value)
