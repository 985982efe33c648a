"""What can be made to go wrong: which answers a fault spoils, and how.

A fault says what (``kind``), to whom (``operation``, ``job``, ``region``) and for how long (``count``, ``seconds``).
One fault spoils one answer: the oldest that fits and is not used up.

Not its business: the connection's own misfortunes, which need a socket (``server``: hang, reset, slow).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, Literal

import msgspec

from watcher.errors import UsageError
from watcher.simulator import gateways, refusals
from watcher.simulator.documents import Document
from watcher.simulator.gateways import Fixed
from watcher.simulator.plays import Play
from watcher.simulator.refusals import Refusal
from watcher.simulator.timeline import Run

Operation = Literal["Get", "List", "Tags"]


class Kind(StrEnum):
    """Every fault, by the word that injects it."""

    THROTTLED = "throttled"  # 429 with Retry-After
    INTERNAL = "internal"  # 500
    UNAVAILABLE = "unavailable"  # 503
    DENIED = "denied"  # 403: the policy does not allow it
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - 403: a name, not a secret
    UNRECOGNIZED_CLIENT = "unrecognized_client"  # 403: an unknown key
    INVALID_SIGNATURE = "invalid_signature"  # 403: a wrong secret
    NOT_FOUND = "not_found"  # 404, of a Get
    HTML_OK = "html_ok"  # 200 from a captive portal
    EMPTY_OK = "empty_ok"  # 200 and no body
    NULL_OK = "null_ok"  # 200 and JSON that is no object
    JSON_OK = "json_ok"  # 200 and an object of another server's
    REDIRECT = "redirect"  # 302 to a sign-in
    NESTED_BAD_REQUEST = "nested_bad_request"  # 400, nested too deeply to be read
    CODE_LIST = "code_list"  # 400 whose code is a list
    JSON_FORBIDDEN = "json_forbidden"  # 403 from a gateway
    TEXT_FORBIDDEN = "text_forbidden"  # 403 from a service mesh
    HTML_FORBIDDEN = "html_forbidden"  # 403 from a proxy
    HTML_NOT_FOUND = "html_not_found"  # 404 from a web server
    JSON_NOT_FOUND = "json_not_found"  # 404 from a gateway
    XML_NOT_FOUND = "xml_not_found"  # 404 from a storage service
    EMPTY_NOT_FOUND = "empty_not_found"  # 404 and no body
    UNKNOWN_OPERATION = "unknown_operation"  # 404 in AWS's format, from another service
    PROXY_SIGN_IN = "proxy_sign_in"  # 407
    HTML_BAD_GATEWAY = "html_bad_gateway"  # 502 from a proxy
    TEXT_UNAVAILABLE = "text_unavailable"  # 503 from a service mesh
    HANG = "hang"  # accepted, never answered
    RESET = "reset"  # the connection is torn down
    SLOW = "slow"  # answered after ``delay``
    MALFORMED = "malformed"  # nearly JSON
    TRUNCATED = "truncated"  # the first half of the answer
    WRONG_TYPE = "wrong_type"  # a JSON list instead of an object
    NOT_UTF8 = "not_utf8"  # bytes that are no text
    WRONG_STATUS = "wrong_status"  # the status is a number
    UNKNOWN_STATUS = "unknown_status"  # the status is "Hibernating"
    UNKNOWN_MEMBERS = "unknown_members"  # members, a sub-task and a union member newer than the SDK
    STALE = "stale"  # what was true one phase before
    MISSING = "missing"  # a List without some jobs
    DUPLICATED = "duplicated"  # a List with some jobs twice
    NULL_MEMBERS = "null_members"  # a List whose rows have null for what is absent, as moto's
    ODD_ROWS = "odd_rows"  # a List with rows that are none
    LOOPING_TOKEN = "looping_token"  # noqa: S105 - a List whose nextToken is always the same


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that goes wrong.

    *job* is a part of a job's name or ARN, *region* its region; a List is spoilt when its page has such a job.
    *count* answers are spoilt, within *seconds* of real time since the injection; without them, until cleared.
    *retry_after* (s) is what ``throttled`` answers, *delay* (s) how long ``slow`` takes.
    """

    kind: Kind
    operation: Literal["Get", "List", "Tags", "both"] = "both"
    job: str = ""
    region: str = ""
    count: int | None = None
    seconds: float | None = None
    retry_after: float = 1.0
    delay: float = 1.0

    def about(self, run: Run) -> bool:
        """Whether the fault is about this job."""
        return (self.job in run.name or self.job in run.arn) and self.region in ("", run.script.region)


