"""What the daemon makes of an AWS that refuses, hangs, lags or talks in words that nobody knows yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import WebReceiver, web_receiver
from support_simulator import NOON, Clock

from watcher.simulator import Fault, Kind, Simulator, distillation, failing, fine_tuning, queued, stopped

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

COMPLETED = "[bedrock] COMPLETED titan-tickets-v7 after 1h50m"


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


def test_a_region_that_hangs_delays_no_job_of_another(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """Nor does it delay the end: nobody waits for an answer that is not needed any more."""
    jobs = [simulator.play(failing(region="eu-west-1")), simulator.play(fine_tuning())]
    home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, aws='read_timeout = "120s"')
    simulator.inject(Fault(kind=Kind.HANG, region="eu-west-1"))
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == 1 and any(request.fault for request in tuple(simulator.requests)))
        clock.now = NOON + 111 * 60
        daemon.wait_for(lambda: told(hook) == [COMPLETED])
        assert daemon.terminate() == 0
    assert [request.region for request in simulator.requests if request.fault] == ["eu-west-1"]


def test_credentials_that_expire_are_told_once_for_all_jobs_and_so_is_their_return(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """And what happened in between is told then."""
    jobs = [simulator.play(make()) for make in (distillation, failing, fine_tuning)]
    home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, poll='blind_after = "100ms"')
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == 3)
        simulator.inject(Fault(kind=Kind.EXPIRED_TOKEN))
        clock.now = NOON + 111 * 60
        daemon.wait_for(lambda: hook.requests)
        ((failures,),) = home.query("SELECT failures FROM scopes")
        daemon.wait_for(lambda: home.query("SELECT failures > ? FROM scopes", failures) == [(1,)])
        (lost,) = posted(hook)
        simulator.clear()
        daemon.wait_for(lambda: len(hook.requests) >= 5)
        assert daemon.terminate() == 0
    assert lost.title.startswith("[bedrock] CANNOT WATCH jobs of account 123456789012 since ")
    assert "ExpiredTokenException: The security token included in the request is expired" in lost.body
    assert "What to do: put fresh credentials in place" in lost.body
    assert all(name in lost.body for name in ("nova-support-v3", "nova-legal-v1", "titan-tickets-v7"))
    assert sorted(title.split()[1] for title in told(hook)) == ["CANNOT", "COMPLETED", "FAILED", "STARTED", "WATCHING"]
    assert any(title.startswith("[bedrock] WATCHING AGAIN jobs of account 123456789012 ") for title in told(hook))
    assert home.query("SELECT count(*) FROM scopes") == [(0,)]
    assert len(home.logged("credentials_failing")) == len(home.logged("credentials_work_again")) == 1


def test_words_that_nobody_knows_yet_are_told_and_kept(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """A sub-task, members and a status that the SDK does not know: told, stored as they came, and never an ending."""
    home = Home(tmp_path, endpoint, [simulator.play(fine_tuning())], {"hook": hook_url(hook)})
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == 1)
        simulator.inject(Fault(kind=Kind.UNKNOWN_MEMBERS))
        daemon.wait_for(lambda: len(hook.requests) == 1)
        ((response,),) = home.query("SELECT response FROM snapshots")
        simulator.clear()
        simulator.inject(Fault(kind=Kind.UNKNOWN_STATUS))
        daemon.wait_for(lambda: len(hook.requests) == 2)
        assert home.query("SELECT state FROM jobs") == [("running",)]
        simulator.clear()
        clock.now = NOON + 111 * 60
        daemon.wait_for(lambda: told(hook)[-1] == COMPLETED)
        assert daemon.terminate() == 0
    first, second = posted(hook)[:2]
    assert first.title == "[bedrock] STARTED titan-tickets-v7 (evaluation)"
    assert "evaluation: new -> InProgress at 2025-06-02 12:00:00 UTC" in first.body
    assert json.loads(response)["carbonFootprint"] == {"gramsOfCarbonDioxide": 512}
    assert "rftConfig" in json.loads(response)["customizationConfig"]
    assert second.title == "[bedrock] HIBERNATING titan-tickets-v7 (evaluation) after 0s"
    assert "Job: InProgress -> Hibernating" in second.body


def test_answers_that_cannot_be_read_disturb_no_other_job(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """Each is its own job's error, and is asked for again; the region as a whole is not in trouble."""
    kinds = (Kind.HTML_OK, Kind.MALFORMED, Kind.TRUNCATED, Kind.WRONG_TYPE)
    bad = [simulator.play(failing(f"nova-{number}")) for number in range(len(kinds))]
    good = [simulator.play(fine_tuning()), simulator.play(queued())]
    home = Home(tmp_path, endpoint, [*bad, *good], {"hook": hook_url(hook)})
    for number, kind in enumerate(kinds):
        simulator.inject(Fault(kind=kind, operation="Get", job=f"nova-{number}"))
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT min(failures) > 1 FROM jobs WHERE version = 0") == [(1,)])
        clock.now = NOON + 111 * 60
        daemon.wait_for(lambda: told(hook) == [COMPLETED])
        simulator.clear()
        daemon.wait_for(lambda: len(hook.requests) == 1 + len(bad))
        assert daemon.terminate() == 0
    failed = {f"[bedrock] FAILED nova-{number} (training) after 1h30m" for number in range(len(kinds))}
    assert set(told(hook)) == {COMPLETED, *failed}
    assert sorted(line["job"] for line in home.logged("job_failing")) == sorted(bad)
    assert len(home.logged("job_works_again")) == len(bad)
    assert home.logged("scope_failing") == []


