"""When to look, when to try again, who is told."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.clock import utc
from watcher.model import (
    DEFAULT_EVENTS,
    EVENTS,
    QUIET_EVENTS,
    Appeared,
    ChannelStuck,
    Crash,
    DeliveryDead,
    FailureExplained,
    FieldChanged,
    Gap,
    Operator,
    Outcome,
    Reminder,
    Severity,
    Snapshot,
    StatusChanged,
    Step,
    StepChanged,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.policy import (
    SLOWEST_RETRY,
    Cadence,
    Digest,
    Limits,
    Route,
    Traits,
    is_blind,
    last_word_is_in,
    next_look,
    post,
    remind,
    retry_look,
    retry_send,
    severity,
    topics,
)
from watcher.policy.reminders import EVERY

LUCK = st.floats(0, 1, exclude_max=True)
CADENCES = st.tuples(st.floats(0.1, 600), st.floats(0, 600)).map(lambda pair: Cadence(pair[0], pair[0] + pair[1]))
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ONE_OF_EACH: dict[str, Transition] = {
    "appeared": Appeared("InProgress"),
    "step": StepChanged("training", "NotStarted", "InProgress"),
    "status": StatusChanged("InProgress", "Stopping", Outcome.RUNNING),
    "completed": StatusChanged("InProgress", "Completed", Outcome.SUCCEEDED),
    "partially_completed": StatusChanged("InProgress", "PartiallyCompleted", Outcome.PARTIAL),
    "expired": StatusChanged("InProgress", "Expired", Outcome.EXPIRED),
    "failed": StatusChanged("InProgress", "Failed", Outcome.FAILED),
    "stopped": StatusChanged("Stopping", "Stopped", Outcome.STOPPED),
    "failure_message": FailureExplained("why"),
    "field": FieldChanged("a", "1", "2"),
    "vanished": Vanished("gone"),
    "watch_lost": WatchLost("why", "what to do", utc(0)),
    "watch_regained": WatchRegained(utc(0)),
    "delivery_dead": DeliveryDead("slack", 1, "why"),
    "channel_stuck": ChannelStuck("slack", "timed out", 3, utc(0)),
    "gap": Gap(utc(0), utc(60), "killed"),
    "crash": Crash(3, "polling job a", "KeyError: 1", "job a", utc(0)),
    "operator": Operator("alice", "mute", "job a"),
    "overdue": Reminder("overdue", utc(0), 60.0),
    "stalled": Reminder("stalled", utc(0), 60.0),
    "queued": Reminder("queued", utc(0), 60.0),
    "stopping": Reminder("stopping", utc(0), 60.0),
}


@given(cadence=CADENCES, quiet=st.floats(0, 1e7), luck=LUCK)
def test_the_cadence_stays_within_its_bounds(cadence: Cadence, quiet: float, luck: float) -> None:
    """Give or take the ten per cent of luck."""
    assert 0.9 * cadence.fastest <= next_look(cadence, quiet, luck) <= 1.1 * cadence.slowest


@given(cadence=CADENCES, quiet=st.floats(0, 1e6), more=st.floats(0, 1e6), luck=LUCK)
def test_a_quieter_job_is_never_looked_at_sooner(cadence: Cadence, quiet: float, more: float, luck: float) -> None:
    assert next_look(cadence, quiet, luck) <= next_look(cadence, quiet + more, luck)


@pytest.mark.parametrize(("quiet", "delay"), [(0, 30), (300, 30), (600, 60), (3600, 120), (86_400, 120)])
def test_the_delay_is_a_tenth_of_the_quiet_time(quiet: float, delay: float) -> None:
    assert next_look(Cadence(), quiet, 0.5) == pytest.approx(delay)


@given(cadence=CADENCES, failures=st.integers(1, 10_000), luck=LUCK, asked=st.floats(0, 1e6))
def test_a_failing_job_is_asked_again_in_time(cadence: Cadence, failures: int, luck: float, asked: float) -> None:
    assert retry_look(cadence, failures, luck, asked) <= 1.1 * max(SLOWEST_RETRY, cadence.fastest)


def test_a_failing_group_doubles_its_delay() -> None:
    assert [round(retry_look(Cadence(), failures, 0.5)) for failures in (1, 2, 3, 4)] == [30, 60, 120, 120]


@given(attempts=st.integers(1, 10_000), luck=LUCK)
def test_a_message_is_tried_again_within_a_quarter_of_an_hour(attempts: int, luck: float) -> None:
    """A receiver's own wish pauses the whole channel: see test_pauses."""
    assert 0 < retry_send(attempts, luck) <= 1350


