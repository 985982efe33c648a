"""The simulated Bedrock, asked by botocore itself over HTTP: what its parser accepts is what AWS would send."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
import requests
import support_simulator as support
from botocore.model import Shape
from botocore.validate import ParamValidator
from support_simulator import NOON, Bedrock, Clock, client, code, get, names

from watcher.errors import UsageError, WatchError
from watcher.model import JobArn
from watcher.simulator import (
    SCENARIOS,
    Refusal,
    Simulator,
    distillation,
    failing,
    fine_tuning,
    stopped,
)
from watcher.simulator.timeline import begin

Json = dict[str, "Json"] | list["Json"] | str | float
ACCOUNT, OTHER_ACCOUNT = "123456789012", "210987654321"

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
bedrock = pytest.fixture(support.bedrock)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_response_of_every_phase_fits_botocores_service_model(scenario: str) -> None:
    """Required members are there, no member is unknown, types are right, and ARNs and names match AWS's patterns."""
    model = support.EXTENDED.get_service_model("bedrock")
    run = begin(SCENARIOS[scenario](), "abcdefghij12", NOON)
    rows = run.play.rows
    for index in range(len(run.phases)):
        for document, shape in (
            (run.response(index), model.operation_model(run.play.get_operation).output_shape),
            (run.summary(index), model.operation_model(run.play.list_operation).output_shape.members[rows].member),
        ):
            report = ParamValidator().validate(document, shape)
            assert not report.has_errors(), report.generate_report()
            check_patterns(document, shape)


def check_patterns(value: Json, shape: Shape) -> None:
    """Check every string against its shape's pattern and enum, which botocore itself never does."""
    if isinstance(value, dict) and shape.type_name == "structure":
        for key, member in value.items():
            check_patterns(member, shape.members[key])
    elif isinstance(value, list):
        for member in value:
            check_patterns(member, shape.member)
    elif isinstance(value, str):
        assert re.fullmatch(shape.metadata.get("pattern", ".*"), value), (shape.name, value)
        assert value in (getattr(shape, "enum", None) or [value]), (shape.name, value)


def test_a_distillation_is_got_by_its_url_encoded_arn_in_every_phase(
    simulator: Simulator, clock: Clock, bedrock: Bedrock
) -> None:
    arn = simulator.play(distillation())
    seen = []
    for seconds in (0, 5 * 60, 60 * 60, 2 * 3600, 4 * 3600):
        clock.now = NOON + seconds
        response = get(bedrock, arn)
        steps = response["statusDetails"]
        parts = ("validationDetails", "dataProcessingDetails", "trainingDetails")
        seen.append((response["status"], *(steps[part]["status"] for part in parts)))
    assert seen == [
        ("InProgress", "NotStarted", "NotStarted", "NotStarted"),
        ("InProgress", "InProgress", "NotStarted", "NotStarted"),
        ("InProgress", "Completed", "InProgress", "NotStarted"),
        ("InProgress", "Completed", "Completed", "InProgress"),
        ("Completed", "Completed", "Completed", "Completed"),
    ]
    assert response["endTime"] - response["creationTime"] == timedelta(hours=3, minutes=12)
    assert steps["dataProcessingDetails"]["creationTime"] - response["creationTime"] == timedelta(minutes=14)
    assert steps["dataProcessingDetails"]["lastModifiedTime"] - response["creationTime"] == timedelta(minutes=72)
    assert response["trainingMetrics"] == {"trainingLoss": 0.4217}
    assert response["outputModelArn"].startswith(f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/")
    assert JobArn.parse(response["jobArn"]).usual


@pytest.mark.parametrize("at", ["validationDetails", "trainingDetails"])
def test_a_failing_job_says_why_only_once_it_failed(
    simulator: Simulator, clock: Clock, bedrock: Bedrock, at: str
) -> None:
    arn = simulator.play(failing(at=at, failure_message="<b>Maximum</b> input token count 4097 exceeds limit of 4096"))
    assert "failureMessage" not in get(bedrock, arn)
    clock.now += 24 * 3600
    response = get(bedrock, arn)
    assert response["status"] == "Failed"
    assert response["statusDetails"][at]["status"] == "Failed"
    assert response["failureMessage"] == "<b>Maximum</b> input token count 4097 exceeds limit of 4096"
    assert "outputModelArn" not in response


def test_a_failing_job_cannot_fail_in_a_sub_task_that_it_has_not() -> None:
    with pytest.raises(UsageError, match="dataProcessingDetails"):
        failing(at="dataProcessingDetails")


def test_a_get_by_name_finds_the_latest_job_of_that_name(simulator: Simulator, clock: Clock, bedrock: Bedrock) -> None:
    simulator.play(fine_tuning("twice"))
    clock.now += 60
    latest = simulator.play(fine_tuning("twice"))
    assert get(bedrock, "twice")["jobArn"] == latest


def test_a_name_is_looked_up_in_the_callers_own_region_and_account(simulator: Simulator, endpoint: str) -> None:
    where = [("us-east-1", ACCOUNT), ("us-east-1", OTHER_ACCOUNT), ("eu-west-1", ACCOUNT)]
    arns = {
        (region, account): simulator.play(fine_tuning("same", region=region, account=account))
        for region, account in where
    }
    for (region, account), arn in arns.items():
        with client(endpoint, region=region, account=account) as bedrock:
            assert get(bedrock, "same")["jobArn"] == arn
            assert names(bedrock) == ["same"]


def test_a_client_of_another_region_cannot_find_a_job_but_an_unsigned_one_can(
    simulator: Simulator, endpoint: str, bedrock: Bedrock
) -> None:
    arn = simulator.play(fine_tuning(region="eu-west-1"))
    assert code(lambda: get(bedrock, arn)) == ("ResourceNotFoundException", 404)
    assert names(bedrock) == []
    with client(endpoint, signed=False) as unsigned:
        assert get(unsigned, arn)["jobArn"] == arn
        assert names(unsigned) == ["titan-tickets-v7"]


def test_errors_have_awss_headers_and_body(endpoint: str) -> None:
    answer = requests.get(f"{endpoint}/model-customization-jobs/nobody", timeout=5)
    assert answer.status_code == 404
    assert answer.headers["x-amzn-ErrorType"].startswith("ResourceNotFoundException:")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["x-amzn-RequestId"])
    assert answer.headers["Content-Type"].startswith("application/json")
    assert list(answer.json()) == ["message"]


