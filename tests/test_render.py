"""The words of the alerts, and that no text in them can do harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from support_jobs import arn, response, step
from support_stories import FACTS, FAILED, JOB, SEEN, WHY, minute, story

from watcher.bedrock.customization import read
from watcher.model import (
    Appeared,
    ChannelTest,
    DeliveryDead,
    FailureExplained,
    Family,
    FieldChanged,
    Outcome,
    Reminder,
    Severity,
    StatusChanged,
    StepChanged,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.render import compose, write
from watcher.render.facts import usual
from watcher.render.words import cut, duration

QUEUED = read(response(statusDetails={"validationDetails": step("NotStarted"), "trainingDetails": step("NotStarted")}))
RUNS = read(response(statusDetails={"trainingDetails": step("InProgress", 13)}))


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
        (
            [Appeared("InProgress"), Reminder("queued", minute(0), 60.0)],
            "[bedrock] STILL QUEUED nova-support-v3 after 3h13m",
        ),
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
        "base model       amazon.nova-lite-v1:0:300k",
        "type             FINE_TUNING",
        "training loss    0.4217",
        "validation loss  0.51",
        "output           s3://bucket-1/output",
        "region           us-east-1",
        "account          123456789012",
        f"ARN              {arn(1)}",
        "AWS's time 2026-11-20 11:12:00 UTC, seen 2026-11-20 11:13:00 UTC (1m later)",
        "event 41, bedrock-watch on watchtower",
    ]
    positions = [body.find(part) for part in parts]
    assert -1 not in positions, dict(zip(parts, positions, strict=True))
    assert positions == sorted(positions)


def test_the_running_sub_task_is_marked_and_has_a_duration_so_far() -> None:
    body = write(compose(story(Appeared("InProgress"), steps=RUNS.steps)), Family.TEXT).body
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


def test_a_long_reason_keeps_its_head_and_its_tail() -> None:
    text = "".join(f"{number:05}" for number in range(2000))
    shown = cut(text, 2500)
    assert len(shown) <= 2500
    assert shown.startswith("00000")
    assert shown.endswith("01999")
    assert "characters left out" in shown


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (Reminder("overdue", minute(0), 3600), "[bedrock] OVERDUE nova-support-v3 (training) after 3h13m"),
        (Reminder("stalled", minute(13), 3600), "[bedrock] STALLED nova-support-v3 (training): no change for 3h00m"),
        (Reminder("stopping", minute(153), 1800), "[bedrock] STILL STOPPING nova-support-v3 after 40m"),
        (Reminder("queued", minute(0), 7200), "[bedrock] STILL QUEUED nova-support-v3 after 3h13m"),
    ],
)
def test_a_reminder_says_what_lasts_how_long_and_since_when(change: Reminder, title: str) -> None:
    doc = compose(story(change, snapshot=RUNS, steps=RUNS.steps, status="InProgress"))
    assert doc.title == title
    assert f"since 2026-11-20 {change.since_at:%H:%M:%S} UTC" in doc.lines[0]
    assert duration(change.limit) in doc.lines[0]


def test_a_job_that_waits_for_its_turn_is_called_queued() -> None:
    """AWS calls it InProgress, which would be read as running."""
    doc = compose(story(Appeared("InProgress"), snapshot=QUEUED, steps=QUEUED.steps, status="InProgress"))
    assert doc.title == "[bedrock] WATCHING nova-support-v3 (queued)"
    assert "Queued since 2026-11-20 08:00:00 UTC: no sub-task has started yet." in doc.lines
    running = compose(story(Appeared("InProgress"), snapshot=RUNS, steps=RUNS.steps, status="InProgress"))
    assert not any("Queued" in line for line in running.lines)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        ((), ""),
        ((180,), "an earlier job like it took 3h00m"),
        ((170, 185), "2 earlier jobs like it took 2h50m to 3h05m"),
        ((170, 180, 190, 210), "4 earlier jobs like it took 2h50m to 3h30m, median 3h05m"),
        ((180, 180, 180), "3 earlier jobs like it took 3h00m"),
    ],
)
def test_earlier_jobs_are_compared_with_in_one_phrase(minutes: Sequence[int], words: str) -> None:
    assert usual([timedelta(minutes=minute) for minute in minutes]) == words


def test_a_job_that_did_not_complete_shows_no_output_model() -> None:
    """Its name was asked for; the model does not exist."""
    names = {name for name, _ in compose(story(*FAILED)).facts}
    assert not names & {"output model", "output model ARN", "took"}


def test_a_title_is_never_an_arn_and_never_too_long() -> None:
    """A job that was just added is known by its ARN alone; AWS may send any word for a status."""
    nameless = replace(JOB, name="")
    assert compose(story(*FAILED, job=nameless)).title == "[bedrock] FAILED abcdefghij01 (training) after 3h12m"
    named = replace(JOB, label=arn(2))
    assert "arn:" not in compose(story(*FAILED, job=named)).title
    long = replace(JOB, label="x" * 300)
    odd = StatusChanged("InProgress", "A" * 300, Outcome.RUNNING, minute(90_000))
    steps = (replace(RUNS.steps[0], name="y" * 300),)
    assert len(compose(story(odd, job=long, steps=steps)).title) <= 80


def test_news_that_waited_long_to_be_sent_says_so() -> None:
    footer = compose(story(*FAILED, now=SEEN + timedelta(hours=2))).footer
    assert "sent 2026-11-20 13:13:00 UTC (2h00m after it was seen)" in footer
    assert not any(line.startswith("sent") for line in compose(story(*FAILED)).footer)


def test_news_of_one_job_is_one_conversation_and_endings_leave_its_thread() -> None:
    step_news = StepChanged("training", "NotStarted", "InProgress", minute(12), minute(12))
    quiet, loud = (write(compose(story(*changes)), Family.SLACK) for changes in ((step_news,), FAILED))
    assert quiet.conversation == loud.conversation == arn(1)
    assert (quiet.broadcast, loud.broadcast) == (False, True)
    test = story(ChannelTest("x"), job=None, snapshot=None, steps=(), subject="channel/x")
    assert write(compose(test), Family.EMAIL).conversation == "watchtower/channel/x"


@pytest.mark.parametrize("limit", [160, 600, 1000, 2000, 4000])
@pytest.mark.parametrize("family", list(Family))
def test_a_message_is_as_short_as_its_channel_needs(family: Family, limit: int) -> None:
    """Discord takes 2000 characters, and AWS may send 2048: what is cut is the middle of it, and no fence is left open."""
    long = FailureExplained("<" * 1000 + "`@*" * 349 + "!")
    message = write(compose(story(*FAILED[:2], long)), family, limit)
    assert len(message.title) + 2 + len(message.body) <= limit
    assert message.body.count("```") % 2 == 0
    if 1000 <= limit <= 2000:
        assert "bedrock-watch show" in message.body


def test_what_does_not_fit_leaves_out_facts_before_the_reason() -> None:
    why = "word " * 300
    body = write(compose(story(*FAILED[:2], FailureExplained(why))), Family.CHAT, 2000).body
    assert why.strip() in body
    assert "base model" not in body


@pytest.mark.parametrize("loss", [10**400, 1e308, True, "x", None, [1]])
@pytest.mark.parametrize("family", list(Family))
def test_no_metric_that_json_can_hold_breaks_a_message(loss: object, family: Family) -> None:
    facts = {**FACTS, "trainingMetrics": {"trainingLoss": loss}, "validationMetrics": [{"validationLoss": loss}, loss]}
    done = StatusChanged("InProgress", "Completed", Outcome.SUCCEEDED, minute(192))
    message = write(compose(story(done, snapshot=read({**facts, "status": "Completed"}))), family)
    assert "COMPLETED nova-support-v3" in message.title