def test_a_message_waits_twice_as_long_after_each_try_with_jitter() -> None:
    middle = [retry_send(attempts, 0.5) for attempts in range(1, 12)]
    assert middle == [min(middle[0] * 2**times, 900.0) for times in range(11)]
    assert middle[0] == 5.0
    assert [retry_send(1, luck) for luck in (0.0, 0.99)] == [middle[0] * 0.5, middle[0] * 1.49]


@pytest.mark.parametrize(("since", "failures", "blind"), [(0, 3, True), (0, 2, False), (401, 9, False), (400, 9, True)])
def test_blind_means_long_enough_and_often_enough(since: float, failures: int, blind: bool) -> None:  # noqa: FBT001
    assert is_blind(Cadence(), since, failures, 1000.0) is blind


@pytest.mark.parametrize(
    ("outcome", "failure", "final"),
    [
        (Outcome.RUNNING, "", False),
        (Outcome.SUCCEEDED, "", True),
        (Outcome.STOPPED, "", True),
        (Outcome.FAILED, "", False),
        (Outcome.FAILED, "why", True),
    ],
)
def test_only_a_failed_job_owes_a_last_word(outcome: Outcome, failure: str, final: bool) -> None:  # noqa: FBT001
    assert last_word_is_in(Snapshot("x", outcome, failure=failure)) is final


def test_every_transition_has_an_event_name_and_every_name_a_transition() -> None:
    assert {name: topics([change]) for name, change in ONE_OF_EACH.items()} == {
        name: frozenset({name}) for name in EVENTS
    }


def told(change: Transition, route: Route, job: Traits = Traits()) -> bool:  # noqa: B008 - it is frozen
    return bool(post([change], [job], [route], NOON))


@pytest.mark.parametrize("name", EVENTS)
def test_a_channel_is_told_of_what_its_on_lists(name: str) -> None:
    change = ONE_OF_EACH[name]
    assert told(change, Route("all", DEFAULT_EVENTS)) is (name not in QUIET_EVENTS)
    assert told(change, Route("just", frozenset({name})))
    assert not told(change, Route("others", frozenset(EVENTS) - {name}))


JOB = Traits(
    frozenset({"team-a", "gpu"}), "123456789012", "us-east-1", ("support bot", "nova-support-v3", "abcdefghij12")
)


@pytest.mark.parametrize(
    ("choice", "wanted", "reason"),
    [
        ({}, True, "it is told of every job"),
        ({"tags": {"team-a"}}, True, "the job fits its tags"),
        ({"tags": {"team-b", "team-a"}}, True, "the job fits its tags"),
        ({"tags": {"team-b"}}, False, "tags = team-b; the job has gpu, team-a"),
        ({"accounts": {"123456789012"}, "regions": {"us-east-1"}}, True, "the job fits its accounts, regions"),
        ({"accounts": {"999999999999"}}, False, "accounts = 999999999999; the job has 123456789012"),
        ({"regions": {"eu-west-1"}}, False, "regions = eu-west-1; the job has us-east-1"),
        ({"names": ("nova-*",)}, True, "the job fits its names"),
        ({"names": ("support*",)}, True, "the job fits its names"),
        (
            {"names": ("NOVA-*", "x")},
            False,
            "names = NOVA-*, x; the job has support bot, nova-support-v3, abcdefghij12",
        ),
        ({"tags": {"team-a"}, "names": ("titan-*",)}, False, "names = titan-*"),
    ],
)
def test_a_channel_chooses_its_jobs_and_says_why(choice: dict[str, Any], wanted: bool, reason: str) -> None:  # noqa: FBT001
    sets: dict[str, Any] = {key: value if key == "names" else frozenset(value) for key, value in choice.items()}
    verdict = Route("it", DEFAULT_EVENTS, **sets).wants_job(JOB)
    assert verdict.told is wanted
    assert verdict.reason.startswith(reason)
    assert told(ONE_OF_EACH["failed"], Route("it", DEFAULT_EVENTS, **sets), JOB) is wanted


def test_jobs_that_nobody_has_seen_may_have_any_tags_and_names_but_one_place() -> None:
    unseen = Traits(account="123456789012", region="us-east-1", unseen=True)
    assert Route("it", DEFAULT_EVENTS, tags=frozenset({"x"}), names=("y",)).wants_job(unseen).told
    verdict = Route("it", DEFAULT_EVENTS, regions=frozenset({"eu-west-1"})).wants_job(unseen)
    assert (verdict.told, verdict.reason) == (False, "regions = eu-west-1; the job has us-east-1")


def test_a_channel_says_what_a_job_lacks() -> None:
    bare = Traits(region="us-east-1", names=("x",))
    assert Route("it", DEFAULT_EVENTS, tags=frozenset({"x"})).wants_job(bare).reason == "tags = x; the job has none"
    wanted = Route("it", DEFAULT_EVENTS, accounts=frozenset({"123456789012"}))
    assert wanted.wants_job(bare).reason == "accounts = 123456789012; the job has none that is known yet"


