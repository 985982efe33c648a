"""The simulator's control obeys the person at the machine, and no web page."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from support_simulator import running

from watcher.simulator import Simulator, fine_tuning

JSON = {"Content-Type": "application/json"}
FAULT = json.dumps({"kind": "throttled", "count": 1})


@pytest.fixture
def simulator() -> Simulator:
    """A simulator with a job that runs."""
    made = Simulator()
    made.play(fine_tuning("nova", speed=1))
    return made


@pytest.fixture
def port(simulator: Simulator) -> Iterator[int]:
    """Where it is served."""
    with running(simulator) as url:
        port = urlsplit(url).port
        assert port
        yield port


def ask(port: int, method: str, path: str, body: str | None = None, **headers: str) -> int:
    """Return the status of one request; a header's ``_`` is a dash."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        return connection.getresponse().status
    finally:
        connection.close()


CALLS = [
    ("POST", "/_simulator/faults", FAULT),
    ("DELETE", "/_simulator/faults", None),
    ("POST", "/_simulator/jobs", '{"scenario": "queued"}'),
    ("POST", "/_simulator/jobs/nova/stop", None),
    ("GET", "/_simulator/jobs", None),
    ("GET", "/_simulator/requests", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost.evil.example:80"},
        {"Host": "10.0.0.1"},
    ],
)
def test_a_page_of_a_browser_is_not_obeyed(
    port: int, simulator: Simulator, method: str, path: str, body: str | None, headers: dict[str, str]
) -> None:
    before = len(simulator.jobs)
    assert ask(port, method, path, body, Content_Type="application/json", **headers) == 403
    assert len(simulator.jobs) == before
    assert simulator.jobs[0].status(simulator.clock()) == "InProgress"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_a_form_can_send_is_not_obeyed(port: int, kind: str) -> None:
    headers = {"Content_Type": kind} if kind else {}
    assert ask(port, "POST", "/_simulator/faults", FAULT, **headers) == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_the_person_at_the_machine_is(port: int, host: str) -> None:
    for method, path, body in CALLS:
        status = ask(
            port, method, path, body, Host=f"{host}:{port}", **({"Content_Type": "application/json"} if body else {})
        )
        assert status in (200, 201), path


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "1e9", "x", ""])
def test_a_time_that_is_none_stops_nothing(port: int, simulator: Simulator, seconds: str) -> None:
    assert ask(port, "POST", f"/_simulator/jobs/nova/stop?seconds={seconds}") == 400
    assert simulator.jobs[0].status(simulator.clock()) == "InProgress"


@pytest.mark.parametrize(
    "body", ["null", "[]", "{", '{"kind": "throttled", "count": -1e999}', '{"kind": []}', "\ufeff{}"]
)
def test_a_body_that_is_no_order_is_refused(port: int, body: str) -> None:
    assert (
        ask(port, "POST", "/_simulator/faults", body.encode().decode("latin-1"), Content_Type="application/json") == 400
    )