def test_a_list_shows_what_a_get_shows_but_neither_failure_nor_metrics(
    simulator: Simulator, clock: Clock, bedrock: Bedrock
) -> None:
    arn = simulator.play(failing())
    clock.now += 24 * 3600
    (summary,) = bedrock.list_model_customization_jobs()["modelCustomizationJobSummaries"]
    response = get(bedrock, arn)
    for member in ("jobArn", "jobName", "status", "statusDetails", "creationTime", "lastModifiedTime", "endTime"):
        assert summary[member] == response[member]
    assert summary["customModelName"] == response["outputModelName"]
    assert "failureMessage" not in summary


def test_pages_follow_each_other_without_loss_or_repetition_while_jobs_begin(
    simulator: Simulator, clock: Clock, bedrock: Bedrock
) -> None:
    for number in range(7):
        clock.now += 1
        simulator.play(fine_tuning(f"job-{number}"))
    first = bedrock.list_model_customization_jobs(maxResults=3)
    clock.now += 1
    simulator.play(fine_tuning("late"))
    second = bedrock.list_model_customization_jobs(maxResults=3, nextToken=first["nextToken"])
    third = bedrock.list_model_customization_jobs(maxResults=3, nextToken=second["nextToken"])
    shown = [job["jobName"] for page in (first, second, third) for job in page["modelCustomizationJobSummaries"]]
    assert shown == [f"job-{number}" for number in reversed(range(7))]
    assert "nextToken" not in third


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_botocores_paginator_sees_every_job_once(simulator: Simulator, bedrock: Bedrock, order: str) -> None:
    """All begin at the same moment, so that the order within it is put to the test as well."""
    expected = sorted(simulator.play(fine_tuning(f"job-{number}")) for number in range(25))
    pages = bedrock.get_paginator("list_model_customization_jobs").paginate(
        sortBy="CreationTime", sortOrder=order, PaginationConfig={"PageSize": 4}
    )
    seen = [job["jobArn"] for page in pages for job in page["modelCustomizationJobSummaries"]]
    assert seen == (expected if order == "Ascending" else expected[::-1])


def test_lists_are_filtered_by_status_name_and_creation(simulator: Simulator, clock: Clock, bedrock: Bedrock) -> None:
    simulator.play(fine_tuning("early-bird"))
    clock.now += 10 * 3600
    simulator.play(fine_tuning("night-owl"))
    between = datetime.fromtimestamp(NOON + 3600, UTC)
    assert names(bedrock, sortOrder="Ascending") == ["early-bird", "night-owl"]
    assert names(bedrock, statusEquals="Completed") == ["early-bird"]
    assert names(bedrock, statusEquals="InProgress") == ["night-owl"]
    assert names(bedrock, nameContains="owl") == ["night-owl"]
    assert names(bedrock, creationTimeAfter=between) == ["night-owl"]
    assert names(bedrock, creationTimeBefore=between) == ["early-bird"]
    assert names(bedrock, creationTimeAfter=datetime.fromtimestamp(NOON, UTC)) == ["night-owl"]


