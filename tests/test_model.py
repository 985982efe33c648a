"""Identifiers: what is taken, and what is refused before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.errors import BadIdentifier
from watcher.model import JobArn, parse_identifier

USUAL = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.titan-text-lite-v1:0:4k/lo7152tvvl3f"


@pytest.mark.parametrize(
    "partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"]
)
def test_an_arn_of_every_partition_is_taken(partition: str) -> None:
    arn = JobArn.parse(USUAL.replace("arn:aws:", f"arn:{partition}:"))
    assert (arn.partition, arn.region, arn.account, arn.id) == (partition, "us-east-1", "123456789012", "lo7152tvvl3f")


@pytest.mark.parametrize(
    "text",
    [
        USUAL,
        "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/meta.llama3-2-3b-instruct-v1:0:128k/ccrm33pfo727",
    ],
)
def test_an_arn_reads_and_writes_the_same(text: str) -> None:
    assert str(JobArn.parse(text)) == text
    assert JobArn.parse(text).usual


def test_an_arn_without_a_model_segment_is_taken_as_unusual() -> None:
    """AWS's own EventBridge sample has none."""
    arn = JobArn.parse("arn:aws:bedrock:us-east-1:123456789012:model-customization-job/abcdefghij12")
    assert not arn.usual
    assert arn.id == "abcdefghij12"


@pytest.mark.parametrize("name", ["nova-support-v3", "a", "A.b+c-d", "a" * 63])
def test_a_job_name_is_taken_as_it_is(name: str) -> None:
    assert parse_identifier(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "my job",
        "-a",
        "a/b",
        "a\n",
        "a" * 64,
        "arn:",
        "arn:aws:bedrock:us-east-1:123456789012",
        USUAL.replace("bedrock", "sagemaker"),
        USUAL.replace("123456789012", "12345678901"),
        USUAL.replace("123456789012", "\N{FULLWIDTH DIGIT ONE}" * 12),
        USUAL.replace("us-east-1", ""),
        USUAL.replace("us-east-1", "US_EAST"),
        USUAL.replace("arn:aws:", "arn:amazon:"),
        USUAL.rpartition("/")[0].rpartition("/")[0] + "/",
        USUAL + " ",
        USUAL + "\n",
        USUAL + "?x=1",
        USUAL.replace("model-customization-job", "custom-model"),
        USUAL + "a" * 1000,
        "../../model-customization-jobs",
    ],
)
def test_what_is_no_identifier_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(BadIdentifier) as refused:
        parse_identifier(text)
    assert refused.value.remedy
    assert refused.value.exit_code == 2


@given(
    st.text(max_size=200) | st.text(alphabet="arn:ws-bedock/0123456789", max_size=120).map("arn:aws:bedrock:".__add__)
)
def test_any_text_is_an_identifier_or_refused(text: str) -> None:
    try:
        parsed = parse_identifier(text)
    except BadIdentifier:
        return
    assert str(parsed) == text
