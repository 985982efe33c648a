"""What is said of jobs of each kind: what a status means, what to do, where to read on, how far a batch is."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_jobs import BORN
from support_stories import JOB, SEEN, WHY, ending, of_each_kind, story

from watcher.bedrock.kind import MalformedResponse
from watcher.bedrock.kinds import KINDS
from watcher.diff import diff
from watcher.model import (
    NOUNS,
    Event,
    FailureExplained,
    Family,
    Outcome,
    Reminder,
    Severity,
    StatusChanged,
    Vanished,
    WatchLost,
)
from watcher.policy import severity
from watcher.render import Story, compose, compose_summary, write
from watcher.render.advice import advise
from watcher.render.particulars import Records, committed_until, records_of
from watcher.simulator import SCENARIOS, Script, others
from watcher.simulator.timeline import begin
from watcher.sweep.watched import mark_of_facts


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_found_no_more_may_have_been_deleted_where_that_can_be(kind: str) -> None:
    job = replace(JOB, kind=kind)
    lines = compose(story(Vanished("ResourceNotFoundException"), job=job)).lines
    deletable = {"evaluation-job", "custom-model-deployment", "provisioned-model", "advanced-prompt-optimization-job"}
    assert any("may have been deleted" in line for line in lines) == (kind in deletable)
    assert any("cannot be deleted" in line for line in lines) == (kind not in deletable)


@pytest.mark.parametrize("kind", KINDS)
def test_a_scope_is_called_by_the_kind_of_its_jobs(kind: str) -> None:
    lost = WatchLost("AccessDeniedException", "allow it", BORN)
    doc = compose(story(lost, job=None, snapshot=None, steps=(), subject=f"scope/x@123456789012/us-east-1/{kind}"))
    noun = "job" if kind == "model-customization-job" else NOUNS[kind]
    assert doc.title.startswith(f"[bedrock] CANNOT WATCH {noun}s of x@")


def test_provisioned_throughput_is_said_to_cost_from_the_moment_it_does() -> None:
    doc = compose(of_each_kind()["kind_provisioned_in_service"])
    assert doc.title == "[bedrock] IN SERVICE provisioned model support-units: billed from now on"
    assert "Billing has begun: by the hour, until it is deleted." in doc.lines
    assert any(line.startswith("It is committed until 2026-12-20 08:00:00 UTC") for line in doc.lines)
    assert ("committed until", "2026-12-20 08:00:00 UTC") in doc.facts


@pytest.mark.parametrize("before", ["", "Updating"])
def test_what_was_in_service_before_is_not_billed_from_now_on(before: str) -> None:
    """Before it was seen, or before its model was exchanged."""
    one = of_each_kind()["kind_provisioned_in_service"]
    first = replace(one, event=replace(one.event, transitions=(StatusChanged(before, "InService", Outcome.SUCCEEDED),)))
    doc = compose(first)
    assert doc.title == "[bedrock] IN SERVICE provisioned model support-units: it is billed"
    assert "It is billed by the hour, until it is deleted." in doc.lines


def test_a_commitment_whose_end_is_not_told_is_one_all_the_same() -> None:
    doc = compose(ending(others.provisioned(), commitmentExpirationTime=None))
    assert "It is committed (OneMonth), and cannot be deleted before that is over." in doc.lines


def test_without_a_commitment_it_can_be_deleted_at_any_time() -> None:
    one = ending(others.provisioned(), commitmentDuration=None, commitmentExpirationTime=None)
    doc = compose(one)
    assert "There is no commitment: it can be deleted at any time." in doc.lines
    assert ("commitment", "none") in doc.facts


@pytest.mark.parametrize("value", ["soon", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00", 17, None, ["x"]])
def test_a_commitment_that_ends_at_no_time_is_not_shown(value: object) -> None:
    assert committed_until("provisioned-model", {"commitmentExpirationTime": value}) is None
    compose(ending(others.provisioned(), commitmentExpirationTime=value))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((20_000, 13_200, 13_197, 3), "13,200 of 20,000 processed (66 %), 3 failed"),
        ((20_000, 20_000, 20_000, 0), "20,000 of 20,000 processed (100 %)"),
        ((20_000, 19_999, 19_999, 0), "19,999 of 20,000 processed (99 %)"),
        ((20_000, None, None, None), "20,000"),
        ((None, 5, None, 2), "2 failed"),
        ((0, 0, 0, 0), "0"),
        ((None, None, None, None), ""),
    ],
)
def test_how_far_a_batch_is(counts: tuple[int | None, ...], words: str) -> None:
    assert str(Records(*counts)) == words


@pytest.mark.parametrize("value", ["7", 7.5, True, -1, 10**400, {}, [1]])
def test_a_count_that_is_none_is_not_shown(value: object) -> None:
    """And does no harm: a number of 400 digits cannot even be printed."""
    found = records_of("model-invocation-job", {"totalRecordCount": value, "processedRecordCount": value})
    assert found == Records()
    compose(ending(others.batch(), totalRecordCount=value, timeoutDurationInHours=value))


def test_a_batch_in_the_queue_is_queued_and_may_expire() -> None:
    one = ending(others.expired_batch())
    assert one.job is not None
    assert one.snapshot is not None
    waits = replace(one.snapshot, status="Scheduled", outcome=Outcome.RUNNING)
    event = Event(41, "job/1", 3, (Reminder("queued", BORN, 14_400.0),), SEEN)
    doc = compose(Story(event, SEEN, "host", job=one.job, snapshot=waits, status="Scheduled"))
    assert doc.title.startswith("[bedrock] STILL QUEUED batch inference job nightly-archive after")
    assert "AWS has not begun it yet" in doc.lines[0]
    assert doc.lines[1] == "One that has not begun when its time limit is up expires."


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("model-customization-job", "fine-tuning-troubleshooting"),
        ("model-invocation-job", "batch-iam-sr"),
        ("evaluation-job", "model-evaluation-security-service-roles"),
        ("model-import-job", "security-iam-sr"),
    ],
)
def test_advice_about_a_role_leads_to_the_page_of_that_kind(kind: str, page: str) -> None:
    advice = advise(WHY, kind)
    assert advice is not None
    assert advice.page.url.endswith(f"/{page}.html")


@pytest.mark.parametrize("name", of_each_kind())
def test_every_ending_is_as_loud_as_it_is_bad(name: str) -> None:
    loud = {"failed": Severity.FAILURE, "expired": Severity.FAILURE, "partly": Severity.WARNING}
    expected = next((loud[word] for word in loud if name.endswith(word)), Severity.SUCCESS)
    assert severity(of_each_kind()[name].event.transitions) is expected


def test_a_reason_that_comes_late_names_the_ending_that_it_explains() -> None:
    one = of_each_kind()["kind_batch_partly"]
    late = replace(one, event=replace(one.event, transitions=(FailureExplained("too slow"),)))
    assert compose(late).title == ("[bedrock] PARTIALLY COMPLETED batch inference job nightly-invoices: AWS says why")


def test_a_summary_says_how_jobs_of_every_kind_have_ended() -> None:
    stories = [
        replace(one, event=replace(one.event, subject=f"job/{number}"))
        for number, one in enumerate(of_each_kind().values())
    ]
    doc = compose_summary(stories, "digest")
    assert doc.title.startswith("[bedrock] 3 FAILED: 9 messages about 9 jobs")
    assert "2 failed, 1 expired, 2 partially completed, 4 completed" in doc.lines[0]


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
SCENES = [make() for make in SCENARIOS.values() if make().kind != "model-customization-job"]


@given(script=st.sampled_from(SCENES), data=st.data())
def test_no_answer_of_any_form_ends_more_than_its_own_job(script: Script, data: st.DataObject) -> None:
    """Whatever stands in one member, at any depth: it is either refused as malformed, or told."""
    run = begin(script, "abcdefghij12", BORN.timestamp())
    kind = KINDS[script.kind]
    before, facts = run.response(-2), copy.deepcopy(run.response(-1))
    within: Any = facts
    key = data.draw(st.sampled_from(sorted(facts)))
    while isinstance(within[key], dict) and within[key] and data.draw(st.booleans()):
        within = within[key]
        key = data.draw(st.sampled_from(sorted(within)))
    within[key] = data.draw(JSON)
    try:
        now = kind.read(facts)
    except MalformedResponse:
        return
    mark_of_facts(kind, facts)
    kind.alike(facts)
    changes = diff(kind.read(before), now)
    job = replace(JOB, identifier=run.arn, arn=run.arn, name=script.name, kind=script.kind)
    for family in Family if changes else ():
        doc = compose(Story(Event(41, "job/1", 3, changes, SEEN), SEEN, "host", job=job, snapshot=now))
        message = write(doc, family)
        assert message.title
        json.dumps(message.payload)
