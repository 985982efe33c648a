"""What answers in the place of SQS stops nothing, is asked again ever more slowly, and is reported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import support_simulator as support
from support_client import nobodys_credentials
from support_daemon import Home
from support_gateway import Gateway, gateway
from test_gateway import BODIES, NO_OBJECTS

from watcher.bedrock.credentials import Credentials
from watcher.bedrock.queue import Letter, Queue
from watcher.bedrock.settings import Settings
from watcher.errors import LookError, LookFault
from watcher.simulator import Simulator, distillation

environment = pytest.fixture(autouse=True)(nobodys_credentials)
clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)


@pytest.fixture
def sqs() -> Iterator[Gateway]:
    """A gateway in the place of SQS."""
    with gateway() as served:
        yield served


def receive(served: Gateway, times: int = 1) -> list[Letter]:
    """Return what is received at the last of so many *times*."""

    async def ask() -> list[Letter]:
        queue = Queue(f"{served.url}/123456789012/bedrock-jobs", "us-east-1", Credentials(), Settings())
        try:
            for _ in range(times - 1):
                await queue.receive()
            return await queue.receive()
        finally:
            await queue.close()

    return anyio.run(ask)


def failure(served: Gateway, times: int = 1) -> LookError:
    """Return why nothing can be received."""
    with pytest.raises(LookError) as caught:
        receive(served, times)
    return caught.value


@pytest.mark.parametrize("status", [302, 400, 403, 404, 407])
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_an_error_that_sqs_did_not_write_is_a_fault_of_the_endpoint(sqs: Gateway, status: int, body: bytes) -> None:
    sqs.always(status, body)
    error = failure(sqs)
    assert error.fault is LookFault.ENDPOINT
    assert sqs.url in error.remedy


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_an_error_that_may_pass_is_one_of_the_server(sqs: Gateway, status: int, body: bytes) -> None:
    sqs.always(status, body)
    assert failure(sqs).fault is LookFault.SERVER


@pytest.mark.parametrize("body", NO_OBJECTS.values(), ids=list(NO_OBJECTS))
def test_a_success_that_is_no_json_object_is_a_fault_of_the_endpoint(sqs: Gateway, body: bytes) -> None:
    sqs.always(200, body)
    assert failure(sqs).fault is LookFault.ENDPOINT


@pytest.mark.parametrize(
    "messages",
    [
        "[null]",
        "[5]",
        '["a"]',
        "[[]]",
        "[{}]",
        '[{"Body": "a"}]',
        '[{"Body": "a", "ReceiptHandle": null}]',
        '[{"Body": "a", "ReceiptHandle": 5}]',
        '[{"Body": "a", "ReceiptHandle": ""}]',
        '{"a": 1}',
        '"abc"',
        "5",
        "true",
        "[" * 50_000,
        '[{"Body": "\udcff", "ReceiptHandle": "r"}]',
    ],
)
def test_messages_that_cannot_be_dealt_with_are_malformed(sqs: Gateway, messages: str) -> None:
    sqs.always(200, b'{"Messages": ' + messages.encode(errors="surrogateescape") + b"}")
    assert failure(sqs).fault is LookFault.MALFORMED


@pytest.mark.parametrize("body", ["null", "5", "[]", '{"a": 1}'])
def test_a_message_without_a_text_can_be_dealt_with(sqs: Gateway, body: str) -> None:
    sqs.always(200, b'{"Messages": [null, {"ReceiptHandle": "r", "Body": ' + body.encode() + b"}]}")
    assert receive(sqs) == [Letter("", "r")] or body != "null"
    assert [letter.receipt for letter in receive(sqs)] == ["r"]


@pytest.mark.parametrize("body", [b"{}", b'{"Messages": null}', b'{"Messages": []}'])
def test_a_queue_that_is_empty_at_once_again_and_again_is_none_of_sqs_s(sqs: Gateway, body: bytes) -> None:
    sqs.always(200, body)
    assert receive(sqs, times=4) == []
    assert failure(sqs, times=5).code == "NoLongPolling"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b'{"Messages": null}'),
        (200, b'{"Messages": [null]}'),
        (403, b"null"),
        (404, b"[" * 10**5),
    ],
)
def test_the_daemon_polls_on_and_asks_such_a_queue_less_and_less(
    sqs: Gateway, simulator: Simulator, endpoint: str, tmp_path: Path, status: int, body: bytes
) -> None:
    """The installed program: the queue is reported once, and its answers are nobody's bug."""
    arn = simulator.play(distillation())
    sqs.always(status, body)
    more = f'[[queue]]\nurl = "{sqs.url}/123456789012/bedrock-jobs"\nregion = "us-east-1"\n'
    home = Home(tmp_path, endpoint, [arn], more=more)
    with home.running() as daemon:
        daemon.wait_for(lambda: home.logged("queue_failing"))
        polled = simulator.counts["Get"]
        daemon.wait_for(lambda: simulator.counts["Get"] > polled + 5)
        daemon.wait_for(lambda: json.loads(home.run("status", "-o", "json").stdout)["queues"])
        assert daemon.terminate() == 0
    assert len(home.logged("queue_failing")) == 1
    assert len(sqs.asked) < 10
    assert home.logged("bug") == []
