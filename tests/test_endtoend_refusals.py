"""Receivers that refuse for a while: the installed daemon, over real HTTP, loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import Reply, web_receiver
from support_simulator import NOON, Clock

from watcher.simulator import Simulator, failing, fine_tuning

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)


@pytest.mark.parametrize("status", [404, 302, 401, 413])
def test_a_refusal_of_seconds_loses_no_alert_where_the_only_channel_has_worked(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, status: int
) -> None:
    """A proxy reloads while a job fails.  A restart in between changes nothing: that the URL works is remembered."""
    jobs = [simulator.play(fine_tuning()), simulator.play(failing())]
    with web_receiver() as hook:
        home = Home(tmp_path, endpoint, jobs, {"hook": hook_url(hook)})
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
            clock.now = NOON + 60 * 60
            daemon.wait_for(lambda: home.query("SELECT 1 FROM channels WHERE name = 'hook' AND worked IS NOT NULL"))
            hook.reply = Reply(status=status, body="not now")
            clock.now = NOON + 24 * 60 * 60
            daemon.wait_for(lambda: home.query("SELECT 1 FROM attempts WHERE result = 'refused'"))
            assert daemon.terminate() == 0
        hook.requests.clear()
        with home.running() as daemon:
            daemon.wait_for(lambda: hook.requests)
            hook.reply = Reply()
            daemon.wait_for(lambda: not home.query("SELECT 1 FROM deliveries WHERE state != 'sent'"))
            assert daemon.terminate() == 0
        endings = [alert.title for alert in posted(hook)]
    assert any(title.startswith("[bedrock] FAILED") for title in endings)
    assert home.logged("messages_given_up") == []
