"""The simulated Bedrock's faults, as botocore suffers them, and the control API that asks for them."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest
import requests
import support_simulator as support
from support_simulator import NOON, Bedrock, Clock, code, get, names

from watcher.errors import UsageError
from watcher.simulator import Fault, Kind, Simulator, distillation, fine_tuning

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
bedrock = pytest.fixture(support.bedrock)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.THROTTLED, ("ThrottlingException", 429)),
        (Kind.INTERNAL, ("InternalServerException", 500)),
        (Kind.UNAVAILABLE, ("ServiceUnavailableException", 503)),
        (Kind.DENIED, ("AccessDeniedException", 403)),
        (Kind.EXPIRED_TOKEN, ("ExpiredTokenException", 403)),
        (Kind.UNRECOGNIZED_CLIENT, ("UnrecognizedClientException", 403)),
        (Kind.INVALID_SIGNATURE, ("InvalidSignatureException", 403)),
        (Kind.NOT_FOUND, ("ResourceNotFoundException", 404)),
        (Kind.HTML_BAD_GATEWAY, ("502", 502)),
    ],
)
def test_an_error_fault_is_the_client_error_of_its_name(
    simulator: Simulator, bedrock: Bedrock, kind: Kind, expected: tuple[str, int]
) -> None:
    arn = simulator.play(fine_tuning())
    simulator.inject(Fault(kind=kind, count=1))
    assert code(lambda: get(bedrock, arn)) == expected
    assert get(bedrock, arn)["jobArn"] == arn


def test_a_429_is_answered_with_retry_after(simulator: Simulator, endpoint: str) -> None:
    simulator.inject(Fault(kind=Kind.THROTTLED, retry_after=7))
    answer = requests.get(f"{endpoint}/model-customization-jobs", timeout=5)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "7"


def test_a_denied_get_names_the_job_and_a_denied_list_names_none(simulator: Simulator, bedrock: Bedrock) -> None:
    arn = simulator.play(fine_tuning())
    simulator.inject(Fault(kind=Kind.DENIED))
    with pytest.raises(
        botocore.exceptions.ClientError, match=re.escape(f"GetModelCustomizationJob on resource: {arn}")
    ):
        get(bedrock, arn)
    with pytest.raises(botocore.exceptions.ClientError, match="perform: bedrock:ListModelCustomizationJobs because"):
        names(bedrock)


@pytest.mark.parametrize("kind", [Kind.HTML_OK, Kind.MALFORMED, Kind.TRUNCATED])
def test_a_body_that_is_not_json_is_an_empty_response_to_botocore(
    simulator: Simulator, endpoint: str, bedrock: Bedrock, kind: Kind
) -> None:
    """Its parser takes text for an error's message, and drops it: a trap for whoever reads its view alone."""
    arn = simulator.play(fine_tuning())
    simulator.inject(Fault(kind=kind))
    assert get(bedrock, arn) == {}
    assert "modelCustomizationJobSummaries" not in bedrock.list_model_customization_jobs()
    answer = requests.get(f"{endpoint}/model-customization-jobs/{arn}", timeout=5)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_list_instead_of_an_object_is_a_bug_in_botocore(simulator: Simulator, bedrock: Bedrock) -> None:
    """It is an AttributeError: none of the classes that a caller of botocore thinks of."""
    arn = simulator.play(fine_tuning())
    simulator.inject(Fault(kind=Kind.WRONG_TYPE))
    with pytest.raises(AttributeError, match="'list' object"):
        get(bedrock, arn)


def test_a_status_may_be_a_number(simulator: Simulator, bedrock: Bedrock) -> None:
    arn = simulator.play(fine_tuning())
    simulator.inject(Fault(kind=Kind.WRONG_STATUS))
    assert get(bedrock, arn)["status"] == 17
    (summary,) = bedrock.list_model_customization_jobs()["modelCustomizationJobSummaries"]
    assert summary["status"] == 17


def test_a_hanging_answer_never_comes_and_holds_up_nobody_else(simulator: Simulator, bedrock: Bedrock) -> None:
    arn = simulator.play(fine_tuning())
    simulator.inject(Fault(kind=Kind.HANG, operation="Get"))
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        get(bedrock, arn)
    assert names(bedrock) == ["titan-tickets-v7"]


