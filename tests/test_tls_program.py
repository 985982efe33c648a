"""The installed program believes no impostor: the daemon, ``doctor``, ``discover`` and ``wait``, by every way.

The impostor answers that a job has failed, and redirects those who ask it otherwise; it must not be asked at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support_daemon import Home, hook_url, posted
from support_jobs import ACCOUNT, arn, response
from support_receivers import Reply, WebReceiver, web_receiver
from support_tls import Authority, proxying

RULE = f'\n[[discover]]\naccount = "{ACCOUNT}"\n'
FAILED = response(status="Failed", failureMessage="made up")
DIRECT, PROXY = "direct", "by a proxy"


@dataclass
class Impostor:
    """A server with a certificate of another host; *home* asks it, trusts its authority, and alerts *hook*."""

    server: WebReceiver
    hook: WebReceiver
    home: Home
    stack: ExitStack = field(default_factory=ExitStack)

    def alerts(self) -> list[str]:
        """Return the titles of what was sent."""
        return [alert.title for alert in posted(self.hook)]


@pytest.fixture(params=[DIRECT, PROXY])
def impostor(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Impostor]:
    with ExitStack() as stack:
        authority = Authority(tmp_path)
        server = stack.enter_context(web_receiver(authority.wrong_name()))
        server.reply = Reply(200, json.dumps(FAILED | {"modelCustomizationJobSummaries": [FAILED]}))
        hook = stack.enter_context(web_receiver())
        env = {"AWS_CA_BUNDLE": authority.bundle}
        if request.param == PROXY:
            env |= {"HTTPS_PROXY": stack.enter_context(proxying(server.url)).url, "NO_PROXY": hook.address}
        channels = {"hook": hook_url(hook)}
        home = Home(tmp_path, server.url, [arn()], channels, poll='blind_after = "200ms"', env=env, more=RULE)
        yield Impostor(server, hook, home)


def test_the_daemon_reports_that_it_cannot_reach_aws_and_makes_nothing_up(impostor: Impostor) -> None:
    with impostor.home.running() as process:
        process.wait_for(impostor.alerts)
        assert process.terminate() == 0
    (alert, *_) = posted(impostor.hook)
    assert "ca_bundle" in alert.body
    assert "FAILED" not in "".join(impostor.alerts())
    assert impostor.home.run("events", "-o", "jsonl").stdout.count('"failed"') == 0
    assert not impostor.server.requests


@pytest.mark.parametrize(
    "words", [("doctor",), ("discover",), ("wait", arn(), "--timeout", "8s"), ("run", "--once")], ids=lambda it: it[0]
)
def test_a_command_says_that_the_server_is_not_to_be_trusted(impostor: Impostor, words: tuple[str, ...]) -> None:
    done = impostor.home.run(*words)
    assert done.returncode != 0
    assert "ca_bundle" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not impostor.server.requests


def test_whoever_lets_any_server_pose_as_aws_is_warned_by_the_daemon_and_the_doctor(tmp_path: Path) -> None:
    with web_receiver(Authority(tmp_path).self_signed()) as server, web_receiver() as hook:
        server.reply = Reply(200, json.dumps(FAILED))
        home = Home(tmp_path, server.url, [arn()], {"hook": hook_url(hook)}, aws="verify_ssl = false")
        with home.running() as process:
            process.wait_for(lambda: posted(hook))
            assert process.terminate() == 0
        assert any("verify_ssl = false" in json.dumps(line) for line in home.log() if line["level"] == "warning")
        done = home.run("doctor", "-o", "json")
    findings = [one for one in json.loads(done.stdout)["findings"] if "verify_ssl" in one["finding"]]
    assert {one["check"] for one in findings} >= {"aws"}
    assert {one["severity"] for one in findings} == {"warn"}
    assert "verify_ssl = false" in home.run("config", "check").stderr


@pytest.mark.parametrize(
    "words", [("discover",), ("wait", arn(), "--timeout", "8s"), ("add", arn())], ids=lambda it: it[0]
)
def test_a_command_warns_once_on_stderr_that_any_server_can_pose_as_aws(tmp_path: Path, words: tuple[str, ...]) -> None:
    with web_receiver(Authority(tmp_path).self_signed()) as server:
        server.reply = Reply(200, json.dumps(FAILED | {"modelCustomizationJobSummaries": [FAILED]}))
        done = Home(tmp_path, server.url, aws="verify_ssl = false", more=RULE).run(*words)
        checked = Home(tmp_path, server.url, more=RULE).run(*words)
    assert done.stderr.count("warning: aws.verify_ssl = false: any server on the network path can pose as AWS") == 1
    assert "verify_ssl" not in done.stdout
    assert "InsecureRequestWarning" not in done.stderr
    assert "verify_ssl = false" not in checked.stderr


def test_get_warns_once_where_it_is_told_to_verify_nothing(tmp_path: Path) -> None:
    with web_receiver(Authority(tmp_path).self_signed()) as server:
        server.reply = Reply(200, json.dumps(FAILED), {"Content-Type": "application/json"})
        words = ("get", "--job-identifier", arn(), "--endpoint-url", server.url, "--region", "us-east-1")
        done = Home(tmp_path, server.url).run(*words, "--no-verify-ssl")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("InsecureRequestWarning") == 1
