"""The words of the alerts, and that no text in them can do harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_jobs import BORN, arn, response, step

from watcher.bedrock.customization import read
from watcher.model import (
    Appeared,
    ChannelTest,
    DeliveryDead,
    Event,
    FailureExplained,
    Family,
    FieldChanged,
    Job,
    Outcome,
    Severity,
    StatusChanged,
    StepChanged,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.render import Story, compose, write
from watcher.render.words import clean, cut, duration

WHY = "Could not validate GetObject permissions to access Amazon S3 bucket: training-data-bucket at key train.jsonl"
SEEN = BORN + timedelta(minutes=193)


def minute(number: float) -> datetime:
    return BORN + timedelta(minutes=number)


JOB = Job(
    id=1,
    identifier=arn(1),
    arn=arn(1),
    name="nova-support-v3",
    kind="model-customization-job",
    account="123456789012",
    region="us-east-1",
    profile="",
    label="",
    tags=("team-support",),
    state="running",
    from_cli=True,
    from_config=False,
    added_at=0,
    asked_at=0,
    next_poll_at=0,
    confirmed_at=0,
    created_at=0,
    changed_at=0,
    ended_at=0,
    closing_at=0,
    failures=0,
    failing_since=0,
    blind_since=0,
    last_error="",
    mark=0,
    version=1,
    revision=1,
)
FACTS = response(
    1,
    status="Failed",
    minute=192,
    jobName="nova-support-v3",
    endTime="2026-11-20T11:12:00Z",
    failureMessage=WHY,
    trainingMetrics={"trainingLoss": 0.4217},
    outputModelArn="arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0:300k/abcdefghij12",
    validationMetrics=[{"validationLoss": 0.51}],
    statusDetails={"validationDetails": step("Completed", 2, 12), "trainingDetails": step("Failed", 12, 192)},
)
SNAPSHOT = read(FACTS)


def story(*transitions: Transition, job: Job | None = JOB, subject: str = "job/1", **more: object) -> Story:
    event = Event(41, subject, 3, transitions, SEEN)
    full = Story(event=event, now=SEEN, host="watchtower", job=job, snapshot=SNAPSHOT, steps=SNAPSHOT.steps)
    return replace(full, **more)  # type: ignore[arg-type]


FAILED = (
    StepChanged("training", "InProgress", "Failed", minute(12), minute(192)),
    StatusChanged("InProgress", "Failed", Outcome.FAILED, minute(192)),
    FailureExplained(WHY),
)


@pytest.mark.parametrize(
    ("transitions", "title"),
    [
        (FAILED, "[bedrock] FAILED nova-support-v3 (training) after 3h12m"),
        (
            [StatusChanged("InProgress", "Completed", Outcome.SUCCEEDED, minute(192))],
            "[bedrock] COMPLETED nova-support-v3 after 3h12m",
        ),
        (
            [StepChanged("training", "NotStarted", "InProgress", minute(12), minute(12))],
            "[bedrock] STARTED nova-support-v3 (training)",
        ),
        (
            [StepChanged("validation", "InProgress", "Completed", minute(2), minute(12))],
            "[bedrock] FINISHED nova-support-v3 (validation) after 10m",
        ),
        ([FailureExplained(WHY)], "[bedrock] FAILED nova-support-v3 (training): AWS says why"),
        ([Vanished("not found")], "[bedrock] LOST SIGHT OF nova-support-v3"),
        ([WatchLost("why", "do", minute(0))], "[bedrock] CANNOT WATCH nova-support-v3 since 08:00 UTC"),
        ([WatchRegained(minute(0))], "[bedrock] WATCHING AGAIN nova-support-v3 after 3h13m"),
        ([Appeared("InProgress")], "[bedrock] WATCHING nova-support-v3 (InProgress)"),
        ([FieldChanged("a", "1", "2")], "[bedrock] CHANGED nova-support-v3"),
    ],
)
def test_a_title_says_outcome_job_sub_task_and_duration(transitions: Sequence[Transition], title: str) -> None:
    assert compose(story(*transitions)).title == title


def test_a_title_of_a_channel_or_a_scope_names_it() -> None:
    dead = story(DeliveryDead("ml-slack", 2, "404"), job=None, subject="channel/ml-slack")
    lost = story(WatchLost("why", "", minute(0)), job=None, subject="scope/default@1/us-east-1/x")
    test = story(ChannelTest("ml-slack"), job=None, subject="channel/ml-slack")
    assert compose(dead).title == "[bedrock] UNDELIVERED to channel ml-slack"
    assert compose(lost).title == "[bedrock] CANNOT WATCH jobs of default@1/us-east-1/x since 08:00 UTC"
    assert compose(test).title == "[bedrock] TEST of channel ml-slack"


def test_a_failure_is_told_whole_and_first_line_first() -> None:
    """The order is a contract: what changed, the reason verbatim, the timeline, the facts, the footer."""
    body = write(compose(story(*FAILED)), Family.EMAIL).body
    parts = [
        "training: InProgress -> Failed at 2026-11-20 11:12:00 UTC, after 3h00m",
        "Job: InProgress -> Failed at 2026-11-20 11:12:00 UTC",
        f"failureMessage:\n  {WHY}",
        "  training    Failed     2026-11-20 08:12:00  3h00m",
        "base model        amazon.nova-lite-v1:0:300k",
        "type              FINE_TUNING",
        "training loss     0.4217",
        "validation loss   0.51",
        "output            s3://bucket-1/output",
        "region            us-east-1",
        "account           123456789012",
        f"ARN               {arn(1)}",
        "AWS's time 2026-11-20 11:12:00 UTC, seen 2026-11-20 11:13:00 UTC (1m later)",
        "event 41, bedrock-watch on watchtower",
    ]
    positions = [body.find(part) for part in parts]
    assert -1 not in positions, dict(zip(parts, positions, strict=True))
    assert positions == sorted(positions)


def test_the_running_sub_task_is_marked_and_has_a_duration_so_far() -> None:
    steps = read(response(statusDetails={"trainingDetails": step("InProgress", 13)})).steps
    body = write(compose(story(Appeared("InProgress"), steps=steps)), Family.TEXT).body
    assert "> training  InProgress  2026-11-20 08:13:00  3h00m" in body


def test_times_are_the_readers_with_their_offset_from_utc() -> None:
    body = write(compose(story(*FAILED, zone=ZoneInfo("Asia/Kolkata"))), Family.TEXT).body
    assert "training: InProgress -> Failed at 2026-11-20 16:42:00 +05:30, after 3h00m" in body
    assert "Sub-tasks (times are +05:30):" in body
    assert "2026-11-20 13:42:00  3h00m" in body


def test_a_repeat_and_a_late_message_say_so_first() -> None:
    body = write(compose(story(*FAILED, uncertain=True, revived=True)), Family.TEXT).body
    assert body.startswith("This may be a repeat")
    assert "Late: this was given up" in body


def test_every_message_has_a_body_and_a_severity() -> None:
    """Apprise refuses a title without a body."""
    for change in (*FAILED, Appeared("x"), ChannelTest("c"), WatchRegained(minute(0)), Vanished("x")):
        for family in Family:
            message = write(compose(story(change, job=None, snapshot=None, steps=())), family)
            assert message.body.strip()
            assert message.severity in Severity


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (-5, "0s"), (59, "59s"), (61, "1m01s"), (600, "10m"), (3599, "59m"), (3600, "1h00m"), (93_600, "1d2h")],
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert duration(seconds) == text


HOSTILE = [
    "<!channel> <@U123> <!subteam^S1> <http://x|y>",
    "@everyone @here @all <@1> <@&2>",
    "<script>alert(1)</script>",
    "[click](http://evil.example)",
    "``` out of the fence ```",
    "`` ` ```` `````",
    "\u202etxt.exe\u202c \u200f right to left",
    "bell \x07 and \x1b[31m colour",
    "Subject: x\r\nBcc: everyone@example.com",
    "*bold* _italic_ ~strike~ |spoiler|",
    "日本語" * 600,
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("family", list(Family))
def test_hostile_text_pings_nobody_injects_nothing_and_loses_no_word(text: str, family: Family) -> None:
    hostile = replace(JOB, name=text, label=text)
    message = write(compose(story(*FAILED[:2], FailureExplained(text), job=hostile)), family)
    both = message.title + "\n" + message.body
    assert "\r" not in both
    assert "\n" not in message.title
    assert not any(ord(one) < 32 and one not in "\n\t" for one in both)
    assert "\u202e" not in both
    if family is Family.SLACK:
        assert "<" not in message.body
        assert message.body.count("```") % 2 == 0
    if family is Family.CHAT:
        assert "@e" not in both
        assert "<@" not in both
        assert "](" not in both
        assert message.body.count("```") % 2 == 0
    plain = message.body.replace("\u200b", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    for word in cut(clean(text), 2500).split():
        assert word in plain


@given(text=st.text(max_size=400), family=st.sampled_from(list(Family)))
def test_no_text_at_all_leaves_its_fence(text: str, family: Family) -> None:
    message = write(compose(story(FailureExplained(text), *FAILED[:2], job=replace(JOB, label=text))), family)
    assert len(compose(story(*FAILED, job=replace(JOB, label=text))).title) <= 80
    if family in (Family.SLACK, Family.CHAT):
        assert message.body.count("```") % 2 == 0


def test_a_long_reason_keeps_its_head_and_its_tail() -> None:
    text = "".join(f"{number:05}" for number in range(2000))
    shown = cut(text, 2500)
    assert len(shown) <= 2500
    assert shown.startswith("00000")
    assert shown.endswith("01999")
    assert "characters left out" in shown
