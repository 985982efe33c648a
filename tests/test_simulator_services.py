"""SQS and STS beside the simulated Bedrock, as botocore sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests
import support_simulator as support
from support_simulator import NOON, SESSION, Clock, code

from watcher.bedrock.eventbridge import job_of, pattern
from watcher.simulator import Drill, Simulator, failing, fine_tuning, others, stopped

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
MINUTE = 60.0


def made(service: str, endpoint: str, key: str = "AKIA210987654321") -> Any:
    """Return a client."""
    return SESSION.create_client(
        service,
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key="testing",
    )


@pytest.fixture
def sqs(endpoint: str) -> Iterator[Any]:
    with closing(made("sqs", endpoint)) as client:
        yield client


@pytest.fixture
def sts(endpoint: str) -> Iterator[Any]:
    with closing(made("sts", endpoint)) as client:
        yield client


def receive(sqs: Any, endpoint: str, **more: object) -> list[dict[str, Any]]:
    """Return the messages that can be received."""
    url = f"{endpoint}/123456789012/bedrock-jobs"
    return list(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more).get("Messages", []))


def test_each_change_of_a_status_is_one_event_that_the_rule_for_eventbridge_matches(
    simulator: Simulator, clock: Clock, endpoint: str, sqs: Any
) -> None:
    arn = simulator.play(stopped(speed=1))
    simulator.play(others.importing(speed=1))  # EventBridge says nothing of imports
    assert [json.loads(one["Body"])["detail"]["jobStatus"] for one in receive(sqs, endpoint)] == ["InProgress"]
    clock.now += 120 * MINUTE
    events = [json.loads(one["Body"]) for one in receive(sqs, endpoint, VisibilityTimeout=9000)]
    assert [one["detail"]["jobStatus"] for one in events if one["detail"]["jobStatus"] != "InProgress"] == [
        "Stopping",
        "Stopped",
    ]
    for one in events:
        assert one["source"] in pattern()["source"]
        assert one["detail-type"] in pattern()["detail-type"]
        named = job_of(json.dumps(one))
        assert named
        assert str(named.arn) == arn
        assert named.name == "llama-triage-v2"
    batch = simulator.play(others.batch(speed=1))
    (sent,) = receive(sqs, endpoint)
    named = job_of(sent["Body"])
    assert named
    assert str(named.arn) == batch


def test_a_message_is_hidden_once_received_comes_again_and_is_deleted_for_good(
    simulator: Simulator, clock: Clock, endpoint: str, sqs: Any
) -> None:
    simulator.play(fine_tuning(speed=1))
    (first,) = receive(sqs, endpoint)
    assert receive(sqs, endpoint) == []
    clock.now += 31
    (again,) = receive(sqs, endpoint)
    assert again["MessageId"] == first["MessageId"]
    sqs.delete_message(QueueUrl=f"{endpoint}/123456789012/bedrock-jobs", ReceiptHandle=again["ReceiptHandle"])
    clock.now += 31
    assert receive(sqs, endpoint) == []


def test_who_waits_is_answered_when_a_job_changes(simulator: Simulator, endpoint: str, sqs: Any) -> None:
    simulator.play(fine_tuning(speed=1))
    assert len(receive(sqs, endpoint, WaitTimeSeconds=20)) == 1
    assert receive(sqs, endpoint, WaitTimeSeconds=1) == []


def test_what_sqs_and_sts_refuse_has_the_code_that_aws_gives(endpoint: str, sqs: Any, sts: Any) -> None:
    ours, theirs = f"{endpoint}/123456789012/bedrock-jobs", f"{endpoint}/123456789012/theirs"
    assert code(lambda: sqs.receive_message(QueueUrl=theirs)) == ("QueueDoesNotExist", 400)
    assert code(lambda: sqs.delete_message(QueueUrl=ours, ReceiptHandle="none")) == ("ReceiptHandleIsInvalid", 400)
    assert code(lambda: sqs.send_message(QueueUrl=ours, MessageBody="x")) == ("UnsupportedOperation", 400)
    role = "arn:aws:iam::1:role/short"
    assert code(lambda: sts.assume_role(RoleArn=role, RoleSessionName="watch")) == ("ValidationError", 400)
    assert code(sts.get_session_token) == ("InvalidAction", 400)


def test_a_role_gives_keys_of_its_account_for_as_long_as_is_asked(clock: Clock, endpoint: str, sts: Any) -> None:
    assert sts.get_caller_identity()["Account"] == "210987654321"
    role = "arn:aws:iam::123456789012:role/some/path/bedrock-watch"
    answer = sts.assume_role(RoleArn=role, RoleSessionName="watch", DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/bedrock-watch/watch"
    keys = answer["Credentials"]
    assert keys["Expiration"].timestamp() == clock.now + 900
    with closing(made("sts", endpoint, keys["AccessKeyId"])) as assumed:
        assert assumed.get_caller_identity()["Account"] == "123456789012"


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
def test_a_page_of_a_browser_gets_nothing_from_them(endpoint: str, headers: dict[str, str]) -> None:
    body = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    assert requests.post(endpoint, body, headers=headers, timeout=30).status_code == 403
    assert requests.post(endpoint, body, timeout=30).status_code == 200


@pytest.mark.parametrize("body", ["null", "[]", "{", '{"QueueUrl": 5}', "\udcff", '{"WaitTimeSeconds": -1}'])
def test_a_body_that_is_no_call_is_refused(endpoint: str, body: str) -> None:
    headers = {"X-Amz-Target": "AmazonSQS.ReceiveMessage", "Content-Type": "application/x-amz-json-1.0"}
    answer = requests.post(endpoint, body.encode(errors="surrogateescape"), headers=headers, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["__type"] == "com.amazonaws.sqs#InvalidParameterValue"


def test_in_a_drill_a_job_is_created_when_it_starts_and_has_the_drills_account_tags_and_pace(clock: Clock) -> None:
    simulator = Simulator(clock=clock, drill=Drill(account="210987654321", speed=60))
    with support.running(simulator) as url:
        headers = {"Content-Type": "application/json"}
        body = json.dumps({"scenario": "failing", "at": "trainingDetails"})
        first, second = (
            requests.post(f"{url}/_simulator/jobs", body, headers=headers, timeout=30).json() for _ in range(2)
        )
    assert (first["name"], second["name"]) == ("nova-legal-v1", "nova-legal-v1-2")
    assert ":210987654321:" in first["arn"]
    run = simulator.jobs[0].run
    assert run.created == NOON
    assert run.script.tags == {"purpose": "fire-drill"}
    assert simulator.jobs[0].status(NOON + 89) == "InProgress"
    assert simulator.jobs[0].status(NOON + 90) == "Failed"


def test_two_jobs_of_one_name_have_two_arns_and_a_second_drill_the_same_two(clock: Clock) -> None:
    one, two = (Simulator(clock=clock, drill=Drill()) for _ in range(2))
    arns = [one.play(failing()) for _ in range(2)]
    assert len(set(arns)) == 2
    assert [two.play(failing()) for _ in range(2)] == arns
    assert Simulator(clock=clock, drill=Drill(seed="other")).play(failing()) not in arns