class Asked(msgspec.Struct, frozen=True):
    """What an answer is for: the jobs that it is about, and what is known when there is none."""

    operation: Operation
    play: Play
    runs: Sequence[Run]
    region: str = ""
    identifier: str = ""

    def suffers(self, fault: Fault) -> bool:
        """Whether *fault* spoils this answer."""
        if fault.operation not in ("both", self.operation) or _ONLY.get(fault.kind, self.operation) != self.operation:
            return False
        # An unknown job, and a page with no jobs, can still be denied or throttled.
        bare = fault.job in self.identifier and fault.region in ("", self.region)
        return bare or any(fault.about(run) for run in self.runs)


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._live: list[_Live] = []

    def inject(self, fault: Fault, now: float) -> None:
        """Begin a fault; raises UsageError when it could never spoil anything."""
        only = _ONLY.get(fault.kind)
        if only and fault.operation not in ("both", only):
            raise UsageError(f"{fault.kind} is not a fault of {fault.operation}", f"it is one of {only}")
        if fault.count is not None and fault.count < 1:
            raise UsageError(f"a fault that spoils {fault.count} answers", "give a count of 1 or more")
        until = None if fault.seconds is None else now + fault.seconds
        self._live.append(_Live(fault, fault.count, until))

    def clear(self) -> None:
        """End all faults."""
        self._live = []

    def take(self, asked: Asked, now: float) -> Fault | None:
        """Return the fault that spoils this answer, and count it as used."""
        for live in tuple(self._live):
            spent = live.left == 0 or (live.until is not None and now >= live.until)
            if spent:
                self._live.remove(live)
            elif asked.suffers(live.fault):
                if live.left is not None:
                    live.left -= 1
                return live.fault
        return None


class _Live(msgspec.Struct, eq=False):
    fault: Fault
    left: int | None
    until: float | None


def refusal(fault: Fault, asked: Asked) -> Refusal | None:
    """Return the error that *fault* answers with, if it is one of those."""
    make = _REFUSALS.get(fault.kind)
    return make(fault, asked) if make else None


def fixed(fault: Fault) -> Fixed | None:
    """Return what *fault* answers with, if it does not depend on the job."""
    return gateways.ANSWERS.get(fault.kind)


def twist(fault: Fault, play: Play, document: Document) -> Document:
    """Return a job's *document* as *fault* changes it; unchanged when that is not its nature."""
    return {**document, **_TWISTS[fault.kind](play, document)} if fault.kind in _TWISTS else document


def _deny(fault: Fault, asked: Asked) -> Refusal:
    """Return the 403 of the operation; a List alone names no resource, since it has none."""
    del fault
    if asked.operation == "List":
        return refusals.denied(asked.play.list_operation, "")
    operation = "ListTagsForResource" if asked.operation == "Tags" else asked.play.get_operation
    return refusals.denied(operation, asked.runs[0].arn if asked.runs else asked.identifier)


def _newer(document: Document) -> Document:
    """Return members that AWS has added, or may add, since the pinned SDK: reinforcement fine-tuning and more."""
    if "customizationType" not in document:
        return {"carbonFootprint": {"gramsOfCarbonDioxide": 512}}
    reward = {"graderConfig": {"lambdaGrader": {"lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:grader"}}}
    step = {"status": "InProgress", "creationTime": document["lastModifiedTime"]}
    return {
        "customizationType": "REINFORCEMENT_FINE_TUNING",
        "customizationConfig": {"rftConfig": reward},
        "statusDetails": {**document.get("statusDetails", {}), "evaluationDetails": step},
        "carbonFootprint": {"gramsOfCarbonDioxide": 512},
    }


_REFUSALS: Final[Mapping[Kind, Callable[[Fault, Asked], Refusal]]] = {
    Kind.THROTTLED: lambda fault, _: refusals.throttled(fault.retry_after),
    Kind.INTERNAL: lambda *_: refusals.internal(),
    Kind.UNAVAILABLE: lambda *_: refusals.unavailable(),
    Kind.DENIED: _deny,
    Kind.EXPIRED_TOKEN: lambda *_: refusals.expired_token(),
    Kind.UNRECOGNIZED_CLIENT: lambda *_: refusals.unrecognized_client(),
    Kind.INVALID_SIGNATURE: lambda *_: refusals.invalid_signature(),
    Kind.NOT_FOUND: lambda _, asked: refusals.not_found(asked.identifier, asked.play.noun),
}

_NULLS = {"customizationType": None, "customModelArn": None, "customModelName": None, "endTime": None}

_TWISTS: Final[Mapping[Kind, Callable[[Play, Document], Document]]] = {
    Kind.NULL_MEMBERS: lambda _, document: {**_NULLS, **document},
    Kind.WRONG_STATUS: lambda play, _: {play.status: 17},
    Kind.UNKNOWN_STATUS: lambda play, _: {play.status: "Hibernating"},
    Kind.UNKNOWN_MEMBERS: lambda _, document: _newer(document),
}

_ONLY: Final[Mapping[Kind, Operation]] = {
    Kind.NOT_FOUND: "Get",
    Kind.MISSING: "List",
    Kind.DUPLICATED: "List",
    Kind.NULL_MEMBERS: "List",
    Kind.ODD_ROWS: "List",
    Kind.LOOPING_TOKEN: "List",
}
