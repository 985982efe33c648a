"""A bug that one input triggers ends the daemon three times; the fourth process alerts first, and goes on without it.

The bug is planted into the installed program by its test alone (``sitecustomize`` of the process).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import support_simulator as support
from support_daemon import DEADLINE, Home, hook_url, posted
from support_receivers import WebReceiver, web_receiver
from support_simulator import Clock

from watcher.simulator import Simulator, distillation, failing

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

POISONED_JOB = """
import watcher.sweep.group as group
whole = group.sight
def sight(how, job, *rest):
    if "nova-legal-v1" in (job.name, rest[0].facts.get("jobName")):
        raise KeyError("planted")
    return whole(how, job, *rest)
group.sight = sight
"""
POISONED_MESSAGE = """
import watcher.channels.channel as channel
whole = channel.AppriseChannel.send
def send(self, message):
    if "nova-legal-v1" in message.title:
        raise RuntimeError("planted")
    return whole(self, message)
channel.AppriseChannel.send = send
"""
POISONED_LIST = """
import watcher.sweep.pages as pages
def mark(summary):
    raise IndexError("planted")
pages.summary_hash = mark
"""
HEALTHY, POISONED = "nova-support-v3", "nova-legal-v1"


def crash(home: Home, times: int = 1) -> None:
    """Run the daemon until the planted bug ends it, so many times."""
    for _ in range(times):
        with (home.directory / "daemon.log").open("ab") as log:
            env = home.environment() | home.operations().environment
            ended = subprocess.run(home.command("run"), stdout=log, stderr=log, env=env, timeout=DEADLINE, check=False)
        assert ended.returncode == 70, home.words()


def status(home: Home) -> dict[str, Any]:
    """Return what ``status`` says, as JSON."""
    found: dict[str, Any] = json.loads(home.run("status", "-o", "json").stdout)
    return found


def of_crashes(hook: WebReceiver) -> list[str]:
    return [alert.title for alert in posted(hook) if "CRASHED" in alert.title]


def test_a_job_that_crashes_the_daemon_three_times_is_set_aside_and_the_others_go_on(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """Also: the alert is the first message; status names everything; ``quarantine retry`` and a mended bug bring it back."""
    jobs = [simulator.play(failing()), simulator.play(distillation())]
    number = jobs[0].rpartition("/")[2]  # its name was never read
    with web_receiver() as hook:
        home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, hook=POISONED_JOB)
        crash(home, 3)
        assert of_crashes(hook) == []
        clock.now += 4 * 3600
        before = len(hook.requests)
        with home.running() as daemon:
            daemon.wait_for(lambda: f"COMPLETED {HEALTHY}" in str([alert.title for alert in posted(hook)]))
            first = posted(hook)[before]
            assert first.title.startswith("[bedrock] CRASHED bedrock-watch on ")
            assert first.title.endswith(": 3 times")
            assert f"It was polling job {number}." in first.body
            assert f"Quarantined: job {number}." in first.body
            assert "KeyError: 'planted'" in first.body
            found = status(home)
            assert found["crashes"]["total"] == 3
            assert found["crashes"]["last"]["doing"] == f"polling job {number}"
            (set_aside,) = found["quarantined"]
            assert set_aside["title"] == f"job {number}"
            words = home.run("status").stdout
            assert f"bedrock-watch quarantine retry {set_aside['input']}" in words
            assert "3 in all, 3 within a day" in words
            assert set_aside["input"] in home.run("quarantine").stdout
            assert daemon.terminate() == 0
        assert len(of_crashes(hook)) == 1
        mended = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)})
        with mended.running() as daemon:
            assert mended.run("quarantine", "retry", set_aside["input"]).returncode == 0
            daemon.wait_for(lambda: f"FAILED {POISONED}" in str([alert.title for alert in posted(hook)]))
            assert status(mended)["quarantined"] == []
            assert daemon.terminate() == 0


def test_a_message_that_crashes_the_daemon_is_set_aside_and_the_channel_goes_on(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    jobs = [simulator.play(failing()), simulator.play(distillation())]
    clock.now += 4 * 3600
    with web_receiver() as hook:
        home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, hook=POISONED_MESSAGE)
        crash(home, 3)
        with home.running() as daemon:
            daemon.wait_for(lambda: f"COMPLETED {HEALTHY}" in str([alert.title for alert in posted(hook)]))
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM deliveries WHERE state = 'dead'") == [(1,)])
            ((number, error),) = home.query("SELECT id, last_error FROM deliveries WHERE state = 'dead'")
            assert "RuntimeError: planted" in error
            assert f"delivery/{number}" in home.run("quarantine", "-o", "json").stdout
            assert daemon.terminate() == 0
        assert len(of_crashes(hook)) == 1
        assert f"message {number} for channel hook" in posted(hook)[-1].body + str([a.body for a in posted(hook)])
        mended = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)})
        with mended.running() as daemon:
            assert mended.run("deliveries", "retry", str(number)).returncode == 0
            daemon.wait_for(lambda: f"FAILED {POISONED}" in str([alert.title for alert in posted(hook)]))
            assert status(mended)["quarantined"] == []
            assert daemon.terminate() == 0


def test_a_list_that_crashes_the_daemon_is_replaced_by_a_get_of_each_job(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    jobs = [simulator.play(make()) for make in (failing, distillation, distillation, distillation)]
    with web_receiver() as hook:
        home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, hook=POISONED_LIST)
        crash(home, 3)
        clock.now += 4 * 3600
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT DISTINCT state FROM jobs") == [("ended",)])
            assert daemon.terminate() == 0
    assert len(of_crashes(hook)) == 1


def test_a_new_version_tries_what_an_old_one_has_set_aside(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """The version is that of the program; the test runs it as another one."""
    jobs = [simulator.play(failing())]
    with web_receiver() as hook:
        old = 'import watcher\nwatcher.__version__ = "0.0.1"\n' + POISONED_JOB
        home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)}, hook=old)
        crash(home, 3)
        with home.running() as daemon:
            daemon.wait_for(lambda: of_crashes(hook))
            assert daemon.terminate() == 0
        clock.now += 4 * 3600
        mended = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)})
        with mended.running() as daemon:
            daemon.wait_for(lambda: f"FAILED {POISONED}" in str([alert.title for alert in posted(hook)]))
            assert daemon.terminate() == 0
    assert mended.logged("quarantine_released")


@pytest.mark.parametrize(
    "hostile", ["[" * 100_000, "{}", '{"total": "x", "crashes": [1, {"id": 2}]}', "\x00" * 2_000_000]
)
def test_a_forged_record_of_crashes_breaks_nothing(
    tmp_path: Path, simulator: Simulator, endpoint: str, hostile: str
) -> None:
    home = Home(tmp_path, endpoint, [simulator.play(failing())])
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "crashes.json").write_text(hostile)
    with home.running() as daemon:
        assert home.run("status").returncode == 0
        assert daemon.terminate() == 0


def test_a_fifo_or_a_link_in_the_place_of_the_record_is_not_opened(
    tmp_path: Path, simulator: Simulator, endpoint: str
) -> None:
    home = Home(tmp_path, endpoint, [simulator.play(failing())], hook=POISONED_JOB)
    record, victim = tmp_path / "state" / "crashes.json", tmp_path / "victim"
    record.parent.mkdir()
    os.mkfifo(record)
    crash(home)
    assert status(home)["crashes"]["total"] == 1
    record.unlink()
    victim.write_text("mine")
    record.symlink_to(victim)
    crash(home)
    assert victim.read_text() == "mine"
    assert status(home)["crashes"]["total"] == 1
