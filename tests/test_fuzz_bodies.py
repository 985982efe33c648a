"""Whatever AWS answers, the sweep lives on, writes down nothing that AWS did not say, and tells the next good answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import msgspec
import pytest
from botocore.model import ServiceModel
from hypothesis import example, given
from hypothesis import strategies as st
from support_fuzz import bodies, deep, fuzzing, shaped
from support_jobs import arn, at, response, step
from support_simulator import EXTENDED
from support_sweep import Scene

from watcher.bedrock.answers import Answer, Page
from watcher.bedrock.client import Look
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.keys import Keys
from watcher.bedrock.kind import Kind
from watcher.bedrock.kinds import KINDS
from watcher.bedrock.settings import Settings
from watcher.clock import utc
from watcher.deliver import Manner, tell_story
from watcher.identifiers import EVENTS
from watcher.model import (
    CUSTOMIZATION,
    Delivery,
    Event,
    FailureExplained,
    Family,
    JobArn,
    StatusChanged,
    StepChanged,
)
from watcher.policy import Route
from watcher.render import compose, write
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.sweep import Group

MODEL: ServiceModel = EXTENDED.get_service_model("bedrock")
STEPS = {
    "validation": "validationDetails",
    "data processing": "dataProcessingDetails",
    "training": "trainingDetails",
}


class Wire(Look):
    """A Look whose network answers what it is told: all that follows the bytes of a body is the real one's."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind, "us-east-1", Keys(Credentials(), Settings()))
        self.got: bytes = b""
        self.listed: bytes = b""

    async def _call(self, operation: str, **parameters: Any) -> bytes:
        return self.got if operation == self._kind.get_operation else self.listed


class Fuzzed(Scene):
    """A scene of one kind, with jobs that were added, on that wire."""

    def __init__(self, store: Store, kind: Kind, *arns: str) -> None:
        super().__init__(store)
        self.kind, self.wire = kind, Wire(kind)
        for one in arns:
            store.jobs.add(Wanted(JobArn.parse(one), "us-east-1"), self.now, ask=False)
        self.group = Group(
            f"default@123456789012/us-east-1/{kind.name}",
            kind,
            self.wire,
            store.ledger,
            self._transact,
            account=self.account,
            now=lambda: self.now,
            luck=lambda: 0.5,
            on_news=lambda: None,
            log=self.log,
        )
        self.group.limits, self.group.routes = self.limits, (Route("all", frozenset(EVENTS)),)
        for job in store.ledger.roster(0):
            self.group.jobs.take(job)

    def events(self) -> list[Event]:
        """Return the events so far, the oldest first."""
        return sorted((event for event, _ in self.store.history.events()), key=lambda event: event.id)


@contextmanager
def fuzzed(kind: Kind, *arns: str) -> Iterator[Fuzzed]:
    with TemporaryDirectory() as directory:
        store = Store.open(Path(directory) / "fuzz.db")
        try:
            yield Fuzzed(store, kind, *arns)
        finally:
            store.close()


def said(body: bytes) -> dict[str, Any]:
    """Return what a reader of JSON takes from *body*; nothing when it is none."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def check_true(kind: Kind, events: list[Event], *answers: bytes) -> None:
    """Check that each event tells only what one of *answers* says."""
    documents = [said(body) for body in answers]
    words = {str(document.get(kind.members.status)) for document in documents}
    reasons = [json.dumps(document.get(kind.members.reason)) for document in documents]
    for change in (change for event in events for change in event.transitions):
        if isinstance(change, StatusChanged):
            assert change.new in words
        if isinstance(change, FailureExplained):
            assert any(json.dumps(change.text)[1:-1] in reason for reason in reasons)
        if isinstance(change, StepChanged) and change.step in STEPS:
            details = [
                document.get("statusDetails", {}).get(STEPS[change.step], {}) for document in documents if document
            ]
            assert change.new in {one.get("status", "NotStarted") for one in details}


def check_tellable(scene: Fuzzed) -> None:
    """Check that every event can be put into words for everybody, and that the words tell the event's status."""
    for event in scene.events():
        background = scene.store.history.story(event)
        story = tell_story(Delivery(1, event, "all", 1), background, scene.now, Manner())
        for family in Family:
            message = write(compose(story), family, None)
            assert message.title.strip()
            assert message.body.strip() or message.payload
        told = [change.new for change in event.transitions if isinstance(change, StatusChanged)]
        payload = write(compose(story), Family.JSON, None).payload
        assert payload is not None
        assert not told or payload["status"] == told[-1].encode(errors="replace").decode()


