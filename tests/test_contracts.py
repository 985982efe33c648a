"""The contract with AWS, as botocore's own service model has it: the day that AWS adds a word, these name it.

Source: botocore's service model of Bedrock (2023-04-20), which an upgrade of the SDK replaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
import support_simulator as support
from botocore.model import ServiceModel, Shape, StructureShape
from support_simulator import NOON, Clock, client, get

from watcher.bedrock.answers import Answer, Page, Summary
from watcher.bedrock.client import PAGE, Look, Settings
from watcher.bedrock.customization import KIND, OUTCOMES, STEP_STATUSES, STEPS, read
from watcher.clock import utc
from watcher.diff import diff
from watcher.model import Event, Job, JobArn, Snapshot
from watcher.render import Story, compose
from watcher.simulator import SCENARIOS, Simulator
from watcher.simulator.timeline import Run, begin, timestamp
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.sweep.watched import mark_of_facts

MODEL: ServiceModel = support.SESSION.get_service_model("bedrock")

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


def runs() -> Iterator[Run]:
    """Yield every ready script, as it is played."""
    for make in SCENARIOS.values():
        yield begin(make(), "abcdefghij12", NOON)


def member(shape: Shape, path: str) -> Shape | None:
    """Return the shape of a dotted path of members, through lists; None when the model knows no such member."""
    found: Shape | None = shape
    for key in path.split("."):
        while found is not None and found.type_name == "list":
            found = found.member
        found = found.members.get(key) if isinstance(found, StructureShape) else None
    return found


def members_asked_for(job: Job) -> set[str]:
    """Return every member that reading, fingerprinting, diffing and telling asks of any response."""
    asked: set[str] = set()
    for run in runs():
        before: Snapshot | None = None
        for index in range(len(run.phases)):
            facts = Recorder(run.response(index), asked)
            snapshot = read(facts)
            mark_of_facts(facts)
            event = Event(1, "job/1", 1, diff(before, snapshot), utc(NOON))
            compose(Story(event, utc(NOON), "host", job=job, snapshot=snapshot, steps=snapshot.steps))
            before = snapshot
    return asked


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """A job as the store gives it."""
    arn = JobArn.parse(next(runs()).arn)
    with closing(Store.open(tmp_path / "db")) as store:
        store.jobs.configure([Wanted(arn, arn.region)], NOON)
        (found,) = store.ledger.roster(0)
        yield found


def test_every_member_that_is_asked_for_is_in_the_service_model(job: Job) -> None:
    shape = MODEL.shape_for("GetModelCustomizationJobResponse")
    asked = members_asked_for(job)
    assert [path for path in sorted(asked) if member(shape, path) is None] == []
    # The recorder works, and these are what alerts cannot do without.
    assert asked >= {
        "status",
        "failureMessage",
        "statusDetails.trainingDetails.status",
        "statusDetails.dataProcessingDetails.lastModifiedTime",
        "validationMetrics.validationLoss",
        "trainingMetrics.trainingLoss",
        "outputDataConfig.s3Uri",
        "endTime",
    }


def test_every_status_of_a_job_is_classified() -> None:
    """An unknown one would be RUNNING, and the job watched for ever: it must be decided by a person."""
    assert set(MODEL.shape_for("ModelCustomizationJobStatus").enum) == set(OUTCOMES)


def test_every_sub_task_and_each_of_its_statuses_is_known() -> None:
    details = MODEL.shape_for("StatusDetails")
    assert set(details.members) == set(STEPS)
    for step in details.members.values():
        assert set(step.members["status"].enum) == STEP_STATUSES
        assert {"creationTime", "lastModifiedTime"} <= set(step.members)


def test_the_operations_exist_and_take_what_they_are_given() -> None:
    """The two that the IAM policy of the README allows."""
    assert set(MODEL.operation_model(KIND.get_operation).input_shape.members) == {"jobIdentifier"}
    listing = MODEL.operation_model(KIND.list_operation).input_shape.members
    assert listing.keys() >= {"maxResults", "nextToken", "creationTimeAfter", "sortBy", "sortOrder"}
    assert listing["maxResults"].metadata["max"] == PAGE
    assert "CreationTime" in listing["sortBy"].enum
    assert "Descending" in listing["sortOrder"].enum


def test_what_is_decoded_of_a_page_is_in_the_service_model() -> None:
    page = MODEL.operation_model(KIND.list_operation).output_shape
    assert set(Page.__struct_fields__) == set(page.members)
    summary = page.members["modelCustomizationJobSummaries"].member
    assert set(Summary.__struct_fields__) <= set(summary.members)
    for required in ("jobArn", "status"):  # without which a page would be malformed
        assert required in summary.required_members


def test_the_responses_that_are_kept_raw_are_those_of_the_two_operations() -> None:
    from watcher.bedrock.client import _KEPT_RAW  # noqa: PLC0415 - nobody else's business

    shapes = {MODEL.operation_model(name).output_shape.name for name in (KIND.get_operation, KIND.list_operation)}
    assert shapes == _KEPT_RAW


def plain(value: Any) -> Any:
    """Return what botocore parsed with its times as AWS writes them."""
    if isinstance(value, datetime):
        return timestamp(value.astimezone(UTC).timestamp())
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def look_at(endpoint: str, arns: list[str]) -> tuple[list[Answer], Page]:
    """Return our own parser's answers to a Get of each job, and to a List."""

    async def ask() -> tuple[list[Answer], Page]:
        look = Look(KIND, "us-east-1", "", Settings(endpoint_url=endpoint))
        try:
            return [await look.get(arn) for arn in arns], await look.page(0, None)
        finally:
            await look.close()

    return anyio.run(ask)


def summary_of(parsed: dict[str, Any]) -> dict[str, Any]:
    """Return the members of botocore's summary that we decode too."""
    return {key: value for key, value in plain(parsed).items() if key in Summary.__struct_fields__}


def decoded(summary: Summary) -> dict[str, Any]:
    """Return our summary as a dictionary, without what AWS left out."""
    found = {**msgspec.structs.asdict(summary), "statusDetails": msgspec.json.decode(summary.statusDetails)}
    return {key: value for key, value in found.items() if value is not None}


def test_the_lean_parser_agrees_with_botocores_own_on_every_response_of_the_simulator(
    simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """Every scenario in every phase, by Get and by List."""
    arns = [simulator.play(make()) for make in SCENARIOS.values()]
    moments = sorted({start for job in simulator.jobs for start in job.run.starts})
    with client(endpoint) as bedrock:
        for clock.now in moments:
            answers, page = look_at(endpoint, arns)
            for arn, answer in zip(arns, answers, strict=True):
                assert answer.facts == plain(get(bedrock, arn))
                assert msgspec.json.decode(answer.text) == answer.facts
            theirs = bedrock.list_model_customization_jobs(maxResults=PAGE)["modelCustomizationJobSummaries"]
            ours = page.modelCustomizationJobSummaries
            assert [decoded(summary) for summary in ours] == [summary_of(parsed) for parsed in theirs]
            assert len(ours) == len(arns)
