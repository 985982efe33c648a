"""When to look, when to try again, who is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.clock import utc
from watcher.model import (
    DEFAULT_EVENTS,
    EVENTS,
    Appeared,
    DeliveryDead,
    FailureExplained,
    FieldChanged,
    Outcome,
    Severity,
    Snapshot,
    StatusChanged,
    StepChanged,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.policy import (
    SLOWEST_RETRY,
    Cadence,
    Route,
    is_blind,
    last_word_is_in,
    next_look,
    retry_look,
    retry_send,
    route,
    severity,
    topics,
)

LUCK = st.floats(0, 1, exclude_max=True)
CADENCES = st.tuples(st.floats(0.1, 600), st.floats(0, 600)).map(lambda pair: Cadence(pair[0], pair[0] + pair[1]))
ONE_OF_EACH: dict[str, Transition] = {
    "appeared": Appeared("InProgress"),
    "step": StepChanged("training", "NotStarted", "InProgress"),
    "status": StatusChanged("InProgress", "Stopping", Outcome.RUNNING),
    "completed": StatusChanged("InProgress", "Completed", Outcome.SUCCEEDED),
    "failed": StatusChanged("InProgress", "Failed", Outcome.FAILED),
    "stopped": StatusChanged("Stopping", "Stopped", Outcome.STOPPED),
    "failure_message": FailureExplained("why"),
    "field": FieldChanged("a", "1", "2"),
    "vanished": Vanished("gone"),
    "watch_lost": WatchLost("why", "what to do", utc(0)),
    "watch_regained": WatchRegained(utc(0)),
    "delivery_dead": DeliveryDead("slack", 1, "why"),
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


@given(attempts=st.integers(1, 10_000), luck=LUCK, asked=st.floats(0, 1e9))
def test_a_message_is_tried_again_within_a_quarter_of_an_hour_or_when_the_receiver_asks(
    attempts: int, luck: float, asked: float
) -> None:
    assert 0 < retry_send(attempts, luck, asked) <= max(1350, min(asked, 3600))


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


@pytest.mark.parametrize("name", EVENTS)
def test_a_channel_is_told_of_what_its_on_lists(name: str) -> None:
    change = [ONE_OF_EACH[name]]
    assert route(change, (), [Route("all", DEFAULT_EVENTS)]) == (() if name in ("appeared", "field") else ("all",))
    assert route(change, (), [Route("just", frozenset({name})), Route("others", frozenset(EVENTS) - {name})]) == (
        "just",
    )


@pytest.mark.parametrize(
    ("channel", "job", "told"),
    [((), (), True), ((), ("a",), True), (("a",), ("a", "b"), True), (("a",), ("b",), False), (("a",), (), False)],
)
def test_a_channel_with_tags_is_told_of_jobs_with_one_of_them(
    channel: tuple[str, ...],
    job: tuple[str, ...],
    told: bool,  # noqa: FBT001
) -> None:
    routes = [Route("it", DEFAULT_EVENTS, frozenset(channel))]
    assert bool(route([ONE_OF_EACH["failed"]], job, routes)) is told


def test_an_event_matters_as_much_as_its_worst_change() -> None:
    assert severity([ONE_OF_EACH["step"], ONE_OF_EACH["failed"]]) is Severity.FAILURE
    assert severity([ONE_OF_EACH["step"], ONE_OF_EACH["completed"]]) is Severity.SUCCESS
    assert severity([ONE_OF_EACH["watch_lost"]]) is Severity.WARNING
    assert severity([ONE_OF_EACH["step"]]) is Severity.INFO
