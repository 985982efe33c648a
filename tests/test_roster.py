"""The jobs that a group holds in memory: quiet ones as rows, the others as they are."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from support_jobs import arn, response
from support_sweep import refusal, scene

from watcher.errors import LookFault
from watcher.model import Job, JobArn
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.sweep.roster import Roster
from watcher.sweep.watched import Watched

NOW = 1_800_000_000.0


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Return ten stored jobs as they are once they were seen running."""
    store = Store.open(tmp_path / "db")
    for number in range(1, 11):
        store.jobs.add(Wanted(JobArn.parse(arn(number)), "us-east-1"), NOW, ask=False)
    added = store.ledger.roster(0)
    store.close()
    return [
        replace(job, state="running", created_at=NOW - job.id, changed_at=NOW - 60, confirmed_at=NOW - 30, mark=-job.id)
        for job in added
    ]


def held(roster: Roster) -> dict[int, tuple[str, float, int]]:
    """Return what the rows say: by the job its ARN, when it was created, and its mark."""
    return {roster.ids[row]: (known, roster.created_at[row], roster.mark[row]) for known, row in roster.rows.items()}


def roster_of(jobs: list[Job]) -> Roster:
    roster = Roster()
    for job in jobs:
        roster.take(job)
    return roster


def test_a_running_job_is_quiet_and_one_in_trouble_or_asked_about_is_awake(jobs: list[Job]) -> None:
    """What List cannot answer for is not made a row."""
    quiet, new, failing, asked, closing = jobs[:5]
    odd = [replace(new, state="new"), replace(failing, failures=1), replace(asked, asked_at=NOW)]
    roster = roster_of([quiet, *odd, replace(closing, state="closing")])
    assert list(roster.awake) == [2, 3, 4, 5]
    assert (roster.quiet, roster.running, len(roster)) == (1, 3, 5)
    assert sorted(roster) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_and_goes_each_row_is_still_its_own_job(jobs: list[Job], seed: int) -> None:
    """Rows move when one is taken away: what is known of a job moves with it."""
    luck, roster, there = random.Random(seed), Roster(), set[int]()
    for _ in range(60):
        job = luck.choice(jobs)
        match luck.choice(("take", "pop", "wake", "rest")):
            case "take":
                roster.take(job)
                there.add(job.id)
            case "pop":
                roster.pop(job.id)
                there.discard(job.id)
            case "wake":
                roster.wake([job])
            case _:
                roster.rest(list(roster.awake.values()))
        assert sorted(roster) == sorted(there)
        own = {job.id: (job.arn, job.created_at, job.mark) for job in jobs if job.id in there}
        assert held(roster) == {number: own[number] for number in there - roster.awake.keys()}
        assert {job.id: (job.arn, job.created_at, job.mark) for job in roster.awake.values()} == {
            number: own[number] for number in roster.awake
        }


def test_a_job_that_was_woken_knows_what_only_memory_knew(jobs: list[Job]) -> None:
    """The store is not written while nothing happens: its times are older than ours."""
    roster = roster_of(jobs)
    row = roster.rows[arn(4)]
    roster.due_at[row], roster.looked_at[row], roster.listed[row] = NOW + 90, NOW + 10, -(2**63)
    roster.wake(jobs[3:4])
    job = roster.awake[4]
    assert (job.due_at, job.looked_at, job.listed, job.identifier) == (NOW + 90, NOW + 10, -(2**63), arn(4))
    roster.rest([job])
    row = roster.rows[arn(4)]
    assert (roster.due_at[row], roster.looked_at[row], roster.listed[row]) == (NOW + 90, NOW + 10, -(2**63))


def test_what_a_person_changes_of_a_quiet_job_is_taken_over_and_nothing_else(jobs: list[Job]) -> None:
    """A job that is asked about is due, and awake; what was found out since the store was written stays."""
    roster = roster_of(jobs)
    roster.confirmed_at[roster.rows[arn(2)]] = NOW + 5
    roster.take(replace(jobs[1], label="mine", asked_at=NOW))
    assert (roster.awake[2].label, roster.awake[2].asked, roster.awake[2].confirmed_at) == ("mine", True, NOW + 5)


def test_a_job_that_is_being_asked_for_is_not_put_to_rest_by_what_a_person_changes(jobs: list[Job]) -> None:
    """The turn writes what comes of the answer into the job that it holds, and that must stay the group's."""
    roster = roster_of(jobs)
    roster.wake(jobs[:1])
    job = roster.awake[1]
    roster.take(replace(jobs[0], label="mine"))
    assert roster.awake[1] is job
    assert job.label == "mine"


def test_one_that_was_taken_away_and_came_back_is_not_put_to_rest_in_its_old_state(jobs: list[Job]) -> None:
    roster = roster_of(jobs)
    roster.wake(jobs[:1])
    before = roster.awake[1]
    roster.pop(1)
    roster.take(replace(jobs[0], failures=2))
    roster.rest([before])
    assert roster.awake[1].failures == 2


def test_the_due_ones_are_wanted_of_list_and_those_to_confirm_or_remind_of_need_a_get(jobs: list[Job]) -> None:
    """Due times, the day's Get and reminders are told apart row by row."""
    not_due = replace(jobs[0], next_poll_at=NOW + 100)
    unconfirmed = replace(jobs[1], confirmed_at=NOW - 2 * 86_400)
    reminded = replace(jobs[2], remind_at=NOW - 1)
    later = replace(jobs[3], remind_at=NOW + 1, created_at=NOW - 500)
    set_back = replace(jobs[4], next_poll_at=NOW + 10_000)
    roster = roster_of([not_due, unconfirmed, reminded, later, set_back])
    assert roster.want(0, 100, NOW, 144.0) == [2, 3]
    assert roster.missing() == [4, 5]
    assert roster.oldest_wanted() == NOW - 500
    roster.want_none()
    assert roster.missing() == []


def test_each_job_is_confirmed_once_a_day_at_its_own_hour(jobs: list[Job]) -> None:
    """A Get within a day of the last one, and not two."""
    hours = set()
    for job in jobs:
        at = Watched.of(job).get_at
        assert NOW - 30 < at <= NOW - 30 + 86_400
        assert Watched.of(replace(job, confirmed_at=at)).get_at == pytest.approx(at + 86_400)
        hours.add(at // 3600)
    assert len(hours) > 5


def test_a_list_that_fails_half_way_forgets_no_job_that_it_showed_moved(tmp_path: Path) -> None:
    """What the first page tells is asked for at once, though the second page never comes."""
    with scene(tmp_path) as play:
        play.aws.jobs = {arn(number): response(number) for number in range(1, 7)}
        play.watch(*range(1, 7))
        play.turn()
        listed = list(play.aws.jobs)
        play.aws.page_size = 3
        play.aws.listed = [play.aws.jobs[one] for one in listed]
        play.aws.jobs[listed[0]] = play.aws.listed[0] = response(1, status="Completed", minute=60)
        play.aws.list_errors = {3: refusal(LookFault.MALFORMED)}
        play.aws.gets.clear()
        play.turn(after=150)
        assert sorted(play.aws.gets) == sorted([listed[0], *listed[3:]])
