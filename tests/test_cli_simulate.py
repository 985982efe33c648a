"""The command that serves a simulated Bedrock for a fire drill."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tomllib

import pytest
import requests
import support_signals  # noqa: F401 - its import is its work
from click.testing import CliRunner

from watcher.cli.simulate import simulate
from watcher.simulator import SCENARIOS, Kind


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_simulate_prints_a_configuration_that_works_and_ends_cleanly(word: signal.Signals) -> None:
    command = [sys.executable, "-c", "from watcher.cli import main; main()", "simulate"]
    command += ["--fault", "throttled:1", "--stagger", "0s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        said = process.stderr.readline()
        url = said.split()[4]
        first = requests.get(f"{url}/model-customization-jobs", timeout=5)
        second = requests.get(f"{url}/model-customization-jobs", timeout=5)
        process.send_signal(word)
        process.wait(timeout=30)
        out, err = process.stdout.read(), process.stderr.read()
    configuration = tomllib.loads(out)
    assert process.returncode == 0
    assert configuration["aws"] == {"endpoint_url": url, "sign": False}
    assert first.status_code == 429
    started = re.findall(r"(?m)^started \S+: (\S+)$", err)
    assert {job["jobArn"] for job in second.json()["modelCustomizationJobSummaries"]} == {
        arn for arn in started if ":model-customization-job/" in arn
    }
    assert len(started) == len(SCENARIOS)
    (rule,) = configuration["discover"]
    assert {arn.split(":")[5].split("/")[0] for arn in started} <= set(rule["kinds"])
    assert "requests answered: 2 List" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scenario", "miracle"], "'miracle' is not one of distillation"),
        (["--fault", "plague"], "'plague' is not one of throttled"),
        (["--fault", "throttled:none"], "'none' is not a count"),
        (["--fault", "throttled:0"], "'0' is not a count"),
    ],
)
def test_simulate_refuses_words_that_it_does_not_know(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(simulate, arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_the_help_names_every_scenario_and_every_fault() -> None:
    text = " ".join(CliRunner().invoke(simulate, ["--help"]).output.split())
    for word in (*SCENARIOS, *Kind):
        assert re.search(rf"\b{word}\b", text), word
