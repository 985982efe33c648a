"""The simulated Bedrock beside a test that does not await, and a botocore client that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import botocore.exceptions
import botocore.session
import pytest
from anyio.from_thread import start_blocking_portal
from botocore import UNSIGNED
from botocore.config import Config

from watcher.bedrock.sessions import MODELS
from watcher.simulator import Simulator

NOON = datetime(2025, 6, 2, 12, tzinfo=UTC).timestamp()
SESSION = botocore.session.Session()
EXTENDED = botocore.session.Session()
"""botocore with what we tell it of the operations that it does not know yet."""

EXTENDED.get_component("data_loader").search_paths.append(str(MODELS))


class Bedrock(Protocol):
    """What is used of botocore's client, which is made at run time and has no types."""

    get_model_customization_job: Callable[..., dict[str, Any]]
    list_model_customization_jobs: Callable[..., dict[str, Any]]
    get_paginator: Callable[[str], Any]
    exceptions: Any


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        """Return epoch seconds."""
        return self.now


@contextmanager
def running(simulator: Simulator) -> Iterator[str]:
    """Serve *simulator* from a thread with an event loop of its own, and yield the endpoint's URL."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(simulator.serve()) as endpoint:
        yield endpoint


@contextmanager
def client(
    endpoint: str, *, region: str = "us-east-1", account: str = "", signed: bool = True, read_timeout: float = 1
) -> Iterator[Bedrock]:
    """Yield a botocore client of one region, and of one account if given, which tries once."""
    made = EXTENDED.create_client(
        "bedrock",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=f"AKIA{account}" if account else "testing",
        aws_secret_access_key="testing",
        config=Config(
            signature_version="v4" if signed else UNSIGNED,
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=read_timeout,
        ),
    )
    try:
        yield made
    finally:
        made.close()


def clock() -> Clock:
    """A fixture: noon, and it stands."""
    return Clock()


def simulator(clock: Clock) -> Simulator:
    """A fixture: a simulator by that clock."""
    return Simulator(clock=clock)


def endpoint(simulator: Simulator) -> Iterator[str]:
    """A fixture: the URL where that simulator is served."""
    with running(simulator) as url:
        yield url


def bedrock(endpoint: str) -> Iterator[Bedrock]:
    """A fixture: a signed client of us-east-1 at that URL."""
    with client(endpoint) as made:
        yield made


def get(bedrock: Bedrock, identifier: str) -> dict[str, Any]:
    """Return what a Get answers, as botocore parses it, without its own notes."""
    response = bedrock.get_model_customization_job(jobIdentifier=identifier)
    del response["ResponseMetadata"]
    return response


def names(bedrock: Bedrock, **filters: object) -> list[str]:
    """Return the names on one page of a List."""
    page = bedrock.list_model_customization_jobs(**filters)
    return [summary["jobName"] for summary in page["modelCustomizationJobSummaries"]]


def code(ask: Callable[[], object]) -> tuple[str, int]:
    """Return the error code and HTTP status of the ClientError that *ask* must raise."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        ask()
    response: Any = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
