"""Advice, links, the payload for automation, and summaries: the parts that messages are made of."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_jobs import arn
from support_stories import FAILED, JOB, SEEN, SNAPSHOT, WHY, cases, minute, story

from watcher.model import EVENTS, Event, FailureExplained, Family, Outcome, Severity, StatusChanged, Transition
from watcher.render import Story, compose, compose_summary, most_events, sample, write
from watcher.render.advice import advise
from watcher.render.links import links
from watcher.render.payload import change
from watcher.store.codec import load_transitions

TOPICS = sorted({*EVENTS, "overdue", "stalled", "stopping", "queued"})
GENUINE = {
    "Could not validate GetObject permissions to access Amazon S3 bucket: training-data-bucket at key train.jsonl": (
        "s3:GetObject"
    ),
    "Amazon S3 perms missing (PutObject): Could not validate PutObject permissions to access S3 bucket: "
    "bedrock-output-bucket at key output/.write_access_check_file.tmp": "s3:PutObject",
    "Unable to parse Amazon S3 file: fileName.jsonl. Data files must conform to JSONL format.": "JSON Lines",
    "Input size exceeded in file fileName.jsonl for record starting with...": "larger than the model takes",
    "Maximum input token count 4097 exceeds limit of 4096": "prompts have more tokens",
    "Maximum output token count 4097 exceeds limit of 4096": "completions have more tokens",
    "Max sum of input and output token length 4097 exceeds total limit of 4096": "together have more tokens",
    "Automated tests flagged this fine-tuning job as including materials that are potentially inconsistent with "
    "Anthropic's third-party license terms. Please contact support.": "AWS Support",
    "Encountered an unexpected error when processing the request, please try again": "Try once more",
    'Input data at fine-tuning-datasets/train/train-cnn-5K.jsonl must follow \'{"prompt": "<input text>", '
    '"completion": "<output text>"}\' format': "quoted format",
    "Invalid training input data configuration. Check the input data S3 Uris(Uri should be a file, not a directory) "
    "and retry request": "not of a folder",
    "Customer doesn't have permissions to invokeModel": "bedrock:InvokeModel",
}


@pytest.mark.parametrize(("failure", "hint"), GENUINE.items())
def test_each_failure_that_aws_is_known_to_send_has_advice_and_a_page(failure: str, hint: str) -> None:
    for said in (failure, failure.upper(), failure.replace(" ", "\n ", 3), f"Job failed: {failure}"):
        advice = advise(said)
        assert advice is not None
        assert hint in advice.text
        assert advice.text.endswith(".")
        assert advice.page.url.startswith("https://docs.aws.amazon.com/bedrock/")


@pytest.mark.parametrize("failure", ["", "Failure Message", "The model is on fire", "input token count", "permissions"])
def test_an_unknown_failure_gets_no_advice(failure: str) -> None:
    assert advise(failure) is None


def test_advice_is_given_for_a_failure_alone_and_stands_below_it() -> None:
    body = write(compose(story(*FAILED)), Family.TEXT).body
    assert body.index(WHY) < body.index("What to do: ") < body.index("Sub-tasks")
    assert "What to do" not in write(cases()["completed"], Family.TEXT).body


def linked(partition: str, region: str, uri: Any) -> list[str]:
    """Return the addresses that a message about a job of that partition offers."""
    arn = JOB.arn.replace("arn:aws:", f"arn:{partition}:").replace("us-east-1", region)
    now = replace(SNAPSHOT, facts={"outputDataConfig": {"s3Uri": uri}})
    return [link.url for link in links(story(*FAILED, job=replace(JOB, arn=arn), snapshot=now))]


@pytest.mark.parametrize(
    ("partition", "region", "console"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_links_lead_to_the_console_of_the_jobs_partition_and_region(partition: str, region: str, console: str) -> None:
    assert linked(partition, region, "s3://models/out put/") == [
        f"https://{console}/bedrock/home?region={region}#/custom-models",
        f"https://{console}/s3/buckets/models?region={region}&prefix=out%20put%2F",
    ]
    assert linked(partition, region, "s3://models")[1] == f"https://{console}/s3/buckets/models?region={region}"


def test_no_link_is_guessed() -> None:
    """For a partition whose console is not publicly known, and for a job whose ARN is not learnt yet."""
    assert linked("aws-iso", "us-iso-east-1", "s3://models/x") == []
    assert list(links(story(*FAILED, job=replace(JOB, arn="")))) == []
    assert list(links(story(*FAILED, job=None))) == []


@pytest.mark.parametrize("uri", ["s3://Bad_Bucket/x", "s3://x", "https://evil.example", "s3://a|b/c", None, 7, {}])
def test_what_is_no_bucket_is_not_linked(uri: Any) -> None:
    assert len(linked("aws", "us-east-1", uri)) == 1


def test_a_folder_with_any_name_stays_inside_of_its_link() -> None:
    address = linked("aws", "us-east-1", "s3://models/a)|>&\"'< b\n/ü")[1]
    assert address.endswith("&prefix=a%29%7C%3E%26%22%27%3C%20b%0A%2F%C3%BC%2F")


def payload_of(one: Story) -> dict[str, Any]:
    """Return what automation receives, as it reads it."""
    payload = write(compose(one), Family.JSON).payload
    read: dict[str, Any] = json.loads(json.dumps(payload, allow_nan=False))
    return read


def test_what_reads_apprises_json_reads_ours() -> None:
    """Its members: version, title, message, type (info, success, warning or failure)."""
    message = write(compose(story(*FAILED)), Family.JSON)
    assert message.payload is not None
    assert message.payload["title"] == message.title
    assert message.payload["message"] == message.body
    assert message.payload["type"] == "failure"
    assert message.payload["version"] == 1


def test_automation_gets_facts_as_fields() -> None:
    told = payload_of(story(*FAILED, uncertain=True, earlier=(timedelta(hours=3),)))
    assert told["event"] == {
        "id": 41,
        "kinds": ["failed", "failure_message", "step"],
        "subject": "job/1",
        "observed_at": "2026-11-20T11:13:00Z",
    }
    assert (told["status"], told["outcome"], told["failure_message"]) == ("Failed", "failed", WHY)
    assert told["job"]["arn"] == JOB.arn
    assert told["job"]["training_loss"] == 0.4217
    assert told["duration_seconds"] == 192 * 60
    assert told["earlier_seconds"] == [10800]
    assert [step["started_at"] for step in told["steps"]] == ["2026-11-20T08:02:00Z", "2026-11-20T08:12:00Z"]
    assert told["changes"][0]["type"] == "StepChanged"
    assert (told["may_be_repeat"], told["late"], told["host"]) == (True, False, "watchtower")


def test_a_loss_that_is_no_number_is_null() -> None:
    """JSON has no NaN; a receiver would refuse the whole message."""
    now = replace(
        SNAPSHOT, facts={"trainingMetrics": {"trainingLoss": float("nan")}, "validationMetrics": [{}, 1, None]}
    )
    told = payload_of(story(*FAILED, snapshot=now))
    assert told["job"]["training_loss"] is None
    assert told["job"]["validation_losses"] == []


@pytest.mark.parametrize("topic", TOPICS)
def test_every_kind_of_change_is_told_by_its_fields(topic: str) -> None:
    """They are those of the store: what is told can be read back."""
    transitions = sample(topic, SEEN, "host").event.transitions
    texts = json.dumps([change(one) for one in transitions])
    assert load_transitions(texts) == transitions


def test_there_is_a_sample_of_every_event_and_every_kind_of_change() -> None:
    """Except for a channel test, which is sent for real, and for events of the database that cannot be read."""
    seen = {type(one) for topic in TOPICS for one in sample(topic, SEEN, "host").event.transitions}
    assert {kind.__name__ for kind in get_args(Transition)} - {kind.__name__ for kind in seen} == {
        "ChannelTest",
        "Unreadable",
    }
    for topic in TOPICS:
        assert topic in payload_of(sample(topic, SEEN, "host"))["event"]["kinds"]


def many(count: int, label: str = "job", why: str = "x" * 2048) -> list[Story]:
    """Return the news of that many jobs, each of which failed."""
    return [
        story(
            StatusChanged("InProgress", "Failed", Outcome.FAILED, minute(192)),
            FailureExplained(why),
            job=replace(JOB, id=number, label=f"{label}-{number:04}"),
            event=Event(1000 + 2 * number, f"job/{number}", 1, (*FAILED[1:2], FailureExplained(why)), SEEN),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        ("digest", "[bedrock] 12 FAILED: 12 messages about 11 jobs (digest)"),
        ("burst", "[bedrock] 12 FAILED: 12 messages about 11 jobs (burst)"),
        ("mute", "[bedrock] 12 FAILED: 12 messages about 11 jobs (muted)"),
    ],
)
def test_a_summary_says_how_many_messages_it_stands_for(reason: Any, title: str) -> None:
    stories = many(11)
    doc = compose_summary([*stories, stories[0]], reason)
    assert doc.title == title
    assert doc.severity is Severity.FAILURE
    assert compose_summary(stories[:1], reason).title.startswith("[bedrock] 1 FAILED: 1 message about 1 job (")


def test_a_summary_says_in_its_subject_and_its_lines_that_nobody_can_look_or_be_told() -> None:
    """What keeps us from looking or telling is trouble as well as a job that failed, and has a reason too."""
    stories = [*many(2), sample("watch_lost", SEEN, "host"), sample("delivery_dead", SEEN, "host")]
    doc = compose_summary(stories, "burst")
    assert doc.title.startswith("[bedrock] 2 FAILED, 1 CANNOT WATCH, 1 UNDELIVERED: 4 messages about 2 jobs (")
    assert [entry.failure for entry in doc.entries[2:]] == [
        "ExpiredTokenException: the token has expired",
        "550 5.1.1 no such mailbox",
    ]


LIMITS = [
    (Family.CHAT, 2000),
    (Family.TEXT, 4096),
    (Family.EMAIL, 32_768),
    (Family.SLACK, 35_000),
    (Family.JSON, 32_768),
]


@pytest.mark.parametrize(("family", "limit"), LIMITS)
@pytest.mark.parametrize("label", ["nova-support", "*_<@&`" * 20])
def test_a_summary_names_every_job_in_order_however_little_room_there_is(
    family: Family, limit: int, label: str
) -> None:
    """The lines get shorter, never fewer: down to outcome and job."""
    count = most_events(family, limit)
    message = write(compose_summary(many(count, label), "digest"), family, limit)
    assert len(message.title) + 2 + len(message.body) <= limit
    assert message.body.count("FAILED") == count
    assert len(message.html.encode()) <= 100_000
    if label.isascii() and "*" not in label:
        places = [message.body.find(f"nova-support-{number:04}") for number in range(count)]
        assert places == sorted(places)
        assert -1 not in places
    if message.payload is not None and family is Family.SLACK:
        sections = [block["text"]["text"] for block in message.payload["blocks"] if block["type"] == "section"]
        assert "".join(sections).count("FAILED") == count
        assert len(json.dumps(message.payload, ensure_ascii=False)) <= 12_000


def test_a_summary_with_room_shows_when_and_why() -> None:
    body = write(compose_summary(many(2), "burst"), Family.TEXT).body
    assert "11-20 11:13  FAILED job-0000 (training) after 3h12m\n    " + "x" * 199 + "…" in body
    assert "Of the jobs, 2 failed." in body


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([7], "event 7, seen"),
        ([7, 8], "events 7 and 8, seen"),
        ([7, 8, 9], "events 7 to 9, seen"),
        ([7, 9, 10, 11, 20], "events 7, 9 to 11 and 20, seen"),
        ([*range(1001, 1061, 2)], "events 30 between 1001 and 1059, seen"),
    ],
)
def test_a_summary_names_the_events_that_it_tells_and_no_others(events: list[int], words: str) -> None:
    stories = [replace(one, event=replace(one.event, id=number)) for one, number in zip(many(30), events, strict=False)]
    assert words in write(compose_summary(stories, "digest"), Family.TEXT).body


@pytest.mark.parametrize("family", list(Family))
def test_any_channel_can_be_sent_a_useful_number_of_events_at_once(family: Family) -> None:
    """Discord's 2000 characters are the least that a chat takes; an SMS takes one at a time."""
    assert most_events(family, 2000) >= 20
    assert most_events(family, 160) == 1
    assert most_events(family) >= 100


