"""The doorman of AWS against a simulated Bedrock: what each misfortune is called, and how often it is tried again.

Nobody sleeps here: the waits between tries are written down instead.
"""

from __future__ import annotations

import pytest
import support_client
import support_simulator as support
from support_client import get, refusal, using
from support_simulator import Clock

from watcher.bedrock import client
from watcher.bedrock.client import TRIES, Look
from watcher.errors import LookError, LookFault
from watcher.simulator import Fault, Kind, Simulator, distillation, fine_tuning

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
environment = pytest.fixture(autouse=True)(support_client.nobodys_credentials)
waits = pytest.fixture(autouse=True)(support_client.waits)


@pytest.mark.parametrize(
    ("kind", "fault", "code", "remedy"),
    [
        (Kind.THROTTLED, LookFault.THROTTLED, "ThrottlingException", "asked again more slowly"),
        (Kind.INTERNAL, LookFault.SERVER, "InternalServerException", "asked again by itself"),
        (Kind.UNAVAILABLE, LookFault.SERVER, "ServiceUnavailableException", "asked again by itself"),
        (Kind.HTML_BAD_GATEWAY, LookFault.SERVER, "HTTP 502", "bedrock-watch retries"),
        (Kind.HANG, LookFault.NETWORK, "ReadTimeoutError", "check the region, the network, and any proxy"),
    ],
)
def test_a_lasting_blip_ends_after_three_tries(
    simulator: Simulator, endpoint: str, waits: list[float], kind: Kind, fault: LookFault, code: str, remedy: str
) -> None:
    simulator.play(fine_tuning())
    simulator.inject(Fault(kind=kind))
    error = refusal(endpoint, read_timeout=0.1)
    assert (error.fault, error.code) == (fault, code)
    assert remedy in error.remedy
    assert simulator.counts == {"Get": TRIES}
    assert len(waits) == TRIES - 1
    assert all(wait > 0 for wait in waits)


def test_a_connection_that_is_reset_again_and_again_ends_after_three_tries_too(
    simulator: Simulator, endpoint: str, waits: list[float]
) -> None:
    """Each try may be two requests: aiohttp asks once more by itself, at once, when a connection was torn down."""
    simulator.play(fine_tuning())
    simulator.inject(Fault(kind=Kind.RESET))
    error = refusal(endpoint)
    assert error.fault is LookFault.NETWORK
    assert "check the region, the network, and any proxy" in error.remedy
    assert len(waits) == TRIES - 1
    assert simulator.counts["Get"] <= 2 * TRIES


@pytest.mark.parametrize("kind", [Kind.THROTTLED, Kind.INTERNAL, Kind.UNAVAILABLE, Kind.RESET, Kind.HTML_BAD_GATEWAY])
def test_a_single_blip_is_healed_within_one_call(simulator: Simulator, endpoint: str, kind: Kind) -> None:
    simulator.play(fine_tuning())
    simulator.inject(Fault(kind=kind, count=1))
    assert get(endpoint).facts["jobName"] == "titan-tickets-v7"
    assert simulator.counts == {"Get": 2}


