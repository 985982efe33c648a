"""``bedrock-watch get`` prints what the real AWS CLI prints, byte for byte.

The AWS CLI is version 1, which PyPI has, with ``cli_timestamp_format = iso8601``, which is what version 2 does.  It
has a botocore of its own, newer than ours; so what is compared are the members that both know.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support_awscli import aws, environment, ours
from support_receivers import Reply, web_receiver
from support_simulator import Clock, client, running
from test_moto import create, moto

from watcher.cli.get.drawing import draw
from watcher.cli.get.table import sections
from watcher.cli.get.text import text
from watcher.simulator import Simulator, distillation, failing, fine_tuning, queued, stopped

__all__ = ["moto"]

QUERIES = (
    None,
    "jobName",
    "[jobName, status, creationTime]",
    "{name: jobName, steps: statusDetails}",
    "statusDetails",
    "statusDetails.*.[status, creationTime]",
    "statusDetails.[validationDetails, trainingDetails]",
    "statusDetails.trainingDetails",
    "hyperParameters",
    "keys(@)",
    "values(hyperParameters)",
    "validationDataConfig.validators",
    "validationDataConfig.validators[].s3Uri",
    "[trainingDataConfig, outputDataConfig]",
    "[[jobName, status], [jobArn]]",
    "[jobName, [status, [roleArn]]]",
    "nothing.of.this",
    "`[]`",
    "`{}`",
    "`0`",
    "`[null, true, 1.5]`",
    "[hyperParameters, outputDataConfig]",
    "length(@) > `5`",
    "failureMessage",
    "trainingMetrics.trainingLoss",
)
FORMATS = ("json", "text", "table")

FULL: dict[str, Any] = {
    "jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12",
    "status": "Failed",
    "jobName": "größe-名前-😀",
    "failureMessage": "line one\nline two\twith a tab, \"quotes\" and 'more'; é",
    "trainingMetrics": {"trainingLoss": 0.00001},
    "validationMetrics": [{"validationLoss": 1e16}, {"validationLoss": 2}, {}],
    "vpcConfig": {"subnetIds": ["subnet-1", "subnet-2"], "securityGroupIds": []},
    "validationDataConfig": {"validators": [{"s3Uri": "s3://b/v1"}, {"s3Uri": "s3://b/v2"}]},
    "hyperParameters": {},
    "outputDataConfig": {"s3Uri": "s3://b/out"},
    "endTime": "2026-11-24T05:06:11Z",
    "creationTime": 1795000000.25,
    "lastModifiedTime": "2026-11-24T05:06:11.123456+01:00",
    "outputModelKmsKeyArn": None,
    "trainingDataConfig": {
        "invocationLogsConfig": {
            "usePromptResponse": False,
            "invocationLogSource": {"s3Uri": "s3://b/logs"},
            "requestMetadataFilters": {"orAll": [{"equals": {"team": "a"}}, {"notEquals": {"team": "b"}}]},
        }
    },
    "statusDetails": {"validationDetails": {"status": "Failed", "creationTime": "2026-11-24T05:06:11Z"}},
}


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of both programs."""
    return environment(tmp_path)


@pytest.fixture(scope="module")
def simulated() -> Iterator[tuple[str, list[str]]]:
    """A simulated Bedrock at a moment when its jobs are in all states, and their ARNs."""
    clock = Clock()
    simulator = Simulator(clock=clock)
    scripts = (distillation(), fine_tuning(), failing(), stopped(), queued())
    arns = [simulator.play(script) for script in scripts]
    with running(simulator) as endpoint:
        clock.now += 3 * 3600
        yield endpoint, arns


def options(endpoint: str, identifier: str, form: str, query: str | None, *more: str) -> list[str]:
    """Return the words of one call."""
    asked = ["--query", query] if query is not None else []
    return ["--job-identifier", identifier, "--endpoint-url", endpoint, "--output", form, *asked, *more]


def same(calls: list[list[str]], env: dict[str, str]) -> None:
    """Assert that both programs print the same.

    A list that holds a null or unlike things beside an object makes the AWS CLI fail; ours may answer that.
    """
    answered = 0
    for words, theirs, mine in zip(calls, aws(calls, env), ours(calls, env), strict=True):
        if theirs.code == 0:
            answered += 1
            assert mine == theirs, words
        else:
            assert (theirs.code, mine.code in (0, 255)) == (255, True), (words, theirs, mine)
    assert answered >= max(len(calls) - 4, 1)


@pytest.mark.parametrize("form", FORMATS)
def test_every_query_on_the_simulator_is_answered_as_the_aws_cli_answers_it(
    simulated: tuple[str, list[str]], form: str, env: dict[str, str]
) -> None:
    endpoint, arns = simulated
    same([options(endpoint, arns[0], form, query) for query in QUERIES[:14]], env)
    same([options(endpoint, arn, form, None) for arn in arns[1:]], env)


