"""One job of each kind, from the simulated Bedrock through the installed daemon to a real webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import support_simulator as support
from support_daemon import Home, hook_url, posted
from support_receivers import WebReceiver, web_receiver
from support_simulator import NOON, Clock

from watcher.bedrock.kinds import KINDS
from watcher.simulator import Simulator, others

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

STORY = {
    "[bedrock] COMPLETED import job llama-import-v1 after 25m",
    "[bedrock] VALIDATING batch inference job nightly-tickets after 3m",
    "[bedrock] SCHEDULED batch inference job nightly-tickets after 8m",
    "[bedrock] IN PROGRESS batch inference job nightly-tickets after 28m",
    "[bedrock] COMPLETED batch inference job nightly-tickets after 2h18m",
    "[bedrock] VALIDATING batch inference job nightly-invoices after 3m",
    "[bedrock] SCHEDULED batch inference job nightly-invoices after 8m",
    "[bedrock] IN PROGRESS batch inference job nightly-invoices after 28m",
    "[bedrock] PARTIALLY COMPLETED batch inference job nightly-invoices after 2h18m",
    "[bedrock] VALIDATING batch inference job nightly-archive after 3m",
    "[bedrock] SCHEDULED batch inference job nightly-archive after 8m",
    "[bedrock] EXPIRED batch inference job nightly-archive after 1d",
    "[bedrock] COMPLETED evaluation job support-judge-v2 after 50m",
    "[bedrock] FAILED evaluation job legal-judge-v1 after 12m",
    "[bedrock] COMPLETED copy job support-model-eu",
    "[bedrock] ACTIVE deployment support-desk after 9m",
    "[bedrock] IN SERVICE provisioned model support-units: billed from now on",
    "[bedrock] COMPLETED prompt optimization job triage-prompts after 40m",
}
"""Every alert of the eleven jobs."""

CHAPTERS = ((4, 3), (10, 7), (13, 8), (15, 9), (26, 10), (29, 12), (36, 13), (41, 14), (51, 15), (139, 17), (1449, 18))
"""Minutes since the jobs were created, and how many alerts have been sent by then."""


@pytest.fixture
def hook() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


def test_a_job_of_each_kind_is_told_in_its_own_words(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """Each change once; and nothing is asked of AWS but what the policy allows that the program itself prints."""
    makes = (
        others.importing,
        others.batch,
        others.partial_batch,
        others.expired_batch,
        others.evaluation,
        others.failing_evaluation,
        others.copying,
        others.deployment,
        others.provisioned,
        others.prompt,
    )
    arns = [simulator.play(make()) for make in makes]
    home = Home(tmp_path, endpoint, arns, {"hook": hook_url(hook)})
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(len(arns),)])
        policy = json.loads(home.run("iam-policy").stdout)
        for minutes, alerts in CHAPTERS:
            clock.now = NOON + minutes * 60 + 1
            daemon.wait_for(partial(lambda count: len(hook.requests) >= count, alerts))
        assert daemon.terminate() == 0
    told = posted(hook)
    assert sorted(alert.title for alert in told) == sorted(STORY)
    assert home.query("SELECT DISTINCT state FROM jobs") == [("ended",)]
    assert home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)]
    bodies = {request.json["title"]: request.json for request in hook.requests}
    partly = bodies["[bedrock] PARTIALLY COMPLETED batch inference job nightly-invoices after 2h18m"]
    assert partly["job"]["records"] == {
        "total": 20_000,
        "processed": 18_400,
        "succeeded": 18_280,
        "failed": 120,
        "percent": 92,
    }
    assert partly["outcome"] == "partially_completed"
    assert "partially_completed" in partly["event"]["kinds"]
    units = bodies["[bedrock] IN SERVICE provisioned model support-units: billed from now on"]
    assert units["job"]["committed_until"] == "2025-07-02T12:00:00Z"
    assert "Billing has begun" in units["message"]
    failed = bodies["[bedrock] FAILED evaluation job legal-judge-v1 after 12m"]
    assert failed["failure_message"].splitlines()[1] == "The evaluator model is not available in this region"
    gets = {f"bedrock:{kind.get_operation}" for kind in KINDS.values() if kind.name != "model-customization-job"}
    called = home.operations().called()
    assert gets <= called
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert called <= allowed
    assert {action for action in allowed if action.startswith("bedrock:Get")} == gets


def test_a_job_given_by_a_word_is_found_by_its_kind(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """By a name or an id, from the configuration and the command line; several kinds may share a name."""
    name = "support"
    importing, units, desk = (
        simulator.play(make(name)) for make in (others.importing, others.provisioned, others.deployment)
    )
    batch, prompt = simulator.play(others.batch()), simulator.play(others.prompt())
    words = ((name, "model-import-job"), (name, "provisioned-model"), (name, "custom-model-deployment"))
    tables = "".join(f'[[job]]\nid = "{word}"\nkind = "{kind}"\n' for word, kind in words)
    home = Home(tmp_path, endpoint, channels={"hook": hook_url(hook)}, more=tables)
    with home.running() as daemon:
        for arn, kind in ((batch, "model-invocation-job"), (prompt, "advanced-prompt-optimization-job")):
            added = home.run("add", arn[-12:], "--kind", kind)
            assert added.returncode == 0, added.stderr
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(5,)])
        policy = json.loads(home.run("iam-policy").stdout)
        clock.now = NOON + 3 * 3600
        daemon.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE state = 'ended'") == [(5,)])
        daemon.wait_for(lambda: len(hook.requests) == 5)
        assert daemon.terminate() == 0
    assert {arn for (arn,) in home.query("SELECT arn FROM jobs")} == {importing, units, desk, batch, prompt}
    # Whose they are is known since they were seen.
    assert all(":123456789012:" in one or one == "*" for said in policy["Statement"] for one in said["Resource"])
    shown = home.run("config", "show").stdout
    assert 'kind = "provisioned-model"' in shown
    assert home.run("config", "check").returncode == 0
