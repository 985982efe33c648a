"""The contract with AWS, as botocore's own service model has it: the day that AWS adds a word, these name it.

Source: botocore's service model of Bedrock (2023-04-20), which an upgrade of the SDK replaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
import support_simulator as support
from botocore import xform_name
from botocore.model import ServiceModel, Shape, StructureShape
from support_simulator import NOON, Clock, client

from watcher.bedrock.answers import Answer, Page, Summary, members_read
from watcher.bedrock.client import PAGE, Keys, Look, Settings
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.customization import STEP_STATUSES, STEPS, TYPES
from watcher.bedrock.kind import Kind
from watcher.bedrock.kinds import KINDS
from watcher.bedrock.sessions import MODELS
from watcher.clock import utc
from watcher.diff import diff
from watcher.model import (
    COPY,
    CUSTOMIZATION,
    DEPLOYMENT,
    EVALUATION,
    IMPORT,
    INVOCATION,
    PROMPT,
    PROVISIONED,
    Event,
    Job,
    JobArn,
    Snapshot,
)
from watcher.render import Story, compose
from watcher.simulator import SCENARIOS, Simulator
from watcher.simulator.timeline import Run, begin, timestamp
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.sweep.watched import mark_of_facts

PINNED: ServiceModel = support.SESSION.get_service_model("bedrock")
MODEL: ServiceModel = support.EXTENDED.get_service_model("bedrock")

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)


@pytest.fixture(autouse=True)
def dummy_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


class Recorder(dict[str, Any]):
    """A response that writes down the paths of the members that it is asked for, there or not."""

    def __init__(self, document: dict[str, Any], asked: set[str], path: str = "") -> None:
        super().__init__({key: self._wrapped(value, asked, f"{path}{key}") for key, value in document.items()})
        self._asked, self._path = asked, path

    @classmethod
    def _wrapped(cls, value: Any, asked: set[str], path: str) -> Any:
        if isinstance(value, dict):
            return cls(value, asked, f"{path}.")
        return [cls._wrapped(one, asked, path) for one in value] if isinstance(value, list) else value

    def __getitem__(self, key: str) -> Any:
        self._asked.add(self._path + key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a member."""
        self._asked.add(self._path + key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._asked.add(f"{self._path}{key}")
        return super().__contains__(key)


def runs(kind: str) -> Iterator[Run]:
    """Yield every ready script of a kind, as it is played."""
    for make in SCENARIOS.values():
        if make().kind == kind:
            yield begin(make(), "abcdefghij12", NOON)


def member(shape: Shape, path: str) -> Shape | None:
    """Return the shape of a dotted path of members, through lists; None when the model knows no such member."""
    found: Shape | None = shape
    for key in path.split("."):
        while found is not None and found.type_name == "list":
            found = found.member
        found = found.members.get(key) if isinstance(found, StructureShape) else None
    return found


def members_asked_for(kind: Kind, job: Job) -> set[str]:
    """Return every member that reading, fingerprinting, diffing and telling asks of any response."""
    asked: set[str] = set()
    for run in runs(kind.name):
        before: Snapshot | None = None
        for index in range(len(run.phases)):
            facts = Recorder(run.response(index), asked)
            snapshot = kind.read(facts)
            mark_of_facts(kind, facts)
            kind.alike(facts)
            if changes := diff(before, snapshot):
                event = Event(1, "job/1", 1, changes, utc(NOON))
                compose(Story(event, utc(NOON), "host", job=job, snapshot=snapshot, steps=snapshot.steps))
            before = snapshot
    return asked


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[dict[str, Job]]:
    """A job of each kind as the store gives it."""
    arns = [JobArn.parse(next(runs(kind)).arn) for kind in KINDS]
    with closing(Store.open(tmp_path / "db")) as store:
        store.jobs.configure([Wanted(arn, arn.region) for arn in arns], NOON)
        yield {job.kind: job for job in store.ledger.roster(0)}


CANNOT_DO_WITHOUT = {
    CUSTOMIZATION: {
        "status",
        "failureMessage",
        "statusDetails.trainingDetails.status",
        "statusDetails.dataProcessingDetails.lastModifiedTime",
        "validationMetrics.validationLoss",
        "trainingMetrics.trainingLoss",
        "outputDataConfig.s3Uri",
        "endTime",
    },
    IMPORT: {"status", "failureMessage", "endTime", "importedModelName", "importedModelArn"},
    INVOCATION: {"status", "message", "endTime", "processedRecordCount", "totalRecordCount", "errorRecordCount"},
    EVALUATION: {"status", "failureMessages", "lastModifiedTime", "jobType"},
    COPY: {"status", "failureMessage", "sourceModelArn", "targetModelArn", "targetModelName"},
    DEPLOYMENT: {"status", "failureMessage", "lastUpdatedAt", "modelArn"},
    PROVISIONED: {"status", "failureMessage", "commitmentExpirationTime", "commitmentDuration", "desiredModelUnits"},
    PROMPT: {"jobStatus", "failureMessage", "lastModifiedTime", "outputConfig.s3Uri"},
}
"""What alerts of each kind tell at least: the recorder works."""


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_member_that_is_asked_for_is_in_the_service_model(kind: Kind, jobs: dict[str, Job]) -> None:
    shape = MODEL.operation_model(kind.get_operation).output_shape
    asked = members_asked_for(kind, jobs[kind.name])
    assert [path for path in sorted(asked) if member(shape, path) is None] == []
    assert asked >= CANNOT_DO_WITHOUT[kind.name]


def enum_of(shape: Shape, path: str) -> set[str]:
    found = member(shape, path)
    assert found is not None, path
    return set(found.enum)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_status_of_every_kind_is_classified(kind: Kind) -> None:
    """An unknown one would be RUNNING, and the job watched for ever: it must be decided by a person."""
    get, listing = (MODEL.operation_model(name).output_shape for name in kind.operations)
    rows = listing.members[kind.list_members.summaries].member
    assert enum_of(get, kind.members.status) == enum_of(rows, kind.list_members.status) == set(kind.outcomes)


def test_every_type_of_customization_is_known() -> None:
    """Or a rule that names it would be warned of."""
    assert set(MODEL.shape_for("CustomizationType").enum) <= TYPES


def test_every_sub_task_and_each_of_its_statuses_is_known() -> None:
    details = MODEL.shape_for("StatusDetails")
    assert set(details.members) == set(STEPS)
    for step in details.members.values():
        assert set(step.members["status"].enum) == STEP_STATUSES
        assert {"creationTime", "lastModifiedTime"} <= set(step.members)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_operations_of_every_kind_exist_and_take_what_they_are_given(kind: Kind) -> None:
    get, listing = (MODEL.operation_model(name).input_shape.members for name in kind.operations)
    assert set(get) == {kind.identifier}
    bound = kind.list_members.created_after
    assert listing.keys() >= {"maxResults", "nextToken", "sortBy", "sortOrder", *([bound] if bound else [])}
    assert bound or not any("After" in name for name in listing)
    assert listing["maxResults"].metadata["max"] == PAGE
    assert "CreationTime" in listing["sortBy"].enum
    assert "Descending" in listing["sortOrder"].enum


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_is_read_of_every_kind_is_in_the_service_model(kind: Kind) -> None:
    """Of a page: nothing that AWS does not send, and no wait for what a summary may lack."""
    get, page = (MODEL.operation_model(name).output_shape for name in kind.operations)
    assert {name for name in astuple(kind.members) if name} <= set(get.members)
    assert {name for name in (kind.model, kind.type) if name} <= set(get.members)
    listed = kind.list_members
    assert set(page.members) == {listed.summaries, "nextToken"}
    summary = page.members[listed.summaries].member
    told = {listed.arn, listed.name, listed.status, listed.changed, listed.steps} - {""}
    assert told <= set(summary.members)
    assert listed.arn in summary.required_members  # without which a page would be malformed
    assert listed.steps in get.members or not listed.steps  # it is compared with what Get says
    assert members_read(listed) == {listed.summaries, "nextToken"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_list_that_carries_enough_is_used_and_one_that_does_not_is_not(kind: Kind) -> None:
    """Enough is the time of the last change, if Get tells one."""
    rows = MODEL.operation_model(kind.list_operation).output_shape.members[kind.list_members.summaries].member
    assert kind.listed == (not kind.members.changed or kind.list_members.changed in rows.members)


def test_the_responses_that_are_kept_raw_are_those_of_the_operations_that_poll() -> None:
    from watcher.bedrock.parsers import _KEPT_RAW  # noqa: PLC0415 - nobody else's business

    names = {"ListTagsForResource", *(name for kind in KINDS.values() for name in kind.operations)}
    assert {MODEL.operation_model(name).output_shape.name for name in names} == _KEPT_RAW


def test_what_we_tell_the_sdk_is_what_the_pinned_one_does_not_know() -> None:
    """When this fails, the SDK has learnt it: take it out of bedrock/models."""
    ours = msgspec.json.decode((MODELS / "bedrock/2023-04-20/service-2.sdk-extras.json").read_bytes())["merge"]
    assert set(ours["operations"]).isdisjoint(PINNED.operation_names)
    for name, shape in ours["shapes"].items():
        if name in PINNED.shape_names:  # members more
            assert set(shape["members"]).isdisjoint(PINNED.shape_for(name).members), name
    assert set(ours["operations"]) == set(KINDS[PROMPT].operations)
    assert set(MODEL.operation_names) == set(PINNED.operation_names) | set(ours["operations"])


def plain(value: Any) -> Any:
    """Return what botocore parsed with its times as AWS writes them."""
    if isinstance(value, datetime):
        return timestamp(value.astimezone(UTC).timestamp())
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def look_at(kind: Kind, endpoint: str, arns: list[str]) -> tuple[list[Answer], Page]:
    """Return our own parser's answers to a Get of each job, and to a List."""

    async def ask() -> tuple[list[Answer], Page]:
        look = Look(kind, "us-east-1", Keys(Credentials(), Settings(endpoint_url=endpoint)))
        try:
            return [await look.get(arn) for arn in arns], await look.page(0, None)
        finally:
            await look.close()

    return anyio.run(ask)


def summary_of(kind: Kind, parsed: dict[str, Any]) -> dict[str, Any]:
    """Return the members of botocore's summary that we decode too."""
    return {key: value for key, value in plain(parsed).items() if key in astuple(kind.list_members)}


def decoded(summary: Summary) -> dict[str, Any]:
    """Return our summary as a dictionary, without what AWS left out."""
    found = dict(zip(summary.__struct_encode_fields__, msgspec.structs.astuple(summary), strict=True))
    told = {key: value for key, value in found.items() if value not in (None, "", msgspec.Raw(b""))}
    return {key: msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value for key, value in told.items()}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_lean_parser_agrees_with_botocores_own_on_every_response_of_the_simulator(
    kind: Kind, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """Every scenario in every phase, by Get and by List."""
    arns = [simulator.play(make()) for make in SCENARIOS.values() if make().kind == kind.name]
    assert arns
    get, listing = (xform_name(operation) for operation in kind.operations)
    moments = sorted({start for job in simulator.jobs for start in job.run.starts})
    with client(endpoint) as bedrock:
        for clock.now in moments:
            answers, page = look_at(kind, endpoint, arns)
            for arn, answer in zip(arns, answers, strict=True):
                theirs = getattr(bedrock, get)(**{kind.identifier: arn})
                del theirs["ResponseMetadata"]
                assert answer.facts == plain(theirs)
                assert msgspec.json.decode(answer.text) == answer.facts
            rows = getattr(bedrock, listing)(maxResults=PAGE)[kind.list_members.summaries]
            assert [decoded(summary) for summary in page.summaries] == [summary_of(kind, row) for row in rows]
            assert len(page.summaries) == len(arns)