def test_automation_gets_each_event_of_a_summary() -> None:
    payload = write(compose_summary(many(3), "mute"), Family.JSON).payload
    assert payload is not None
    assert payload["summary"] == {"reason": "mute", "messages": 3}
    assert [one["event"]["id"] for one in payload["events"]] == [1000, 1002, 1004]
    assert all(len(one["failure_message"]) == 2048 for one in payload["events"])


@given(picked=st.lists(st.sampled_from(TOPICS), min_size=1, max_size=30))
def test_no_event_of_any_kind_is_left_out_of_a_summary(picked: Sequence[str]) -> None:
    now = datetime.fromisoformat("2026-11-20T11:13:00+00:00")
    doc = compose_summary([sample(topic, now, "host") for topic in picked], "digest")
    assert len(doc.entries) == len(picked)
    heads = Counter(compose(sample(topic, now, "host")).title.removeprefix("[bedrock] ") for topic in picked)
    assert Counter(entry.head for entry in doc.entries) == heads
    for family in Family:
        assert len(re.findall(r"(?<!-)11-20 11:13(?!:)", write(doc, family).body)) == len(picked)


def test_jobs_of_the_same_name_are_told_apart_in_a_summary() -> None:
    stories = [
        replace(
            story(*FAILED, job=replace(JOB, id=n, identifier=arn(n), arn=arn(n))),
            event=Event(n, f"job/{n}", 1, FAILED, SEEN),
        )
        for n in (1, 2)
    ]
    body = write(compose_summary(stories, "digest"), Family.TEXT).body
    for one in ("abcdefghij01", "abcdefghij02"):
        assert f"FAILED nova-support-v3 (training) after 3h12m [{one}]" in body
