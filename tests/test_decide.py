"""What one look comes to: when the next one is, whose fault a failure is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support_jobs import BORN, arn, response
from support_sweep import refusal

from watcher.bedrock.answers import Answer
from watcher.bedrock.kinds import KINDS
from watcher.errors import LookError, LookFault
from watcher.model import CUSTOMIZATION, JobArn, Sighting, Vanished
from watcher.policy import VANISHED_RETRY, Cadence, Limits
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.sweep.decide import Circumstances, miss, shared_fault, sight
from watcher.sweep.watched import Watched

NOW = (BORN + timedelta(hours=5)).timestamp()
HOW = Circumstances(KINDS[CUSTOMIZATION], Cadence(), Limits(), (), 0.5)
DENIED, SERVER, LOST = LookFault.DENIED, LookFault.SERVER, LookFault.CREDENTIALS


@pytest.fixture
def job(tmp_path: Path) -> Watched:
    store = Store.open(tmp_path / "db")
    added, _ = store.jobs.add(Wanted(JobArn.parse(arn()), "us-east-1"), NOW, ask=False)
    store.close()
    return replace(Watched.of(added), state="running")


def seen(job: Watched, facts: dict[str, Any]) -> Sighting:
    found = sight(HOW, job, Answer(facts, "{}"), (0, None), (), NOW)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("facts", "after"),
    [
        (response(minute=300), HOW.cadence.fastest),
        (response(minute=290), 60.0),
        (response(minute=0), HOW.cadence.slowest),
        ({**response(), "lastModifiedTime": None}, HOW.cadence.slowest),
        ({**response(), "lastModifiedTime": None, "creationTime": None}, HOW.cadence.fastest),
    ],
    ids=["moved just now", "moved ten minutes ago", "moved long ago", "never moved", "nobody knows when it moved"],
)
def test_the_next_look_is_the_later_the_longer_a_job_was_quiet(
    job: Watched, facts: dict[str, Any], after: float
) -> None:
    assert seen(job, facts).next_poll_at == pytest.approx(NOW + after)


def test_a_change_that_is_to_come_is_no_answer_and_a_missing_one_is(job: Watched) -> None:
    ahead = response(minute=(5 + 24) * 60 + 1)
    with pytest.raises(LookError, match="is to come"):
        sight(HOW, job, Answer(ahead, "{}"), (0, None), (), NOW)
    assert seen(job, {**ahead, "lastModifiedTime": None}).state == "running"


def test_a_job_in_trouble_is_asked_for_again_soon_and_one_that_is_gone_every_half_hour(job: Watched) -> None:
    first = miss(HOW, job, refusal(SERVER), NOW)
    assert (first.failures, first.failing_since) == (1, NOW)
    assert NOW < first.next_poll_at <= NOW + HOW.cadence.fastest * 1.2
    again = miss(HOW, replace(job, failures=1, failing_since=NOW - 60), refusal(SERVER), NOW)
    assert (again.failures, again.failing_since) == (2, NOW - 60)
    gone = miss(HOW, replace(job, failures=9, misses=9), refusal(LookFault.NOT_FOUND), NOW)
    assert [type(one) for one in gone.transitions] == [Vanished]
    assert gone.next_poll_at == NOW + VANISHED_RETRY
    still = miss(HOW, replace(job, state="vanished", failures=10), refusal(LookFault.NOT_FOUND), NOW)
    assert (still.transitions, still.next_poll_at) == ((), NOW + VANISHED_RETRY)


@pytest.mark.parametrize(
    ("faults", "looked", "others_work", "shared"),
    [
        ([], False, False, None),
        ([DENIED], False, False, None),
        ([DENIED, DENIED], False, False, DENIED),
        ([DENIED, SERVER], False, False, None),
        ([DENIED, DENIED], True, False, None),
        ([DENIED, DENIED], False, True, None),
        ([LookFault.THROTTLED] * 2, False, True, LookFault.THROTTLED),
        ([LookFault.NOT_FOUND] * 2, False, False, None),
        ([SERVER, LOST], True, True, LOST),
        ([LookFault.NETWORK], False, True, None),  # a Get that hangs closes nothing: others are asked first
        ([LookFault.NETWORK], False, False, LookFault.NETWORK),
        ([LookFault.ENDPOINT], False, False, LookFault.ENDPOINT),
        ([LookFault.SETTINGS], False, True, LookFault.SETTINGS),
        ([SERVER, LookFault.NETWORK, LookFault.ENDPOINT], False, False, SERVER),
        ([SERVER, LookFault.MALFORMED], False, False, None),
        ([LookFault.NETWORK, LookFault.NOT_FOUND], False, False, None),
        ([LookFault.NETWORK], True, True, None),
    ],
)
def test_whose_fault_it_is(
    faults: Sequence[LookFault],
    *,
    looked: bool,
    others_work: bool,
    shared: LookFault | None,
) -> None:
    found = shared_fault([refusal(fault) for fault in faults], looked=looked, others_work=others_work)
    assert (found and found.fault) == shared