@pytest.mark.parametrize(
    "query",
    [
        "maxResults=0",
        "maxResults=1001",
        "maxResults=many",
        "nextToken=made-up",
        "nextToken=%C3%A9",
        "statusEquals=Hibernating",
        "sortBy=Name",
        "sortOrder=Sideways",
        "creationTimeAfter=yesterday",
    ],
)
def test_a_wrong_parameter_is_a_validation_exception_that_names_it(endpoint: str, query: str) -> None:
    answer = requests.get(f"{endpoint}/model-customization-jobs?{query}", timeout=5)
    assert answer.status_code == 400
    assert answer.headers["x-amzn-ErrorType"].startswith("ValidationException:")
    assert f"at '{query.partition('=')[0]}' failed to satisfy constraint" in answer.json()["message"]


def test_an_empty_identifier_is_answered_with_a_list(simulator: Simulator, bedrock: Bedrock) -> None:
    """What botocore makes of it is the List route: this is why we refuse it before asking."""
    simulator.play(fine_tuning())
    assert "modelCustomizationJobSummaries" not in get(bedrock, "")
    assert simulator.counts == {"List": 1}


def test_a_page_holds_a_hundred_jobs_unless_asked_for_a_thousand(simulator: Simulator, bedrock: Bedrock) -> None:
    for number in range(101):
        simulator.play(fine_tuning(f"job-{number}"))
    assert len(names(bedrock)) == 100
    assert len(names(bedrock, maxResults=1000)) == 101


def test_the_tags_of_a_job_are_those_of_its_script(simulator: Simulator, endpoint: str) -> None:
    arn = simulator.play(replace(fine_tuning(), tags={"team": "support", "Name": "bot"}))
    with client(endpoint) as made:
        asked: Any = made
        answer = asked.list_tags_for_resource(resourceARN=arn)
        assert code(lambda: asked.list_tags_for_resource(resourceARN=f"{arn[:-1]}-")) == (
            "ResourceNotFoundException",
            404,
        )
    assert answer["tags"] == [{"key": "team", "value": "support"}, {"key": "Name", "value": "bot"}]
    assert simulator.counts == {"Tags": 2}


def test_a_stopped_job_is_stopping_first_and_its_sub_tasks_with_it(
    simulator: Simulator, clock: Clock, bedrock: Bedrock
) -> None:
    arn = simulator.play(distillation())
    clock.now += 3600
    simulator.stop(arn, seconds=30)
    stopping = get(bedrock, arn)
    clock.now += 31
    done = get(bedrock, arn)
    assert (stopping["status"], done["status"]) == ("Stopping", "Stopped")
    assert "endTime" not in stopping
    assert done["endTime"] == datetime.fromtimestamp(NOON + 3630, UTC)
    assert [done["statusDetails"][step]["status"] for step in sorted(done["statusDetails"])] == [
        "Stopped",
        "NotStarted",
        "Completed",
    ]


def test_a_job_that_is_over_or_unknown_cannot_be_stopped(simulator: Simulator, clock: Clock) -> None:
    simulator.play(stopped("gone"))
    clock.now += 24 * 3600
    with pytest.raises(Refusal, match=r"409 ConflictException.*is Stopped"):
        simulator.stop("gone")
    with pytest.raises(Refusal, match="404 ResourceNotFoundException"):
        simulator.stop("never-was")


def test_only_loopback_addresses_are_served() -> None:
    async def serve(host: str) -> None:
        async with Simulator().serve(host):
            pass

    for host in ("0.0.0.0", "192.0.2.1", "::", "example.com"):  # noqa: S104 - to be refused
        with pytest.raises(UsageError, match="not a loopback address"):
            anyio.run(serve, host)


def test_a_port_in_use_is_said_with_the_remedy() -> None:
    async def serve(port: int) -> None:
        async with Simulator().serve(port=port):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(WatchError, match="--port") as caught:
        anyio.run(serve, taken.getsockname()[1])
    assert "Address already in use" in caught.value.what


def test_the_log_of_requests_is_bounded_but_the_counters_are_not(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, bedrock: Bedrock
) -> None:
    monkeypatch.setattr(simulator, "requests", type(simulator.requests)(maxlen=2))
    for _ in range(3):
        names(bedrock)
    assert len(simulator.requests) == 2
    assert simulator.counts == {"List": 3}