def test_a_reset_tears_the_connection_down(simulator: Simulator, endpoint: str, bedrock: Bedrock) -> None:
    """It is an exception of botocore's, and on the wire an RST: a plain close would be an empty read."""
    arn = simulator.play(fine_tuning())
    simulator.inject(Fault(kind=Kind.RESET, operation="Get"))
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        get(bedrock, arn)
    host, _, port = endpoint.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET /model-customization-jobs/titan-tickets-v7 HTTP/1.1\r\nHost: simulator\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_slow_answer_is_a_right_one(simulator: Simulator, bedrock: Bedrock) -> None:
    arn = simulator.play(fine_tuning())
    simulator.inject(Fault(kind=Kind.SLOW, delay=0.01))
    assert get(bedrock, arn)["jobArn"] == arn
    assert [request.fault for request in simulator.requests] == ["slow"]


def test_unknown_words_and_members_pass_botocores_parser_or_are_dropped_by_it(
    simulator: Simulator, endpoint: str, bedrock: Bedrock
) -> None:
    """So whoever wants them must read the raw body, where they are."""
    arn = simulator.play(distillation("new"))
    simulator.inject(Fault(kind=Kind.UNKNOWN_STATUS, count=2))
    assert get(bedrock, arn)["status"] == "Hibernating"
    (summary,) = bedrock.list_model_customization_jobs()["modelCustomizationJobSummaries"]
    assert summary["status"] == "Hibernating"
    simulator.inject(Fault(kind=Kind.UNKNOWN_MEMBERS))
    parsed = get(bedrock, arn)
    raw = requests.get(f"{endpoint}/model-customization-jobs/new", timeout=5).json()
    assert parsed["customizationType"] == raw["customizationType"] == "REINFORCEMENT_FINE_TUNING"
    assert list(parsed["customizationConfig"]) == ["SDK_UNKNOWN_MEMBER"]
    assert "rftConfig" in raw["customizationConfig"]
    assert "evaluationDetails" not in parsed["statusDetails"]
    assert raw["statusDetails"]["evaluationDetails"]["status"] == "InProgress"
    assert "carbonFootprint" in raw.keys() - parsed.keys()


def test_a_stale_answer_is_what_was_true_one_phase_before(simulator: Simulator, clock: Clock, bedrock: Bedrock) -> None:
    arn = simulator.play(fine_tuning())
    before = get(bedrock, arn)
    clock.now += 5 * 60
    assert get(bedrock, arn)["statusDetails"] != before["statusDetails"]
    simulator.inject(Fault(kind=Kind.STALE))
    stale = get(bedrock, arn)
    assert stale == before


def test_a_list_may_miss_a_job_or_show_it_twice(simulator: Simulator, clock: Clock, bedrock: Bedrock) -> None:
    simulator.play(fine_tuning("first"))
    clock.now += 1
    simulator.play(fine_tuning("second"))
    simulator.inject(Fault(kind=Kind.MISSING, job="first", count=1))
    assert names(bedrock) == ["second"]
    simulator.inject(Fault(kind=Kind.DUPLICATED, job="second", count=1))
    assert names(bedrock) == ["second", "second", "first"]
    assert names(bedrock) == ["second", "first"]


@pytest.mark.parametrize(
    ("aim", "spoilt"),
    [
        ({}, ["Get one", "Get two", "List"]),
        ({"operation": "Get"}, ["Get one", "Get two"]),
        ({"operation": "List"}, ["List"]),
        ({"job": "one"}, ["Get one", "List"]),
        ({"job": "one", "operation": "Get"}, ["Get one"]),
        ({"job": "/abcdefghij22"}, ["Get two", "List"]),
        ({"region": "us-east-1"}, ["Get one", "Get two", "List"]),
        ({"region": "eu-west-1"}, []),
    ],
)
def test_a_fault_spoils_only_what_it_aims_at(
    simulator: Simulator, bedrock: Bedrock, aim: dict[str, Any], spoilt: list[str]
) -> None:
    simulator.play(fine_tuning("one", job_id="abcdefghij11"))
    simulator.play(fine_tuning("two", job_id="abcdefghij22"))
    simulator.inject(Fault(kind=Kind.INTERNAL, **aim))
    found = []
    asks: dict[str, Callable[[], object]] = {
        "Get one": lambda: get(bedrock, "one"),
        "Get two": lambda: get(bedrock, "two"),
        "List": lambda: names(bedrock),
    }
    for name, ask in asks.items():
        try:
            ask()
        except botocore.exceptions.ClientError:
            found.append(name)
    assert found == spoilt


