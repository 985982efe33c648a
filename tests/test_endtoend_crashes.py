"""What people are told when the daemon is stopped or killed, while a message is on its way or at any other moment."""

from __future__ import annotations

import itertools
import random
import re
import time
from collections import defaultdict
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import DEADLINE, Alert, Held, Home, hold, hook_url, mail_url, mailed, posted
from support_receivers import HANG, mail_receiver, web_receiver
from support_simulator import NOON, Clock

from watcher.simulator import Simulator, distillation, failing, fine_tuning, stopped

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

MINUTES = (5, 16, 53, 59, 73, 91, 111, 193)
"""When the four ready jobs have changed, since they were created."""

ENDINGS = {
    "nova-support-v3": "[bedrock] COMPLETED nova-support-v3 after 3h12m",
    "nova-legal-v1": "[bedrock] FAILED nova-legal-v1 (training) after 1h30m",
    "llama-triage-v2": "[bedrock] STOPPED llama-triage-v2 (training) after 58m",
    "titan-tickets-v7": "[bedrock] COMPLETED titan-tickets-v7 after 1h50m",
}
FAILED = ENDINGS["nova-legal-v1"]


def play_all(simulator: Simulator) -> list[str]:
    """Begin one job of each ending."""
    return [simulator.play(make()) for make in (distillation, failing, stopped, fine_tuning)]


def check_nothing_is_lost(alerts: list[Alert], sent: set[int]) -> None:
    """Check what one channel received against the numbers of the events that the database calls sent to it."""
    by_job: dict[str, dict[int, Alert]] = defaultdict(dict)
    latest: dict[str, int] = defaultdict(int)
    for alert in alerts:
        assert alert.event >= latest[alert.job], "news overtook itself"
        assert alert.event > latest[alert.job] or alert.marked, f"repeated without saying so: {alert.title}"
        latest[alert.job] = alert.event
        by_job[alert.job].setdefault(alert.event, alert)
    assert {event for told in by_job.values() for event in told} == sent
    for job, ending in ENDINGS.items():
        assert list(by_job[job].values())[-1].title == ending
        check_no_gap(list(by_job[job].values()))


def check_no_gap(alerts: list[Alert]) -> None:
    """Check that each change begins where the one before it ended: the job's life can be told from its alerts."""
    statuses: dict[str, str] = {}
    for alert in alerts:
        for name, old, new in re.findall(r"^([\w ]+): (\w+) -> (\w+)", alert.body, re.MULTILINE):
            assert statuses.get(name, old) == old
            statuses[name] = new


def test_kill_9_at_any_moment_loses_nothing_and_repeats_only_what_it_marks(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """Eight times: the jobs move on, and the daemon is killed within a second, in front of a slow receiver.

    What the receiver had not accepted when the daemon died, it does not have.
    """
    luck, pauses, kills = random.Random(20251124), itertools.cycle((0.05, 0.3, 0.1, 0.6)), 0
    with web_receiver() as hook, mail_receiver() as mail:

        def accept() -> None:
            request, before = hook.requests[-1], kills
            time.sleep(next(pauses))
            if kills != before:
                hook.requests.remove(request)

        hook.replies = Held(accept)
        home = Home(tmp_path, endpoint, play_all(simulator), {"hook": hook_url(hook), "mail": mail_url(mail)})
        for minutes in MINUTES:
            with home.running() as daemon:
                clock.now = NOON + minutes * 60 + 1
                time.sleep(luck.uniform(0.0, 0.9))
                daemon.kill()
                kills += 1
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT DISTINCT state FROM jobs") == [("ended",)])
            daemon.wait_for(lambda: home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)])
            assert daemon.terminate() == 0
        for channel, alerts in (("hook", posted(hook)), ("mail", mailed(mail))):
            sent = home.query("SELECT event FROM deliveries WHERE channel = ?", channel)
            check_nothing_is_lost(alerts, {event for (event,) in sent})


def test_a_message_that_was_on_its_way_when_the_daemon_was_killed_is_sent_again_and_says_so(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    with web_receiver() as hook:
        released = hold(hook)
        home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
        clock.now += 91 * 60
        with home.running() as daemon:
            daemon.wait_for(lambda: hook.requests)
            daemon.kill()
        released.set()
        assert home.run("run", "--once").returncode == 0
        first, second = posted(hook)
    assert (first.title, first.marked) == (FAILED, False)
    assert (second.title, second.marked) == (FAILED, True)
    assert first.event == second.event


def test_a_message_that_is_on_its_way_at_sigterm_is_finished_and_marked(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """The receiver answers only after the daemon was told to stop; the next daemon has nothing to repeat."""
    with web_receiver() as hook:
        released = hold(hook)
        home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
        clock.now += 91 * 60
        with home.running() as daemon:
            daemon.wait_for(lambda: hook.requests)
            daemon.popen.terminate()
            daemon.wait_for(lambda: home.logged("stopping"))
            released.set()
            assert daemon.popen.wait(DEADLINE) == 0
        assert home.query("SELECT state, attempts FROM deliveries") == [("sent", 1)]
        assert home.run("run", "--once").returncode == 0
        assert [(alert.title, alert.marked) for alert in posted(hook)] == [(FAILED, False)]


def test_a_mail_server_that_hangs_delays_neither_the_webhook_nor_for_ever_the_stop(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """The webhook has all news while the mail hangs; the stop gives the mail up; the next daemon sends it, marked."""
    with web_receiver() as hook, mail_receiver() as mail:
        mail.at_data = HANG
        home = Home(tmp_path, endpoint, play_all(simulator), {"hook": hook_url(hook), "mail": mail_url(mail)})
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(4,)])
            clock.now = NOON + 5 * 60
            daemon.wait_for(lambda: len(hook.requests) == 4 and mail.mails)
            clock.now = NOON + 16 * 60
            daemon.wait_for(lambda: len(hook.requests) == 8)
            assert daemon.terminate() == 0
        (hung,) = mailed(mail)
        assert home.query("SELECT channel, count(*) FROM deliveries WHERE state = 'sent' GROUP BY 1") == [("hook", 8)]
        mail.at_data = ""
        assert home.run("run", "--once").returncode == 0
        assert len(posted(hook)) == 8
        again = mailed(mail)[1:]
        assert len(again) == 8
        assert [alert.title for alert in again if alert.marked] == [hung.title]
