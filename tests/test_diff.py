"""What happened between two looks: tables of real cases, and what must hold of any two."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_jobs import BORN, at, histories, response, step

from watcher.bedrock.customization import read
from watcher.diff import diff, is_stale, merge
from watcher.model import (
    Appeared,
    FailureExplained,
    FieldChanged,
    Outcome,
    Snapshot,
    StatusChanged,
    StepChanged,
    Transition,
)

WHY = "Could not validate GetObject permissions to access Amazon S3 bucket: training-data-bucket at key train.jsonl"


def changes(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[Transition]:
    """Return the transitions between two responses, fields left aside."""
    before = None if old is None else read(old)
    return [one for one in diff(before, read(merge(old or {}, new))) if not isinstance(one, FieldChanged)]


def fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the fields that moved between two responses."""
    told = diff(read(old), read(merge(old, new)))
    return {one.path: (one.old, one.new) for one in told if isinstance(one, FieldChanged)}


def moment(minutes: float) -> datetime:
    return BORN + timedelta(minutes=minutes)


def test_a_running_job_at_first_sight_is_a_baseline() -> None:
    """Steps that are already done are not told as if they had just ended."""
    seen = response(minute=9, statusDetails={"validationDetails": step("Completed", 1, 9)})
    assert changes(None, seen) == [Appeared("InProgress")]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("Completed", Outcome.SUCCEEDED), ("Failed", Outcome.FAILED), ("Stopped", Outcome.STOPPED)],
)
def test_a_job_that_is_over_at_first_sight_is_told(status: str, outcome: Outcome) -> None:
    told = changes(None, response(status=status, minute=30))
    assert [(one.old, one.new, one.outcome) for one in told if isinstance(one, StatusChanged)] == [
        ("", status, outcome)
    ]


def test_a_job_that_is_over_at_first_sight_ended_when_aws_says_so_and_gives_its_reason() -> None:
    over = response(status="Failed", minute=30, endTime=at(20), failureMessage=WHY)
    told, why = changes(None, over)
    assert (told, why) == (
        StatusChanged("", "Failed", Outcome.FAILED, moment(20)),
        FailureExplained(WHY),
    )
    assert changes(None, {**over, "endTime": None})[0] == StatusChanged("", "Failed", Outcome.FAILED, moment(30))
    assert [type(one) for one in changes(None, {**over, "failureMessage": None})] == [StatusChanged]


def test_what_an_endpoint_sends_as_failure_message_of_a_job_that_went_well_is_no_reason() -> None:
    assert [type(one) for one in changes(None, response(status="Completed", failureMessage="x"))] == [StatusChanged]


def test_a_job_ends_when_aws_says_so_and_changes_when_it_was_modified() -> None:
    (ended,) = changes(response(), response(status="Completed", minute=30, endTime=at(20)))
    assert ended == StatusChanged("InProgress", "Completed", Outcome.SUCCEEDED, moment(20))
    (stopping,) = changes(response(), response(status="Stopping", minute=30, endTime=at(20)))
    assert isinstance(stopping, StatusChanged)
    assert stopping.changed_at == moment(30)


def test_a_sub_task_that_is_set_back_to_its_start_is_told() -> None:
    old = response(statusDetails={"trainingDetails": step("InProgress", 5)})
    (told,) = changes(old, response(minute=9, statusDetails={"trainingDetails": step("NotStarted")}))
    assert isinstance(told, StepChanged)
    assert (told.old, told.new) == ("InProgress", "NotStarted")


def test_steps_come_before_the_job_and_the_reason_comes_last() -> None:
    old = response(minute=5, statusDetails={"trainingDetails": step("InProgress", 5)})
    new = response(
        status="Failed", minute=9, failureMessage=WHY, statusDetails={"trainingDetails": step("Failed", 5, 9)}
    )
    assert [type(one) for one in changes(old, new)] == [StepChanged, StatusChanged, FailureExplained]


def test_a_step_that_began_and_ended_between_two_looks_is_told_with_both_its_times() -> None:
    old = response(statusDetails={"validationDetails": step("NotStarted")})
    new = response(minute=9, statusDetails={"validationDetails": step("Completed", 1, 9)})
    (told,) = changes(old, new)
    assert isinstance(told, StepChanged)
    assert (told.old, told.new) == ("NotStarted", "Completed")
    assert told.started_at is not None
    assert told.changed_at is not None
    assert (told.changed_at - told.started_at).total_seconds() == 8 * 60


def test_a_sub_task_that_we_have_never_heard_of_is_told_in_words() -> None:
    old = response(statusDetails={})
    new = response(minute=2, statusDetails={"rewardModelDetails": step("InProgress", 2)})
    (told,) = changes(old, new)
    assert isinstance(told, StepChanged)
    assert (told.step, told.new) == ("reward model", "InProgress")


def test_a_sub_task_that_is_first_mentioned_before_it_began_is_not_news() -> None:
    old = response(statusDetails={"validationDetails": step("InProgress", 1)})
    new = response(minute=1, statusDetails={"trainingDetails": step("NotStarted")})
    assert changes(old, new) == []


def test_an_unknown_status_is_running_and_told_in_awss_word() -> None:
    (told,) = changes(response(), response(status="Hibernating", minute=2))
    assert isinstance(told, StatusChanged)
    assert (told.new, told.outcome) == ("Hibernating", Outcome.RUNNING)


@pytest.mark.parametrize(
    "new",
    [
        response(minute=55),
        {key: value for key, value in response().items() if key != "baseModelArn"},
        {**response(), "customizationType": None},
    ],
    ids=["lastModifiedTime alone", "a field left out", "a field that is null"],
)
def test_what_is_not_news(new: dict[str, Any]) -> None:
    old = response()
    assert diff(read(old), read(merge(old, new))) == ()


