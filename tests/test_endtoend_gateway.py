"""The installed daemon behind proxies and gateways that answer in AWS's place: told once, believed never."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import WebReceiver, web_receiver
from support_simulator import NOON, Clock

from watcher.simulator import Fault, Kind, Simulator, distillation, failing
from watcher.simulator.gateways import ANSWERS

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

MINUTE = 60.0
COUNT = 12
AT_A_ROUND = 3 * (1 + 8)
"""Requests of one round in an outage: a List and a few Gets, each tried three times."""


@pytest.fixture
def hook() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


def told(hook: WebReceiver) -> list[str]:
    """Return the titles that arrived."""
    return [alert.title for alert in posted(hook)]


def seen(home: Home) -> int:
    """Return how many jobs have been seen."""
    ((count,),) = home.query("SELECT count(*) FROM jobs WHERE version > 0")
    assert isinstance(count, int)
    return count


def many(simulator: Simulator, count: int = COUNT) -> list[str]:
    """Begin so many jobs, which will fail."""
    return [simulator.play(failing(f"nova-{number:02}")) for number in range(count)]


@pytest.mark.parametrize("kind", [*ANSWERS, Kind.INTERNAL, Kind.DENIED, Kind.RESET])
def test_what_answers_in_aws_s_place_is_one_alert_for_all_jobs_and_nothing_is_made_of_it(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, kind: str
) -> None:
    jobs = many(simulator)
    home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, poll='blind_after = "500ms"')
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == COUNT)
        simulator.inject(Fault(kind=Kind(kind)))
        daemon.wait_for(lambda: hook.requests)
        ((failures,),) = home.query("SELECT failures FROM scopes")
        asked = simulator.counts.total()
        daemon.wait_for(lambda: home.query("SELECT failures > ? FROM scopes", failures + 1) == [(1,)])
        assert simulator.counts.total() - asked <= 2 * (3 * AT_A_ROUND)  # a reset is asked twice, by aiohttp itself
        (title,) = told(hook)
        assert title.startswith("[bedrock] CANNOT WATCH ")
        assert home.query("SELECT DISTINCT state FROM jobs") == [("running",)]
        clock.now = NOON + 91 * MINUTE
        simulator.clear()
        daemon.wait_for(lambda: len(hook.requests) == 2 + COUNT)
        assert daemon.terminate() == 0
    assert sorted(one.split()[1] for one in told(hook)) == ["CANNOT", *["FAILED"] * COUNT, "WATCHING"]
    assert home.logged("bug") == []
    assert len(home.logged("scope_failing")) == len(home.logged("scope_works_again")) == 1
    # Those alone that were asked for in the very turn in which it began, when others had been answered already.
    assert len(home.logged("job_failing")) < COUNT


def test_a_gateway_from_the_start_on_finds_no_job_missing(
    tmp_path: Path, simulator: Simulator, endpoint: str, hook: WebReceiver
) -> None:
    jobs = many(simulator)
    simulator.inject(Fault(kind=Kind.HTML_NOT_FOUND))
    home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, poll='blind_after = "500ms"')
    with home.running() as daemon:
        daemon.wait_for(lambda: hook.requests)
        simulator.clear()
        daemon.wait_for(lambda: seen(home) == COUNT)
        assert daemon.terminate() == 0
    (lost, _) = posted(hook)
    assert "HTTP 404: not an answer of AWS's" in lost.body
    assert "endpoint_url" in lost.body
    assert "identifier" not in lost.body


@pytest.mark.parametrize(
    "kind", [Kind.NOT_UTF8, Kind.HTML_OK, Kind.HTML_NOT_FOUND, Kind.NESTED_BAD_REQUEST, Kind.INTERNAL]
)
def test_one_job_s_answers_are_its_own_trouble(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, kind: Kind
) -> None:
    jobs = many(simulator)
    home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, poll='blind_after = "1h"')
    simulator.inject(Fault(kind=kind, operation="Get", job="nova-07"))
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == COUNT - 1)
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE failures > 1"))
        assert home.logged("scope_failing") == []  # later that job is all that the scope has
        clock.now = NOON + 91 * MINUTE
        daemon.wait_for(lambda: len(hook.requests) == COUNT - 1)
        simulator.clear()
        daemon.wait_for(lambda: len(hook.requests) == COUNT)
        assert daemon.terminate() == 0
    assert {title.split()[1] for title in told(hook)} == {"FAILED"}
    assert home.logged("bug") == []


def test_a_get_that_hangs_delays_the_alert_of_no_other_job(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """The patience for a Get is longer here than the test's own."""
    jobs = many(simulator, 40)
    home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, aws='read_timeout = "120s"')
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == len(jobs))
        simulator.inject(Fault(kind=Kind.HANG, operation="Get", job="nova-0"))
        clock.now = NOON + 91 * MINUTE
        # Alerts that come all at once may be sent as one, so that the events are counted.
        daemon.wait_for(lambda: sum("failed" in line["what"] for line in home.logged("news")) == len(jobs) - 10)
        daemon.wait_for(lambda: hook.requests)
        assert daemon.terminate() == 0
    assert home.logged("scope_failing") == []


def test_a_list_whose_token_comes_again_is_read_no_further(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    jobs = many(simulator)
    home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)})
    simulator.inject(Fault(kind=Kind.LOOPING_TOKEN))
    rule = '[[discover]]\nname = "all"\naccount = "123456789012"\nregions = ["us-east-1"]\n'
    home.more = rule
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == COUNT and home.logged("finding_fails"))
        lists, gets = simulator.counts["List"], simulator.counts["Get"]
        daemon.wait_for(lambda: simulator.counts["Get"] > gets + 5 * COUNT)
        assert simulator.counts["List"] - lists < 3 * (simulator.counts["Get"] - gets)
        clock.now = NOON + 91 * MINUTE
        daemon.wait_for(lambda: len(hook.requests) == COUNT)
        assert daemon.terminate() == 0
    assert len(home.logged("finding_fails")) == 1
    assert "the same nextToken" in home.logged("finding_fails")[0]["error"]


@pytest.mark.parametrize("kind", [Kind.NULL_MEMBERS, Kind.ODD_ROWS])
def test_rows_of_list_that_are_odd_hide_no_other_row(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, kind: Kind
) -> None:
    """A rule finds a job among them, the watched ones are polled, and discover lists them."""
    simulator.inject(Fault(kind=kind))
    rule = '[[discover]]\nname = "all"\naccount = "123456789012"\nregions = ["us-east-1"]\n'
    arn = simulator.play(distillation())
    home = Home(tmp_path, endpoint, (), {"hook": hook_url(hook)}, more=rule)
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT arn FROM jobs WHERE version > 0") == [(arn,)])
        found = home.run("discover")
        assert found.returncode == 0, found.stderr
        assert ("left out" in found.stderr) == (kind is Kind.ODD_ROWS)
        assert daemon.terminate() == 0
    assert len(home.logged("list_rows_unreadable")) == (1 if kind is Kind.ODD_ROWS else 0)
    assert home.logged("bug") == []