def documents(kind: Kind, mine: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return Get responses about the job *mine* (mostly), as the service model shapes them."""
    shape = MODEL.operation_model(kind.get_operation).output_shape
    assert shape is not None
    # Most are about this job and have a status of AWS's, or little would be read of the rest.
    sound = st.fixed_dictionaries(
        {kind.members.arn: st.just(mine), kind.members.status: st.sampled_from(sorted(kind.outcomes))}
    )
    return st.tuples(shaped(shape), sound, st.integers(0, 9)).map(
        lambda drawn: drawn[0] | (drawn[1] if drawn[2] else {})
    )


def an_arn(kind: Kind) -> str:
    path = "amazon.nova-lite-v1:0:300k/abcdefghij01" if kind.name == CUSTOMIZATION else "abcdefghij01"
    return f"arn:aws:bedrock:us-east-1:123456789012:{kind.name}/{path}"


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@fuzzing
@given(st.data())
def test_whatever_a_get_answers_nothing_dies_and_nothing_is_made_up(kind: Kind, data: st.DataObject) -> None:
    """Two answers, one after the other; nothing but a LookError is handled by the sweep, so any other would show."""
    mine = an_arn(kind)
    first, second = data.draw(bodies(documents(kind, mine))), data.draw(bodies(documents(kind, mine)))
    with fuzzed(kind, mine) as scene:
        scene.wire.got = first
        scene.turn()
        after = scene.events()
        check_true(kind, after, first)
        if not said(first):
            assert not after
        scene.wire.got = second
        scene.turn(after=200)
        check_true(kind, scene.events()[len(after) :], first, second)
        check_tellable(scene)


GOOD = response(1, minute=90, status="Failed", failureMessage="why", endTime=at(90))


@fuzzing
@given(bodies(documents(KINDS[CUSTOMIZATION], arn(1))))
@example(json.dumps(response(1, minute=10**7)).encode())
@example(json.dumps(response(1, statusDetails={"trainingDetails": step("InProgress", 10**7)})).encode())
@example(json.dumps({**response(1), "trainingMetrics": deep(300)}).encode())
def test_a_good_answer_after_a_bad_one_is_told(body: bytes) -> None:
    """Whatever came before, the job's end is told, unless what came before was itself an end, or newer by its time."""
    with fuzzed(KINDS[CUSTOMIZATION], arn(1)) as scene:
        scene.wire.got = body
        scene.turn()
        before = scene.events()
        ended = any(
            isinstance(one, StatusChanged) and one.outcome.terminal for event in before for one in event.transitions
        )
        newer = any(moment > datetime.fromisoformat(at(90)) for moment in _moments(said(body)))
        scene.wire.got = json.dumps(GOOD).encode()
        scene.turn(after=200)
        changes = [one for event in scene.events()[len(before) :] for one in event.transitions]
        if not ended and not newer:
            assert [one.new for one in changes if isinstance(one, StatusChanged)] == ["Failed"]
            assert [one.text for one in changes if isinstance(one, FailureExplained)] == ["why"]


def _moments(document: dict[str, Any]) -> Iterator[datetime]:
    """Yield the times of the last change that AWS could have meant: none of the far future."""
    details = document.get("statusDetails")
    every = [document, *(details.values() if isinstance(details, dict) else ())]
    for one in every:
        value = one.get("lastModifiedTime") if isinstance(one, dict) else None
        try:
            moment = utc(value) if isinstance(value, (int, float)) else datetime.fromisoformat(str(value))
        except (ValueError, OverflowError, OSError):
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if moment < utc(1_800_000_000.0) + timedelta(days=1):
            yield moment


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.listed], ids=lambda kind: kind.name)
@fuzzing
@given(st.data())
def test_whatever_a_list_answers_nothing_is_told_of_it(kind: Kind, data: st.DataObject) -> None:
    """Four jobs are asked for by List; only a Get tells, and its answer is told whatever the List was."""
    shape = MODEL.operation_model(kind.list_operation).output_shape
    assert shape is not None
    mine = [an_arn(kind)[:-1] + str(number) for number in range(1, 5)]
    with fuzzed(kind, *mine) as scene:
        for job in scene.group.jobs.awake.values():
            job.state, job.arn = "running", job.identifier
            job.confirmed_at = job.looked_at = job.created_at = job.changed_at = scene.now
        scene.group.jobs.rest([*scene.group.jobs.awake.values()])
        scene.wire.listed = data.draw(bodies(shaped(shape)))
        scene.wire.got = b"nothing that can be read"
        scene.turn(after=10**4)
        assert not scene.events()


def test_the_wire_is_that_of_the_real_look() -> None:
    """The fuzzed bodies go through the code that decodes AWS's."""
    wire = Wire(KINDS[CUSTOMIZATION])
    wire.got = json.dumps(response(1)).encode()
    wire.listed = b'{"modelCustomizationJobSummaries": []}'
    assert isinstance(anyio.run(wire.get, arn(1)), Answer)
    assert isinstance(anyio.run(wire.page, 0.0, None), Page)