def test_a_scopes_news_goes_to_every_channel_that_any_of_its_jobs_is_the_business_of() -> None:
    routes = [Route("a", DEFAULT_EVENTS, frozenset({"a"})), Route("b", DEFAULT_EVENTS, frozenset({"b"}))]
    routes.append(Route("c", DEFAULT_EVENTS, frozenset({"c"})))
    jobs = [Traits(frozenset({"b"})), Traits(frozenset({"a"})), Traits(frozenset({"a"}))]
    assert [one.channel for one in post([ONE_OF_EACH["watch_lost"]], jobs, routes, NOON)] == ["a", "b"]


@pytest.mark.parametrize("name", EVENTS)
def test_a_digest_holds_back_what_is_not_urgent_until_its_hour(name: str) -> None:
    change = ONE_OF_EACH[name]
    route = Route("it", frozenset(EVENTS), digest=Digest(9, 0, UTC))
    (posting,) = post([change], [Traits()], [route], NOON)
    if severity([change]) in (Severity.FAILURE, Severity.WARNING):
        assert (posting.fold, posting.hold_until) == ("", 0.0)
    else:
        assert (posting.fold, posting.hold_until) == ("digest", (NOON + timedelta(hours=21)).timestamp())


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-03-28T12:00+01:00", "2026-03-29T09:00+02:00"),  # the night has one hour less
        ("2026-10-24T12:00+02:00", "2026-10-25T09:00+01:00"),  # and one more
        ("2026-07-01T08:59+02:00", "2026-07-01T09:00+02:00"),
        ("2026-07-01T09:00+02:00", "2026-07-02T09:00+02:00"),
    ],
)
def test_a_digest_comes_at_the_readers_hour(now: str, then: str) -> None:
    digest = Digest(9, 0, ZoneInfo("Europe/Berlin"))
    assert digest.next_after(datetime.fromisoformat(now)) == datetime.fromisoformat(then)


def running(status: str = "InProgress", *, steps: tuple[Step, ...] = (), changed: float = 0) -> Snapshot:
    return Snapshot(status, Outcome.RUNNING, steps, created_at=NOON, changed_at=NOON + timedelta(minutes=changed))


WAITING, WORKING = (Step("training", "NotStarted"),), (Step("training", "InProgress"),)


@pytest.mark.parametrize(
    ("snapshot", "minutes", "usual", "expected", "due"),
    [
        (running(steps=WORKING), 10 * 60, (), 0, []),
        (running(steps=WORKING), 13 * 60, (), 0, ["stalled"]),
        (running(steps=WORKING, changed=60), 12 * 60 + 30, (), 0, []),
        (running(steps=WAITING), 3 * 60, (), 0, []),
        (running(steps=WAITING), 5 * 60, (3600.0,) * 9, 0, ["queued"]),
        (running("Stopping", steps=WORKING), 25, (), 0, []),
        (running("Stopping", steps=WORKING), 31, (), 0, ["stopping"]),
        (running(steps=WORKING), 5 * 60, (), 4 * 3600, ["overdue"]),
        (running(steps=WORKING), 3 * 60, (), 4 * 3600, []),
        (running(steps=WORKING), 130, (3600.0, 3500.0, 9000.0), 0, ["overdue"]),
        (running(steps=WORKING), 110, (3600.0, 3500.0, 9000.0), 0, []),
        (running(steps=WORKING), 130, (3600.0, 3500.0), 0, []),
        (replace(running(), outcome=Outcome.SUCCEEDED), 99 * 60, (), 60, []),
    ],
)
def test_what_lasts_too_long_is_told(
    snapshot: Snapshot, minutes: float, usual: tuple[float, ...], expected: float, due: list[str]
) -> None:
    now = NOON + timedelta(minutes=minutes)
    found = remind(snapshot, Limits(), now, expected=expected, usual=usual, told=frozenset())
    assert [one.what for one in found.due] == due
    again = remind(snapshot, Limits(), now + timedelta(minutes=1), expected=expected, usual=usual, told=found.told)
    assert (again.due, again.told) == ((), found.told)


@pytest.mark.parametrize(
    ("usual", "minutes"),
    [((600.0, 6000.0, 60.0), 20), ((600.0, 1200.0, 60.0, 6000.0), 30), ((6000.0, 1200.0, 600.0, 60.0, 6000.0), 40)],
)
def test_overdue_is_twice_the_median_of_earlier_jobs(usual: tuple[float, ...], minutes: float) -> None:
    job, at = running(steps=WORKING), NOON + timedelta(minutes=minutes)
    early = remind(job, Limits(), at - timedelta(seconds=1), expected=0, usual=usual, told=frozenset())
    assert (early.due, early.next_at) == ((), at)
    assert [one.what for one in remind(job, Limits(), at, expected=0, usual=usual, told=frozenset()).due] == ["overdue"]


