"""A channel that hangs for good: the others are alerted once, and every command says so for as long as it lasts."""

from __future__ import annotations

from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hold, hook_url, posted
from support_receivers import web_receiver
from support_simulator import NOON, Clock

from watcher import presence
from watcher.simulator import Simulator, failing

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

IMPATIENT = "import watcher.policy; watcher.policy.STUCK_AFTER = 2.0"
"""The daemon as it is, except that an outage begins after two seconds instead of fifteen minutes."""


def test_while_a_channel_hangs_health_is_unhealthy_and_the_other_channel_is_alerted_once(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    with web_receiver() as hung, web_receiver() as other:
        channels = {"hung": hook_url(hung), "other": hook_url(other)}
        home = Home(tmp_path, endpoint, [simulator.play(failing())], channels, hook=IMPATIENT)
        released = hold(hung)
        with home.running() as daemon:
            clock.now = NOON + 5 * 3600
            daemon.wait_for(lambda: home.logged("channel_stuck"))
            daemon.wait_for(lambda: any("hung" in alert.title for alert in posted(other)))
            daemon.wait_for(lambda: home.status()["outages"])
            for _ in range(3):  # while it is retried, too
                done = home.run("health")
                assert done.returncode == 3
                assert "hung" in done.stdout + done.stderr
            assert "hung" in home.run("status").stdout
            # Commands read every member that the daemon writes: a member without a form would be left out.
            read = presence.read_status(tmp_path / "state")
            assert read is not None
            assert read.keys() == home.status().keys()
            released.set()
            daemon.wait_for(lambda: home.logged("channel_recovered"))
            daemon.wait_for(lambda: not home.status()["outages"])
            assert home.run("health").returncode == 0
            assert daemon.terminate() == 0
        assert len([alert for alert in posted(other) if "hung" in alert.title]) == 1