def test_a_regions_fault_reaches_its_lists_even_when_they_are_empty(simulator: Simulator, bedrock: Bedrock) -> None:
    simulator.inject(Fault(kind=Kind.UNAVAILABLE, region="us-east-1"))
    assert code(lambda: names(bedrock)) == ("ServiceUnavailableException", 503)


def test_a_fault_ends_after_its_count_its_time_or_when_cleared(
    simulator: Simulator, clock: Clock, bedrock: Bedrock
) -> None:
    simulator.play(fine_tuning("job"))
    simulator.inject(Fault(kind=Kind.THROTTLED, count=2))
    simulator.inject(Fault(kind=Kind.INTERNAL, seconds=60))
    simulator.inject(Fault(kind=Kind.DENIED))
    assert [code(lambda: get(bedrock, "job"))[1] for _ in range(4)] == [429, 429, 500, 500]
    clock.now += 60
    assert code(lambda: get(bedrock, "job"))[1] == 403
    simulator.clear()
    assert get(bedrock, "job")["jobName"] == "job"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=Kind.MISSING, operation="Get"),
        Fault(kind=Kind.NOT_FOUND, operation="List"),
        Fault(kind=Kind.HANG, count=0),
    ],
)
def test_a_fault_that_could_never_happen_is_refused(simulator: Simulator, fault: Fault) -> None:
    with pytest.raises(UsageError):
        simulator.inject(fault)


def test_another_process_can_do_what_the_methods_do(simulator: Simulator, endpoint: str, bedrock: Bedrock) -> None:
    control = f"{endpoint}/_simulator"
    order = {"scenario": "failing", "name": "drill", "region": "us-east-1", "at": "validationDetails"}
    played = requests.post(f"{control}/jobs", json=order, timeout=5)
    assert played.status_code == 201
    arn = played.json()["arn"]
    assert get(bedrock, "drill")["jobArn"] == arn
    fault = {"kind": "throttled", "operation": "List", "count": 1}
    assert requests.post(f"{control}/faults", json=fault, timeout=5).status_code == 201
    assert code(lambda: names(bedrock)) == ("ThrottlingException", 429)
    requests.post(f"{control}/faults", json={"kind": "hang"}, timeout=5)
    assert requests.delete(f"{control}/faults", timeout=5).status_code == 200
    assert requests.post(f"{control}/jobs/{arn}/stop?seconds=0", timeout=5).status_code == 200
    assert requests.post(f"{control}/jobs/drill/stop", timeout=5).status_code == 409
    (truth,) = requests.get(f"{control}/jobs", timeout=5).json()["jobs"]
    assert (truth["status"], truth["response"]["jobArn"]) == ("Stopped", arn)
    log = requests.get(f"{control}/requests", timeout=5).json()
    assert log["counts"] == {"Get": 1, "List": 1}
    assert [(each["operation"], each["what"], each["fault"]) for each in log["requests"]] == [
        ("Get", "drill", ""),
        ("List", "", "throttled"),
    ]
    assert simulator.requests[0].at == NOON


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("jobs", '{"scenario": "miracle"}', "no scenario 'miracle'"),
        ("jobs", '{"scenario": "queued", "colour": "red"}', "unknown field `colour`"),
        ("jobs", '{"scenario": "queued", "at": "trainingDetails"}', "queued cannot be changed so"),
        ("jobs", '{"scenario": "queued", "speed": 0.1}', "a speed of 0.1"),
        ("faults", '{"kind": "plague"}', "Invalid enum value 'plague'"),
        ("faults", '{"kind": "missing", "operation": "Get"}', "missing is not a fault of Get"),
        ("faults", "{", "truncated"),
        ("jobs/x/stop?seconds=soon", "", "Expected `float`"),
    ],
)
def test_a_wrong_order_is_answered_with_the_reason(endpoint: str, path: str, body: str, said: str) -> None:
    answer = requests.post(
        f"{endpoint}/_simulator/{path}", body, headers={"Content-Type": "application/json"}, timeout=5
    )
    assert answer.status_code == 400
    assert said in answer.json()["message"]
