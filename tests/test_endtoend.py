"""The installed program as a process: jobs of a simulated Bedrock in, a real mail server and a real webhook out.

The simulator's clock stands until the test moves it, so that each phase is seen, however slow the machine is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, mail_url, mailed, posted, titles
from support_receivers import MailReceiver, Reply, WebReceiver, mail_receiver, web_receiver
from support_simulator import NOON, Clock

from watcher.simulator import Fault, Kind, Simulator, distillation, failing, fine_tuning, stopped

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

STORY = {
    "nova-support-v3": [
        "[bedrock] STARTED nova-support-v3 (validation)",
        "[bedrock] STARTED nova-support-v3 (data processing)",
        "[bedrock] STARTED nova-support-v3 (training)",
        "[bedrock] COMPLETED nova-support-v3 after 3h12m",
    ],
    "nova-legal-v1": [
        "[bedrock] STARTED nova-legal-v1 (validation)",
        "[bedrock] STARTED nova-legal-v1 (training)",
        "[bedrock] FAILED nova-legal-v1 (training) after 1h30m",
    ],
    "llama-triage-v2": [
        "[bedrock] STARTED llama-triage-v2 (validation)",
        "[bedrock] STARTED llama-triage-v2 (training)",
        "[bedrock] STOPPING llama-triage-v2 (training) after 52m",
        "[bedrock] STOPPED llama-triage-v2 (training) after 58m",
    ],
    "titan-tickets-v7": [
        "[bedrock] STARTED titan-tickets-v7 (validation)",
        "[bedrock] STARTED titan-tickets-v7 (training)",
        "[bedrock] COMPLETED titan-tickets-v7 after 1h50m",
    ],
}
"""Every alert of the four jobs, in each job's order."""

CHAPTERS = ((5, 4), (16, 8), (53, 9), (59, 10), (73, 11), (91, 12), (111, 13), (193, 14))
"""Minutes since the jobs were created, and how many alerts have been sent by then."""

FAILED = """\
training: InProgress -> Failed at 2025-06-02 13:30:00 UTC, after 1h15m
Job: InProgress -> Failed at 2025-06-02 13:30:00 UTC

failureMessage:
  Encountered an unexpected error when processing the request, please try again

What to do: {advice}

Sub-tasks (times are UTC):
  validation  Completed  2025-06-02 12:03:00  12m
  training    Failed     2025-06-02 12:15:00  1h15m

base model  amazon.nova-lite-v1:0:300k
type        FINE_TUNING
output      s3://nova-legal-v1-data/output
created     2025-06-02 12:00:00 UTC
region      us-east-1
account     123456789012
ARN         {arn}

Bedrock console  {console}
Output in S3     {s3}

AWS's time 2025-06-02 13:30:00 UTC, seen """


ADVICE = """\
Try once more; if it fails again, check the permissions of the job's IAM role and of whoever created the job: AWS says \
the same when one is missing.
  https://docs.aws.amazon.com/bedrock/latest/userguide/custom-model-job-access-security.html"""
CONSOLE = "https://us-east-1.console.aws.amazon.com/bedrock/home?region=us-east-1#/custom-models"
S3 = "https://us-east-1.console.aws.amazon.com/s3/buckets/nova-legal-v1-data?region=us-east-1&prefix=output%2F"


@dataclass
class Receivers:
    """The two ways in which people are told."""

    hook: WebReceiver
    mail: MailReceiver

    @property
    def channels(self) -> dict[str, str]:
        """The channels of the configuration."""
        return {"hook": hook_url(self.hook), "mail": mail_url(self.mail)}

    def have(self, count: int) -> bool:
        """Whether so many alerts, or more, have come to each."""
        return len(self.hook.requests) >= count and len(self.mail.mails) >= count


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    with web_receiver() as hook, mail_receiver() as mail:
        yield Receivers(hook, mail)


def test_four_jobs_are_told_by_mail_and_webhook_in_the_right_words_once_each(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, receivers: Receivers
) -> None:
    """Every alert of STORY arrives in order, on both channels, though the daemon is restarted in the middle."""
    arns = {make.__name__: simulator.play(make()) for make in (distillation, failing, stopped, fine_tuning)}
    home = Home(tmp_path, endpoint, list(arns.values()), receivers.channels)
    early, late = CHAPTERS[:4], CHAPTERS[4:]
    for chapters in (early, late):
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(4,)])
            for minutes, alerts in chapters:
                clock.now = NOON + minutes * 60 + 1
                daemon.wait_for(partial(receivers.have, alerts))
            assert daemon.terminate() == 0
    for channel in (posted(receivers.hook), mailed(receivers.mail)):
        assert titles(channel) == STORY
        assert not any(alert.marked for alert in channel)
        (told,) = (alert for alert in channel if "FAILED" in alert.title)
        assert told.body.startswith(FAILED.format(arn=arns["failing"], advice=ADVICE, console=CONSOLE, s3=S3))
        facts = next(alert for alert in channel if "COMPLETED nova-support-v3" in alert.title).body
        assert "training loss     0.4217" in facts
        assert "  data processing  Completed  2025-06-02 12:14:00  58m\n" in facts
    assert {request.json["type"] for request in receivers.hook.requests} == {"info", "failure", "warning", "success"}
    assert home.query("SELECT DISTINCT state FROM jobs") == [("ended",)]
    assert home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)]
    assert [line["event"] for line in home.log()].count("stopped") == 2