def test_the_return_of_a_field_that_was_left_out_is_not_news_either() -> None:
    full = response()
    short = {key: value for key, value in full.items() if key != "outputModelName"}
    remembered = merge(merge({}, full), short)
    assert diff(read(remembered), read(merge(remembered, full))) == ()


def test_a_constant_failure_message_of_a_running_job_is_a_field_and_no_failure() -> None:
    """Moto sends one always, from the start."""
    old, new = response(), response(failureMessage="Failure Message", minute=1)
    assert changes(old, new) == []
    assert fields(old, new) == {"failureMessage": ('""', '"Failure Message"')}


def test_a_failure_message_that_was_there_all_along_is_told_when_the_job_fails() -> None:
    old = response(failureMessage="Failure Message")
    told = changes(old, response(status="Failed", failureMessage="Failure Message", minute=3))
    assert FailureExplained("Failure Message") in told


def test_a_reason_that_comes_later_is_told_alone() -> None:
    old = response(status="Failed", minute=9)
    assert changes(old, response(status="Failed", minute=9, failureMessage=WHY)) == [FailureExplained(WHY)]


def test_a_failed_sub_task_of_a_running_job_explains_itself() -> None:
    old = response(statusDetails={"validationDetails": step("InProgress", 1)})
    new = response(minute=2, failureMessage=WHY, statusDetails={"validationDetails": step("Failed", 1, 2)})
    assert [type(one) for one in changes(old, new)] == [StepChanged, FailureExplained]


def test_fields_are_told_by_their_path_and_as_json() -> None:
    old = response(hyperParameters={"epochCount": "1"})
    new = response(minute=1, hyperParameters={"epochCount": "2"}, trainingMetrics={"trainingLoss": 0.5})
    assert fields(old, new) == {
        "hyperParameters.epochCount": ('"1"', '"2"'),
        "trainingMetrics.trainingLoss": ("", "0.5"),
    }
    assert fields(new, response(minute=2, vpcConfig={})) == {"vpcConfig": ("", "{}")}


def test_unknown_members_of_a_sub_task_are_told_as_fields() -> None:
    old = response(statusDetails={"trainingDetails": step("InProgress", 1)})
    new = response(minute=2, statusDetails={"trainingDetails": {**step("InProgress", 1), "epoch": 3}})
    assert fields(old, new) == {"statusDetails.trainingDetails.epoch": ("", "3")}


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        (response(minute=5), response(minute=4), True),
        (response(minute=5), response(minute=5), False),
        (response(minute=5), response(minute=6), False),
        (response(minute=5, status="Failed"), response(minute=5), True),
        (response(minute=5, status="Failed"), response(minute=6), False),
        (response(minute=5, status="Failed"), response(minute=5, status="Failed", failureMessage=WHY), False),
        (response(minute=5, status="Failed"), {**response(), "lastModifiedTime": None}, True),
        ({**response(status="Failed"), "lastModifiedTime": None}, response(minute=5), True),
        (response(minute=5), {**response(), "lastModifiedTime": None}, False),
    ],
)
def test_an_older_response_is_known_as_one(old: dict[str, Any], new: dict[str, Any], stale: bool) -> None:  # noqa: FBT001
    assert is_stale(read(old), read(new)) is stale


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MORE = st.dictionaries(
    st.sampled_from(["hyperParameters", "trainingMetrics", "vpcConfig", "new", "x"]), JSON, max_size=3
)


@given(life=histories(), more=MORE)
def test_nothing_has_happened_between_a_snapshot_and_itself(life: list[dict[str, Any]], more: dict[str, Any]) -> None:
    for facts in life:
        seen = read({**facts, **more})
        assert diff(seen, seen) == ()


@given(old=MORE, new=MORE)
def test_what_is_remembered_makes_no_news_twice(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Merge is idempotent, and merging what was merged already changes nothing."""
    once = merge(merge({}, old), new)
    assert merge(once, new) == once
    assert diff(read({**response(), **once}), read({**response(), **merge(once, new)})) == ()


@given(life=histories(), mores=st.lists(MORE, min_size=8, max_size=8))
def test_transitions_replay_the_old_into_the_new(life: list[dict[str, Any]], mores: list[dict[str, Any]]) -> None:
    """Nothing that a reader could see is missing from the transitions."""
    facts: dict[str, Any] = {}
    seen: list[Snapshot] = []
    for one, more in zip(life, mores, strict=False):
        facts = merge(facts, {**more, **one})
        seen.append(read(facts))
    for old, new in pairwise(seen):
        state = {step.name: step.status for step in old.steps}
        status, failure = old.status, old.failure
        leaves = dict(_leaves(old))
        for change in diff(old, new):
            match change:
                case StepChanged():
                    assert state.get(change.step, "") == change.old
                    state[change.step] = change.new
                case StatusChanged():
                    assert status == change.old
                    status = change.new
                case FailureExplained():
                    failure = change.text
                case FieldChanged():
                    assert leaves.get(change.path, "") == change.old
                    leaves[change.path] = change.new
                case _:
                    raise AssertionError(change)
        assert state == {step.name: step.status for step in new.steps}
        assert status == new.status
        assert failure == new.failure
        assert {path: text for path, text in leaves.items() if text} == dict(_leaves(new))


def _leaves(snapshot: Snapshot) -> list[tuple[str, str]]:
    from watcher.diff import _leaves as leaves  # noqa: PLC0415 - the form in which fields are told

    return list(leaves(snapshot.rest))
