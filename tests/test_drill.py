"""A fire drill with the installed program: staggered jobs, names and ARNs, a rule, a queue, a role, real alerts."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import support_signals  # noqa: F401 - its import is its work
from support_daemon import DEADLINE, Home, Process, environment, posted
from support_drill import PROGRAM, command, simulating
from support_receivers import Reply, web_receiver


@contextmanager
def watching(file: Path, env: dict[str, str]) -> Iterator[Process]:
    """Run the daemon on a configuration file, with these variables in its environment."""
    log = file.with_name("daemon.log")
    with log.open("ab") as stream:
        words = [PROGRAM, "--config", str(file), "run"]
        popen = subprocess.Popen(words, stdout=stream, stderr=stream, env=environment() | env)
    daemon = Process(popen, Home(file.parent, ""))
    try:
        daemon.wait_for(lambda: '"started"' in log.read_text())
        yield daemon
    finally:
        if popen.poll() is None:
            daemon.kill()


def test_a_drill_of_rule_queue_and_role_alerts_the_channels_of_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "drill.toml"
    with web_receiver() as hook:
        file.write_text(f'# ours\n[[channel]]\nname = "hook"\nurl = "json://{hook.address}/"\n')
        file.chmod(0o600)
        with simulating("--queue", "--role", "--append", str(file), "--scenario", "queued") as simulator:
            env = simulator.exports
            assert set(env) == {"AWS_ENDPOINT_URL_STS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
            assert command("--config", str(file), "config", "check", env=env).returncode == 0
            (slow,) = simulator.started(1)
            with watching(file, env) as daemon:
                daemon.wait_for(lambda: slow in daemon.home.words())
                added = command("simulate", "--add-to", simulator.url, "--scenario", "failing", "--speed", "2000")
                body = json.dumps({"scenario": "failing", "speed": 2000})
                headers = {"Content-Type": "application/json"}
                asked = requests.post(f"{simulator.url}/_simulator/jobs", body, headers=headers, timeout=DEADLINE)
                daemon.wait_for(lambda: len(posted(hook)) >= 2)
                assert daemon.terminate() == 0
            code, _ = simulator.stop()
    alerts = [alert.title for alert in posted(hook)]
    assert sorted(re.findall(r"FAILED (\S+)", " ".join(alerts))) == ["nova-legal-v1", "nova-legal-v1-2"]
    assert added.stdout.strip().startswith("arn:aws:bedrock:us-east-1:123456789012:model-customization-job/")
    assert asked.json()["name"] == "nova-legal-v1-2"
    assert code == 0
    counted = "".join(simulator.words).rpartition("requests answered: ")[2]
    for operation in ("AssumeRole", "ReceiveMessage", "DeleteMessage", "List", "Tags", "Get"):
        assert re.search(rf"\d+ {operation}\b", counted), counted


def test_a_restarted_drill_has_the_same_arns_at_the_same_address(tmp_path: Path) -> None:
    words = ("--stagger", "0s", "--scenario", "failing", "--scenario", "failing", "--scenario", "batch")
    with simulating(*words) as first:
        before, url = first.started(3), first.url
        again = first.wait_for(r"  (bedrock-watch simulate --port .*) > /dev/null")[0]
        code, out = first.stop()
    assert code == 0
    with simulating(*again.split()[2:], cwd=tmp_path) as second:
        assert second.started(3) == before
        assert second.url == url
    with simulating(*words, "--seed", "another") as other:
        assert not set(other.started(3)) & set(before)
    assert len(set(before)) == 3
    assert tomllib.loads(out)["aws"]["endpoint_url"] == url


def test_each_repeat_of_a_scenario_has_a_name_of_its_own() -> None:
    with simulating("--stagger", "0s", *("--scenario", "failing") * 3, "--scenario", "batch") as simulator:
        simulator.started(4)
        names = simulator.wait_for(r"(?m)^started (\S+):")
    assert names == ["nova-legal-v1", "nova-legal-v1-2", "nova-legal-v1-3", "nightly-tickets"]


def test_jobs_start_one_after_the_other() -> None:
    with simulating("--stagger", "1h", *("--scenario", "failing") * 2) as simulator:
        simulator.started(1)
        jobs = requests.get(f"{simulator.url}/_simulator/jobs", timeout=DEADLINE).json()["jobs"]
    assert len(jobs) == 1
    with simulating("--stagger", "300ms", *("--scenario", "failing") * 2) as simulator:
        simulator.started(2)
        jobs = requests.get(f"{simulator.url}/_simulator/jobs", timeout=DEADLINE).json()["jobs"]
    first, second = sorted(job["response"]["creationTime"] for job in jobs)
    assert first < second


@pytest.mark.parametrize("role", [[], ["--role"]])
def test_discover_finds_every_job_of_the_drill_by_its_tags(tmp_path: Path, role: list[str]) -> None:
    file = tmp_path / "drill.toml"
    file.write_text("")
    words = ("--account", "210987654321", "--region", "eu-west-1", "--speed", "1", "--append", str(file), *role)
    with simulating(*words, "--stagger", "0s") as simulator:
        arns = simulator.started(15)
        found = command("--config", str(file), "discover", "-o", "json", env=simulator.exports)
    assert found.returncode == 0, found.stderr
    for arn in arns:
        assert arn.split(":")[3:5] == ["eu-west-1", "210987654321"]
        assert arn in found.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--region", "nowhere"], "not a region"),
        (["--account", "12"], "12 digits"),
        (["--stagger", "soon"], "--stagger"),
        (["--stagger", "-1s"], "--stagger"),
        (["--stagger", "30d"], "too long"),
        (["--add-to", "http://127.0.0.1:1"], "needs a --scenario"),
        (["--add-to", "http://127.0.0.1:1", "--scenario", "failing", "--role"], "--role"),
        (["--add-to", "http://example.com:80", "--scenario", "failing"], "not a simulator's address"),
        (["--add-to", "http://127.0.0.1:99999", "--scenario", "failing"], "not a simulator's address"),
    ],
)
def test_words_that_make_no_drill_are_refused(words: list[str], said: str) -> None:
    refused = command("simulate", *words)
    assert refused.returncode == 2
    assert said in refused.stderr


@pytest.mark.parametrize("answer", ["null", "[]", "<html>", "", '{"message": 1'])
def test_adding_to_what_is_no_simulator_is_an_error_and_no_crash(answer: str) -> None:
    with web_receiver() as other:
        other.answer = lambda _: Reply(200, answer)
        refused = command("simulate", "--add-to", other.url, "--scenario", "failing")
    assert (refused.returncode, "no simulator answers" in refused.stderr) == (1, True)


def test_sigterm_ends_a_drill_whose_jobs_have_yet_to_start() -> None:
    with simulating("--stagger", "1h") as simulator:
        simulator.started(1)
        simulator.popen.send_signal(signal.SIGTERM)
        assert simulator.popen.wait(DEADLINE) == 0