def test_a_job_that_was_told_is_never_told_again(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, receivers: Receivers
) -> None:
    """A daemon that begins with nothing but ended jobs asks AWS for none of them."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())], receivers.channels)
    clock.now += 91 * 60
    assert home.run("run", "--once").returncode == 0
    asked = simulator.counts.copy()
    assert home.run("run", "--once").returncode == 0
    with home.running() as daemon:
        assert daemon.terminate() == 0
    assert simulator.counts == asked
    expected = ["[bedrock] FAILED nova-legal-v1 (training) after 1h30m"]
    assert [alert.title for alert in posted(receivers.hook)] == expected
    assert [alert.title for alert in mailed(receivers.mail)] == expected


def test_run_once_says_by_its_exit_code_that_aws_refused_and_polls_again_when_run_again(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, receivers: Receivers
) -> None:
    home = Home(tmp_path, endpoint, [simulator.play(fine_tuning())], receivers.channels)
    clock.now += 111 * 60
    simulator.inject(Fault(kind=Kind.EXPIRED_TOKEN))
    refused = home.run("run", "--once")
    assert refused.returncode == 5
    assert "ExpiredTokenException" in refused.stderr
    assert receivers.hook.requests == []
    # Cron's next run has a log of its own, and an exit code with nothing to explain it helps nobody.
    again = home.run("run", "--once")
    assert again.returncode == 5
    assert [line["error"] for line in map(json.loads, again.stderr.splitlines()) if "error" in line] == [
        "ExpiredTokenException: The security token included in the request is expired"
    ]
    simulator.clear()
    # Cron's next run comes later than the delay after one failure, which is 100 ms here.
    while home.run("run", "--once").returncode != 0:
        assert simulator.counts["Get"] < 20
    assert [alert.title for alert in posted(receivers.hook)] == ["[bedrock] COMPLETED titan-tickets-v7 after 1h50m"]


@pytest.mark.parametrize("status", [500, 403])
def test_run_once_says_by_its_exit_code_that_a_message_was_not_delivered(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, receivers: Receivers, status: int
) -> None:
    """Whether the refusal is for now (500) or for good (403); the other channel has the message."""
    home = Home(tmp_path, endpoint, [simulator.play(fine_tuning())], receivers.channels, channel='on = ["completed"]')
    clock.now += 111 * 60
    receivers.hook.reply = Reply(status)
    assert home.run("run", "--once").returncode == 6
    assert len(receivers.mail.mails) == 1
    state = {500: "pending", 403: "dead"}[status]
    assert home.query("SELECT state FROM deliveries ORDER BY channel") == [(state,), ("sent",)]


def test_a_second_daemon_on_one_database_is_refused_with_the_pid_of_the_first(
    tmp_path: Path, simulator: Simulator, endpoint: str
) -> None:
    home = Home(tmp_path, endpoint, [simulator.play(distillation())])
    with home.running() as daemon:
        second = home.run("run")
        assert second.returncode == 1
        assert f"a daemon (pid {daemon.popen.pid}) already watches" in second.stderr
        assert "Traceback" not in second.stderr
        assert daemon.terminate() == 0
    assert home.run("run", "--once").returncode == 0


def test_the_log_is_json_and_silent_while_nothing_happens(tmp_path: Path, simulator: Simulator, endpoint: str) -> None:
    """No line for a poll; and without a channel there is a warning, since nobody is told."""
    home = Home(tmp_path, endpoint, [simulator.play(distillation())])
    with home.running() as daemon:
        daemon.wait_for(lambda: simulator.counts["Get"] >= 2)
        before = home.words()
        enough = simulator.counts["Get"] + 8
        daemon.wait_for(lambda: simulator.counts["Get"] >= enough)
        assert home.words() == before
        assert daemon.terminate() == 0
    log = home.log()
    assert all({"event", "level", "timestamp"} <= line.keys() for line in log)
    assert [line["event"] for line in log] == ["started", "no_channel", "news", "stopping", "stopped"]
    assert (log[0]["pid"], log[0]["jobs"]) == (daemon.popen.pid, 1)


def test_a_job_is_added_by_hand_looked_at_at_once_and_told_to_its_end(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, receivers: Receivers
) -> None:
    """One is added before the daemon runs, one while it does, which prints what AWS says; one does not exist."""
    early, late = simulator.play(distillation()), simulator.play(failing())
    clock.now = NOON + 5 * 60
    home = Home(tmp_path, endpoint, channels=receivers.channels)
    waiting = home.run("add", early)
    assert waiting.returncode == 0
    assert "the daemon does not run" in waiting.stderr
    assert not simulator.counts
    with home.running() as daemon:
        added = home.run("add", late, "--label", "the lawyers' model")
        assert added.returncode == 0
        assert "InProgress" in added.stdout
        assert "validation" in added.stdout
        assert home.run("add", f"{late}?").returncode == 2
        assert home.run("add", f"{late[:-4]}none").returncode == 4
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(2,)])
        clock.now = NOON + 193 * 60
        daemon.wait_for(lambda: receivers.have(2))
        assert daemon.terminate() == 0
    endings = [
        "[bedrock] COMPLETED nova-support-v3 after 3h12m",
        "[bedrock] FAILED the lawyers' model (training) after 1h30m",
    ]
    for channel in (posted(receivers.hook), mailed(receivers.mail)):
        assert sorted(alert.title for alert in channel) == endings