@pytest.mark.parametrize("form", FORMATS)
def test_every_query_on_moto_is_answered_as_the_aws_cli_answers_it(moto: str, form: str, env: dict[str, str]) -> None:
    with client(moto) as bedrock:
        create(bedrock, f"parity-{form}")
    same([options(moto, f"parity-{form}", form, query) for query in QUERIES[:10]], env)


@pytest.mark.parametrize("form", FORMATS)
def test_a_response_with_every_kind_of_member_is_printed_as_the_aws_cli_prints_it(
    form: str, env: dict[str, str]
) -> None:
    """Foreign scripts, line breaks, numbers in both notations, nulls, lists and empty ones, filters within filters."""
    with web_receiver() as server:
        server.reply = Reply(body=json.dumps(FULL), headers={"Content-Type": "application/json"})
        same([options(server.url, "x", form, query) for query in QUERIES], env)


@pytest.mark.parametrize("color", ["on", "off", "auto"])
def test_the_colour_of_a_table_is_the_aws_clis(
    simulated: tuple[str, list[str]], color: str, env: dict[str, str]
) -> None:
    endpoint, arns = simulated
    same([options(endpoint, arns[0], "table", query, "--color", color) for query in QUERIES[:6]], env)


def test_times_are_left_as_they_come_where_the_profile_says_so(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "aws-config").write_text("[default]\ncli_timestamp_format = wire\noutput = text\n")
    with web_receiver() as server:
        server.reply = Reply(body=json.dumps(FULL))
        same([["--job-identifier", "x", "--endpoint-url", server.url]], env)


def test_an_option_may_be_shortened_as_far_as_it_is_still_itself(
    simulated: tuple[str, list[str]], env: dict[str, str]
) -> None:
    endpoint, arns = simulated
    same([["--job-id", arns[0], "--endpoint", endpoint, "--out=text", "--que", "status"]], env)


def test_what_aws_refuses_is_told_in_the_aws_clis_words(simulated: tuple[str, list[str]], env: dict[str, str]) -> None:
    """Version 2 has begun each error with a prefix since 2.34; version 1, which runs here, has none."""
    calls = [options(simulated[0], "nobody-knows-it", "json", None)]
    (theirs,), (mine,) = aws(calls, env), ours(calls, env)
    assert mine.err == theirs.err.replace("\n", "\naws: [ERROR]: ", 1) != ""
    assert (mine.out, mine.code) == (theirs.out, 254) == ("", 254)


def test_the_sample_of_the_input_is_the_aws_clis(env: dict[str, str]) -> None:
    same([["--generate-cli-skeleton"], ["--generate-cli-skeleton", "input"]], env)


def made_up(luck: random.Random, depth: int = 0) -> Any:
    """Return a JSON value of any shape."""
    words = ["", "x", "two words", "a\tb", "c\nd", "名前", "é", "😀", "long " * 9, "jobName", "Zed", "a"]
    kind = luck.random()
    if depth > 3 or kind < 0.5:
        return luck.choice([*words, 0, -7, 1.5, 1e-7, 10**20, True, False, None])
    if kind < 0.75:
        return [made_up(luck, depth + 1) for _ in range(luck.randint(0, 3))]
    return {luck.choice(words[1:]): made_up(luck, depth + 1) for _ in range(luck.randint(0, 4))}


def as_table(value: Any) -> str:
    """Return the table of a value."""
    return draw(sections("Operation", value), 80, colored=False)


_FORMAT = """
import io, json, sys
from argparse import Namespace
from awscli.formatter import get_formatter
def shown(form, value):
    stream = io.StringIO()
    try:
        get_formatter(form, Namespace(query=None, color="off"))("Operation", {"it": value}, stream)
    except (ValueError, TypeError, AttributeError, IndexError):
        return None
    return stream.getvalue()
json.dump([[shown(form, value) for value in json.load(open(sys.argv[1]))] for form in ("text", "table")], sys.stdout)
"""


def test_whatever_the_shape_of_a_value_its_text_and_its_table_are_the_aws_clis(tmp_path: Path) -> None:
    """Where the AWS CLI has no answer (rows that do not fit together, lists of unlike things), ours is free."""
    luck = random.Random(20261124)
    values = [made_up(luck) for _ in range(3000)]
    (tmp_path / "values.json").write_text(json.dumps(values))
    done = subprocess.run(
        [sys.executable, "-c", _FORMAT, str(tmp_path / "values.json")], capture_output=True, text=True, check=True
    )
    texts, tables = json.loads(done.stdout)
    for theirs, mine in ((texts, text), (tables, as_table)):
        told = [(value, shown) for value, shown in zip(values, theirs, strict=True) if shown is not None]
        assert len(told) > 2000
        for value, shown in told:
            assert mine({"it": value}) == shown, value