@pytest.mark.parametrize(("expected", "hours"), [(3 * 3600.0, 3), (20 * 3600.0, 12)])
def test_the_next_look_is_for_what_comes_first(expected: float, hours: float) -> None:
    """A job is stalled after twelve hours; the one that is expected to take longer is not overdue before."""
    found = remind(running(steps=WORKING), Limits(), NOON, expected=expected, usual=(), told=frozenset())
    assert found.next_at == NOON + timedelta(hours=hours)


def test_a_job_without_a_change_time_is_stalled_from_its_creation_on() -> None:
    job = replace(running(steps=WORKING), changed_at=None)
    found = remind(job, Limits(), NOON + timedelta(hours=13), expected=0, usual=(), told=frozenset())
    assert [(one.what, one.since_at) for one in found.due] == [("stalled", NOON)]
    for nowhen in (replace(job, created_at=None), replace(job, created_at=None, changed_at=NOON)):
        found = remind(nowhen, Limits(), NOON + timedelta(days=1), expected=60, usual=(), told=frozenset())
        assert (found.due, found.next_at) == ((), None)


def test_a_new_episode_is_told_anew() -> None:
    """Once per episode: a job that stalls, moves, and stalls again is told of twice."""
    first = remind(running(steps=WORKING), Limits(), NOON + timedelta(hours=13), expected=0, usual=(), told=frozenset())
    moved = running(steps=WORKING, changed=14 * 60)
    calm = remind(moved, Limits(), NOON + timedelta(hours=15), expected=0, usual=(), told=first.told)
    assert calm.due == ()
    assert calm.next_at == NOON + timedelta(hours=26)
    again = remind(moved, Limits(), NOON + timedelta(hours=27), expected=0, usual=(), told=calm.told)
    assert [one.what for one in again.due] == ["stalled"]


def test_a_reminder_that_is_switched_off_never_comes() -> None:
    off = Limits(0, 0, 0, 0)
    for snapshot in (running(steps=WORKING), running(steps=WAITING), running("Stopping")):
        now = NOON + timedelta(days=99)
        assert remind(snapshot, off, now, expected=0, usual=(60.0,) * 5, told=frozenset()).due == ()


def test_an_event_matters_as_much_as_its_worst_change() -> None:
    assert severity([ONE_OF_EACH["step"], ONE_OF_EACH["failed"]]) is Severity.FAILURE
    assert severity([ONE_OF_EACH["step"], ONE_OF_EACH["completed"]]) is Severity.SUCCESS
    assert severity([ONE_OF_EACH["watch_lost"]]) is Severity.WARNING
    assert severity([ONE_OF_EACH["step"]]) is Severity.INFO


@pytest.mark.parametrize(("snapshot", "what"), [(running(steps=WORKING), "stalled"), (running("Submitted"), "queued")])
def test_a_reminder_that_makes_no_sense_for_a_kind_never_comes(snapshot: Snapshot, what: str) -> None:
    """People take weeks over an evaluation: that it does not change is nothing to be reminded of."""
    now = NOON + timedelta(hours=13)
    for possible, due in ((EVERY, [what]), (EVERY - {what}, [])):
        found = remind(snapshot, Limits(), now, expected=0, usual=(), told=frozenset(), possible=possible)
        assert [one.what for one in found.due] == due


@pytest.mark.parametrize("zone", [None, ZoneInfo("Europe/Berlin")])
@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-28T12:00:00+00:00", "2026-03-29T07:00:00+00:00"),  # the night in which summer time begins
        ("2026-03-29T00:30:00+00:00", "2026-03-29T07:00:00+00:00"),
        ("2026-10-24T12:00:00+00:00", "2026-10-25T08:00:00+00:00"),  # and in which it ends
        ("2026-10-25T00:30:00+00:00", "2026-10-25T08:00:00+00:00"),
        ("2026-07-01T07:00:00+00:00", "2026-07-02T07:00:00+00:00"),
    ],
)
def test_a_digest_keeps_its_hour_when_summer_time_begins_or_ends(
    monkeypatch: pytest.MonkeyPatch, zone: ZoneInfo | None, now: str, due: str
) -> None:
    """With a ``timezone``, and in the machine's own."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert Digest(9, 0, zone).next_after(datetime.fromisoformat(now)) == datetime.fromisoformat(due)
    finally:
        monkeypatch.undo()
        time.tzset()