@pytest.mark.parametrize(
    ("kind", "fault", "code", "remedy"),
    [
        (Kind.DENIED, LookFault.DENIED, "AccessDeniedException", "allow bedrock:GetModelCustomizationJob to the default"),
        (Kind.EXPIRED_TOKEN, LookFault.CREDENTIALS, "ExpiredTokenException", "put fresh credentials in place"),
        (Kind.UNRECOGNIZED_CLIENT, LookFault.CREDENTIALS, "UnrecognizedClientException", "check the default credentials"),
        (Kind.INVALID_SIGNATURE, LookFault.CREDENTIALS, "InvalidSignatureException", "this machine's clock"),
        (Kind.NOT_FOUND, LookFault.NOT_FOUND, "ResourceNotFoundException", "check the identifier, the account and the region"),
        (Kind.HTML_OK, LookFault.ENDPOINT, "NotAnAwsAnswer", "endpoint_url"),
        (Kind.MALFORMED, LookFault.MALFORMED, "MalformedResponse", "asks again soon"),
        (Kind.TRUNCATED, LookFault.MALFORMED, "MalformedResponse", "asks again soon"),
        (Kind.WRONG_TYPE, LookFault.ENDPOINT, "NotAnAwsAnswer", "endpoint_url"),
    ],
)  # fmt: skip
def test_what_another_try_would_not_heal_is_tried_once(
    simulator: Simulator, endpoint: str, kind: Kind, fault: LookFault, code: str, remedy: str
) -> None:
    simulator.play(fine_tuning())
    simulator.inject(Fault(kind=kind))
    error = refusal(endpoint)
    assert (error.fault, error.code) == (fault, code)
    assert error.reason
    assert remedy in error.remedy
    assert simulator.counts == {"Get": 1}


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (Kind.HTML_OK, LookFault.ENDPOINT),
        (Kind.WRONG_TYPE, LookFault.ENDPOINT),
        (Kind.MALFORMED, LookFault.MALFORMED),
        (Kind.TRUNCATED, LookFault.MALFORMED),
    ],
)
def test_a_page_that_is_not_one_is_not_read(simulator: Simulator, endpoint: str, kind: Kind, fault: LookFault) -> None:
    simulator.play(fine_tuning())
    simulator.inject(Fault(kind=kind, operation="List"))
    with pytest.raises(LookError) as caught:
        using(endpoint, lambda look: look.page(0, None))
    assert caught.value.fault is fault


def test_a_row_whose_status_is_no_text_is_left_out_of_its_page(simulator: Simulator, endpoint: str) -> None:
    simulator.play(fine_tuning())
    simulator.inject(Fault(kind=Kind.WRONG_STATUS, operation="List"))
    page = using(endpoint, lambda look: look.page(0, None))
    assert (page.summaries, len(page.unreadable)) == ([], 1)


def test_retry_after_is_honoured_in_the_call_as_long_as_the_call_may_last(
    simulator: Simulator, endpoint: str, waits: list[float]
) -> None:
    simulator.play(fine_tuning())
    simulator.inject(Fault(kind=Kind.THROTTLED, retry_after=4, count=1))
    get(endpoint)
    assert waits == [4.0]


def test_a_longer_retry_after_is_left_to_the_next_turn(simulator: Simulator, endpoint: str, waits: list[float]) -> None:
    """The error says how long AWS asked to wait; nobody waits in the call."""
    simulator.play(fine_tuning())
    simulator.inject(Fault(kind=Kind.THROTTLED, retry_after=30))
    error = refusal(endpoint)
    assert error.retry_after == 30
    assert (simulator.counts, waits) == ({"Get": 1}, [])


def test_an_endpoint_where_nobody_listens_is_a_fault_of_the_network() -> None:
    error = refusal("http://127.0.0.1:9")
    assert (error.fault, error.code) == (LookFault.NETWORK, "EndpointConnectionError")


def test_pages_are_asked_for_newest_first_and_from_the_oldest_watched_job_on(
    simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    simulator.play(fine_tuning("too-old"))
    clock.now += 3600
    arns = [simulator.play(distillation(f"nova-{number}")) for number in range(3)]

    page = using(endpoint, lambda look: look.page(clock.now - 1, None))
    assert {summary.arn for summary in page.summaries} == set(arns)
    assert page.token is None
    (request,) = simulator.requests
    assert "maxResults=1000&" in request.what
    assert "sortOrder=Descending" in request.what


def test_a_page_goes_on_where_the_one_before_it_ended(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, endpoint: str
) -> None:
    arns = {simulator.play(distillation(f"nova-{number}")) for number in range(3)}
    monkeypatch.setattr(client, "PAGE", 2)

    async def both(look: Look) -> list[str]:
        first = await look.page(0, None)
        second = await look.page(0, first.token)
        assert second.token is None
        return [one.arn for page in (first, second) for one in page.summaries]

    found = using(endpoint, both)
    assert (len(found), set(found)) == (3, arns)


def test_a_proxy_is_used_for_aws(monkeypatch: pytest.MonkeyPatch, simulator: Simulator, endpoint: str) -> None:
    """The proxy here is the simulator itself, which is asked for the absolute URL of a host that does not exist."""
    simulator.play(fine_tuning())
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", endpoint)
    monkeypatch.setenv("http_proxy", endpoint)
    assert get("http://bedrock.invalid").facts["status"] == "InProgress"
