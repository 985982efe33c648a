"""Alerts that are held back, folded, given up and revived, by the installed program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import Reply, WebReceiver, web_receiver
from support_simulator import NOON, Clock

from watcher.simulator import Simulator, failing, fine_tuning

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)


@pytest.fixture
def hook() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


def test_a_corrected_configuration_revives_what_was_dead_for_it(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """A web hook that answers 404 is given up at once and told elsewhere; the right one gets what the wrong one missed."""
    with web_receiver() as wrong:
        wrong.reply = Reply(status=404, body="no such hook")
        home = Home(tmp_path, endpoint, [simulator.play(failing())], {"ops": hook_url(wrong), "spare": hook_url(hook)})
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(1,)])
            clock.now = NOON + 91 * 60
            daemon.wait_for(lambda: len(hook.requests) == 2)
            assert daemon.terminate() == 0
    told = {alert.title: alert.body for alert in posted(hook)}
    assert "404" in told["[bedrock] UNDELIVERED to channel ops"]
    assert home.query("SELECT result, reason LIKE '%no such hook%' FROM attempts WHERE result != 'sent'") == [
        ("refused", 1)
    ]
    with web_receiver() as right:
        mended = replace(home, channels={"ops": hook_url(right), "spare": hook_url(hook)})
        with mended.running() as daemon:
            daemon.wait_for(lambda: len(right.requests) == 1)
            assert daemon.terminate() == 0
        (late,) = posted(right)
    assert late.title == "[bedrock] FAILED nova-legal-v1 (training) after 1h30m"
    assert "Late: this was given up and is sent again" in late.body
    assert len(hook.requests) == 2
    assert home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)]


def test_a_burst_is_one_summary_that_names_every_job(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    jobs = [simulator.play(fine_tuning(f"job-{number:02}")) for number in range(12)]
    home = Home(tmp_path, endpoint, jobs, {"ops": hook_url(hook)}, channel='burst = 3\non = ["completed"]')
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(12,)])
        clock.now = NOON + 111 * 60
        daemon.wait_for(lambda: home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)])
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM deliveries") == [(12,)])
        daemon.wait_for(lambda: home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)])
        assert daemon.terminate() == 0
    text = "\n".join(f"{alert.title}\n{alert.body}" for alert in posted(hook))
    assert all(f"COMPLETED job-{number:02}" in text for number in range(12))
    assert len(hook.requests) < 12
    assert any("messages about" in alert.title for alert in posted(hook))


def test_jobs_go_where_they_are_routed(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    jobs = [simulator.play(failing("nova-a")), simulator.play(failing("titan-b", region="eu-west-1"))]
    home = Home(
        tmp_path, endpoint, jobs, {"ops": hook_url(hook)}, channel='names = ["titan-*"]\nregions = ["eu-west-1"]'
    )
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(2,)])
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE state = 'ended'") == [(2,)])
        daemon.wait_for(lambda: len(hook.requests) == 1)
        assert daemon.terminate() == 0
    assert {alert.job for alert in posted(hook)} == {"titan-b"}


def test_a_configuration_that_changed_under_the_daemon_is_told(
    tmp_path: Path, simulator: Simulator, endpoint: str, hook: WebReceiver
) -> None:
    """A test message goes by the daemon's configuration, and must not be taken for a test of the new one."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())], {"ops": hook_url(hook)})
    with home.running() as daemon:
        os.utime(tmp_path / "config.toml", (1, 1))
        config = str(tmp_path / "config.toml")
        run = [sys.executable, "-m", "watcher", "--config", config, "status"]
        calm = subprocess.run(run, capture_output=True, text=True, check=False)
        os.utime(config, (4e9, 4e9))
        told = subprocess.run(run, capture_output=True, text=True, check=False)
        assert daemon.terminate() == 0
    assert "has changed since the daemon read it" not in calm.stderr
    assert "has changed since the daemon read it" in told.stderr
    assert f"kill -HUP {daemon.popen.pid}" in told.stderr