def test_where_list_is_denied_each_job_is_asked_for_by_get(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """It is tried once, logged once with the permission to add, and told nobody: nothing is missed."""
    jobs = [simulator.play(make()) for make in (distillation, failing, fine_tuning)]
    home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)})
    simulator.inject(Fault(kind=Kind.DENIED, operation="List"))
    with home.running() as daemon:
        # List is not asked before three jobs happen to be due together.
        daemon.wait_for(lambda: simulator.counts["List"] and simulator.counts["Get"] >= 15)
        clock.now = NOON + 5 * 60
        daemon.wait_for(lambda: len(hook.requests) == 3)
        assert daemon.terminate() == 0
    assert simulator.counts["List"] == 1
    (line,) = home.logged("list_failed")
    assert line["remedy"].startswith(
        "allow bedrock:ListModelCustomizationJobs to the default credentials (bedrock-watch"
    )


def test_while_nothing_moves_one_list_is_all_that_is_asked_and_nothing_is_written(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """Four running jobs, eight sweeps: no Get, and the database is as it was, to the byte of its log."""
    jobs = [simulator.play(make()) for make in (distillation, failing, fine_tuning, stopped)]
    home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)})
    with home.running() as daemon:
        # On a slow machine jobs may be due apart at first, and are got: until one List has looked at all of them.
        daemon.wait_for(lambda: [one.operation for one in tuple(simulator.requests)[-3:]] == ["List"] * 3)
        gets = simulator.counts["Get"]
        with closing(home.connect()) as database:
            before = database.execute("PRAGMA data_version").fetchone()
            enough = simulator.counts["List"] + 8
            daemon.wait_for(lambda: simulator.counts["List"] >= enough)
            assert database.execute("PRAGMA data_version").fetchone() == before
        assert simulator.counts["Get"] == gets
        clock.now = NOON + 5 * 60
        daemon.wait_for(lambda: len(hook.requests) == 4)
        assert daemon.terminate() == 0


def test_a_job_that_aws_no_longer_finds_is_lost_sight_of_once(
    tmp_path: Path, simulator: Simulator, endpoint: str, hook: WebReceiver
) -> None:
    home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == 1)
        simulator.inject(Fault(kind=Kind.NOT_FOUND))
        daemon.wait_for(lambda: hook.requests)
        assert daemon.terminate() == 0
    assert told(hook) == ["[bedrock] LOST SIGHT OF nova-legal-v1"]
    assert home.query("SELECT state, failures FROM jobs") == [("vanished", 3)]
