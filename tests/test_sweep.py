"""One turn of polling, over a real database: whom it asks, what it writes, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest
from support_jobs import BORN, arn, at, response, step
from support_sweep import Scene, not_found, refusal, scene

from watcher.bedrock.answers import Answer, Page
from watcher.errors import LookFault
from watcher.model import JobArn, Reminder, StatusChanged, StepChanged, Vanished, WatchLost, WatchRegained
from watcher.policy import Cadence, Limits
from watcher.store.jobs import Wanted
from watcher.sweep.reading import MOST_EMPTY


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as one:
        yield one


def running(*numbers: int, **members: Any) -> dict[str, dict[str, Any]]:
    return {arn(number): response(number, **members) for number in numbers}


def writes(play: Scene) -> int:
    """Count the writes of the store's own connection."""
    return play.store.database._connection.total_changes


def test_jobs_that_were_never_seen_are_asked_by_get_and_then_one_list_serves_all(play: Scene) -> None:
    play.aws.jobs = running(1, 2, 3, 4)
    play.watch(1, 2, 3, 4)
    play.turn()
    assert (sorted(play.aws.gets), play.aws.lists) == (sorted(play.aws.jobs), 0)
    play.aws.gets.clear()
    play.turn(after=150)
    assert (play.aws.gets, play.aws.lists) == ([], 1)


def test_an_idle_sweep_writes_nothing(play: Scene) -> None:
    play.aws.jobs = running(1, 2, 3, 4)
    play.watch(1, 2, 3, 4)
    play.turn()
    before = writes(play)
    for _ in range(20):
        play.turn(after=150)
    assert play.aws.lists == 20
    assert writes(play) == before


def test_two_due_jobs_are_asked_by_get_without_a_write(play: Scene) -> None:
    play.aws.jobs = running(1, 2)
    play.watch(1, 2)
    play.turn()
    before = writes(play)
    for _ in range(5):
        play.turn(after=150)
    assert (len(play.aws.gets), play.aws.lists) == (12, 0)
    assert writes(play) == before


def test_only_a_job_whose_summary_moved_is_asked_for(play: Scene) -> None:
    play.aws.jobs = running(1, 2, 3)
    play.watch(1, 2, 3)
    play.turn()
    play.aws.gets.clear()
    play.aws.jobs[arn(2)] = response(2, minute=5, statusDetails={"validationDetails": step("InProgress", 5)})
    play.turn(after=150)
    assert play.aws.gets == [arn(2)]
    (told,) = [changes for subject, changes in play.told() if subject == "job/2" and len(changes) == 1][1:]
    assert isinstance(told[0], StepChanged)


def test_a_restart_does_not_ask_for_what_list_shows_unmoved(play: Scene) -> None:
    play.aws.jobs = running(1, 2, 3, statusDetails={"trainingDetails": step("InProgress", 1)})
    play.watch(1, 2, 3)
    play.turn()
    play.restart()
    play.aws.gets.clear()
    play.turn(after=150)
    assert (play.aws.gets, play.aws.lists) == ([], 1)


def test_a_get_that_lags_behind_the_list_settles_nothing(play: Scene) -> None:
    """List shows the end already, Get does not: the job is asked for again until it does."""
    play.aws.jobs = running(1, 2, 3)
    play.watch(1, 2, 3)
    play.turn()
    play.aws.listed = [response(1, status="Completed", minute=9), response(2), response(3)]
    play.aws.gets.clear()
    play.turn(after=150)
    play.turn(after=150)
    assert play.aws.gets == [arn(1), arn(1)]
    play.aws.jobs[arn(1)] = response(1, status="Completed", minute=9)
    play.turn(after=150)
    assert any(isinstance(change, StatusChanged) for _, changes in play.told() for change in changes)


def test_a_list_that_lags_behind_get_is_asked_about_once(play: Scene) -> None:
    play.aws.jobs = running(1, 2, 3, minute=9)
    play.aws.listed = [response(1, minute=1), response(2, minute=1), response(3, minute=1)]
    play.watch(1, 2, 3)
    play.turn()
    play.aws.gets.clear()
    for _ in range(3):
        play.turn(after=150)
    assert len(play.aws.gets) == 3


def test_a_summary_that_could_hide_a_change_never_spares_the_get(play: Scene) -> None:
    """LastModifiedTime and statusDetails are optional in a summary."""
    play.aws.jobs = running(1, 2, 3)
    play.aws.listed = [{"jobArn": arn(number), "status": "InProgress"} for number in (1, 2, 3)]
    play.watch(1, 2, 3)
    play.turn()
    play.aws.gets.clear()
    for _ in range(3):
        play.turn(after=150)
    assert len(play.aws.gets) == 9


def test_a_job_that_is_missing_from_the_list_is_asked_for_and_not_given_up(play: Scene) -> None:
    play.aws.jobs = running(1, 2, 3)
    play.watch(1, 2, 3)
    play.turn()
    play.aws.listed = [response(1), response(2)]
    play.aws.gets.clear()
    play.turn(after=150)
    assert play.aws.gets == [arn(3)]
    assert not any(isinstance(change, Vanished) for _, changes in play.told() for change in changes)


def test_paging_goes_on_until_all_are_found_and_no_longer(play: Scene) -> None:
    play.aws.jobs = running(*range(1, 8))
    play.aws.page_size = 2
    play.watch(1, 2, 3)
    play.turn()
    play.turn(after=150)
    assert play.aws.lists == 2


def test_a_duplicated_summary_is_asked_about_once(play: Scene) -> None:
    play.aws.jobs = running(1, 2, 3)
    play.watch(1, 2, 3)
    play.turn()
    play.aws.jobs[arn(1)] = response(1, minute=3)
    play.aws.listed = [response(1, minute=3), response(1, minute=3), response(2), response(3)]
    play.aws.gets.clear()
    play.turn(after=150)
    assert play.aws.gets == [arn(1)]


def test_when_list_is_denied_each_job_is_asked_by_get(play: Scene) -> None:
    play.aws.jobs = running(1, 2, 3)
    play.watch(1, 2, 3)
    play.turn()
    play.aws.gets.clear()
    play.aws.list_error = refusal(LookFault.DENIED, "AccessDeniedException")
    play.turn(after=150)
    play.turn(after=150)
    assert (len(play.aws.gets), play.aws.lists) == (6, 1)
    assert play.log.lines.count("list_failed") == 1


def test_a_job_is_confirmed_by_get_once_a_day(play: Scene) -> None:
    play.aws.jobs = running(1, 2, 3, 4, 5)
    play.watch(1, 2, 3, 4, 5)
    play.turn()
    play.aws.gets.clear()
    for _ in range(800):
        play.turn(after=120)
    assert {play.aws.gets.count(identifier) for identifier in play.aws.jobs} <= {1, 2}


def test_the_end_is_told_once_and_the_job_is_asked_for_no_more(play: Scene) -> None:
    play.aws.jobs = running(1)
    play.watch(1)
    play.turn()
    play.aws.jobs[arn(1)] = response(1, status="Completed", minute=60)
    play.turn(after=150)
    assert play.messages() == 1
    play.aws.gets.clear()
    assert play.turn(after=150) is None
    play.restart()
    assert play.turn(after=150) is None
    assert (play.aws.gets, play.messages()) == ([], 1)


def test_a_failed_job_without_a_reason_stays_watched_ten_minutes_for_it(play: Scene) -> None:
    play.aws.jobs = running(1)
    play.watch(1)
    play.turn()
    play.aws.jobs[arn(1)] = response(1, status="Failed", minute=60)
    play.turn(after=150)
    play.restart()
    play.aws.jobs[arn(1)] = response(1, status="Failed", minute=60, failureMessage="at last")
    play.turn(after=150)
    assert play.messages() == 2
    assert play.turn(after=150) is None


def test_a_failed_job_whose_reason_never_comes_is_let_go(play: Scene) -> None:
    play.aws.jobs = {arn(1): response(1, status="Failed", minute=60)}
    play.watch(1)
    for _ in range(6):
        play.turn(after=150)
    assert play.turn(after=150) is None
    assert play.messages() == 1


def test_an_older_response_is_ignored(play: Scene) -> None:
    play.aws.jobs = {arn(1): response(1, minute=60, statusDetails={"trainingDetails": step("InProgress", 50)})}
    play.watch(1)
    play.turn()
    play.aws.jobs = {arn(1): response(1, minute=10, statusDetails={"trainingDetails": step("NotStarted")})}
    play.turn(after=150)
    play.aws.jobs = {arn(1): response(1, minute=60, statusDetails={"trainingDetails": step("InProgress", 50)})}
    play.turn(after=150)
    assert play.messages() == 0


def test_a_seen_job_that_is_not_found_three_times_is_lost_sight_of_once_and_found_again(play: Scene) -> None:
    play.aws.jobs = running(1)
    play.watch(1)
    play.turn()
    play.aws.jobs = {}
    for _ in range(2):
        play.turn(after=150)
    assert play.messages() == 0
    for _ in range(5):
        play.turn(after=2000)
    kinds = [type(change) for _, changes in play.told()[1:] for change in changes]
    assert kinds == [Vanished]
    play.aws.jobs = running(1)
    play.turn(after=2000)
    kinds = [type(change) for _, changes in play.told()[1:] for change in changes]
    assert kinds == [Vanished, WatchRegained]


def test_a_job_that_aws_has_never_known_is_told_as_blindness_once(play: Scene) -> None:
    play.watch(1)
    for _ in range(12):
        play.turn(after=150)
    assert [type(change) for _, changes in play.told() for change in changes] == [WatchLost]


@pytest.mark.parametrize("fault", [LookFault.NETWORK, LookFault.SERVER, LookFault.DENIED])
def test_a_failure_that_all_share_is_one_event_of_the_scope_and_one_when_it_is_over(
    play: Scene, fault: LookFault
) -> None:
    play.aws.jobs = running(1, 2, 3, 4)
    play.watch(1, 2, 3, 4)
    play.turn()
    play.aws.get_error = play.aws.list_error = refusal(fault)
    for _ in range(12):
        play.turn(after=150)
    lost = [(subject, type(changes[0])) for subject, changes in play.told()[4:]]
    assert lost == [("scope/default@123456789012/us-east-1/model-customization-job", WatchLost)]
    play.aws.get_error = play.aws.list_error = None
    play.turn(after=150)
    regained = play.told()[-1][1][0]
    assert isinstance(regained, WatchRegained)
    assert len(play.told()) == 6
    assert play.log.lines.count("scope_failing") == play.log.lines.count("scope_works_again") == 1


def test_blindness_survives_a_restart_and_is_not_told_twice(play: Scene) -> None:
    play.aws.jobs = running(1, 2)
    play.watch(1, 2)
    play.aws.get_error = refusal(LookFault.CREDENTIALS)
    for _ in range(8):
        play.turn(after=150)
        play.restart()
    assert [type(changes[0]) for _, changes in play.told()] == [WatchLost]
    play.aws.get_error = None
    play.turn(after=150)
    assert [type(changes[0]) for subject, changes in play.told() if subject.startswith("scope/")] == [
        WatchLost,
        WatchRegained,
    ]


def test_blindness_shorter_than_configured_is_not_told(play: Scene) -> None:
    play.aws.jobs = running(1)
    play.watch(1)
    play.turn()
    play.aws.get_error = refusal(LookFault.CREDENTIALS)
    for _ in range(3):
        play.turn(after=150)
    play.aws.get_error = None
    play.turn(after=150)
    assert play.messages() == 0


def test_one_jobs_bad_response_is_its_own_error(play: Scene) -> None:
    play.aws.jobs = {**running(1, 2, 3), arn(2): response(2, status=None)}  # type: ignore[arg-type]
    play.watch(1, 2, 3)
    play.turn()
    jobs = {job.identifier: job for job in play.store.jobs.listed(every=True)}
    assert [jobs[arn(number)].failures for number in (1, 2, 3)] == [0, 1, 0]
    assert "status is None" in jobs[arn(2)].last_error


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"status": 17, "jobArn": arn(1)},
        response(1, jobArn=17),
        response(1, jobArn="arn:aws:s3:::bucket"),
        response(1, jobArn=arn(2)),
        response(1, statusDetails=["x"]),
        response(1, statusDetails={"trainingDetails": "x"}),
        response(1, lastModifiedTime="soon"),
        response(1, creationTime="0001-01-01T00:00:00Z"),
        response(1, lastModifiedTime="9999-12-31T23:59:59Z"),
        response(1, endTime=1e300),
        response(1, creationTime=[1]),
        response(1, failureMessage={"a": 1}),
    ],
)
def test_no_body_ends_the_sweep_and_none_is_believed(play: Scene, facts: dict[str, Any]) -> None:
    play.aws.jobs = {arn(1): facts}
    play.watch(1)
    play.turn()
    (job,) = play.store.jobs.listed(every=True)
    assert (job.state, job.failures) == ("new", 1)
    assert play.told() == []


def test_a_hopeless_scope_is_not_asked_a_thousand_times(play: Scene) -> None:
    play.watch(*range(1, 41))
    play.aws.get_error = refusal(LookFault.NETWORK)
    play.turn()
    assert len(play.aws.gets) <= 8


def test_a_job_given_by_name_is_asked_by_name_and_learns_its_arn(play: Scene) -> None:
    play.aws.jobs = {"job-1": response(1)}
    play.watch(identifier="job-1")
    play.turn()
    (job,) = play.store.jobs.listed(every=True)
    assert (job.identifier, job.arn, job.asked_at) == ("job-1", arn(1), 0)
    play.turn(after=150)
    assert play.aws.gets == ["job-1", "job-1"]


def test_a_job_given_by_name_that_is_known_by_its_arn_becomes_one_job(play: Scene) -> None:
    play.aws.jobs = {arn(1): response(1), "job-1": response(1)}
    play.watch(1)
    play.turn()
    play.watch(identifier="job-1")
    play.turn(after=1)
    (job,) = play.store.jobs.listed(every=True)
    assert job.arn == arn(1)
    assert play.store.jobs.get(2).id == job.id
    assert len(play.told()) == 1


def test_a_name_that_now_means_another_job_is_an_error_and_no_news(play: Scene) -> None:
    play.aws.jobs = {"job-1": response(1)}
    play.watch(identifier="job-1")
    play.turn()
    play.aws.jobs = {"job-1": response(2, status="Failed")}
    play.turn(after=150)
    (job,) = play.store.jobs.listed(every=True)
    assert "now means" in job.last_error
    assert play.messages() == 0


def test_whoever_asked_has_an_answer_even_if_nothing_changed(play: Scene) -> None:
    play.aws.jobs = {arn(1): response(1, minute=9)}
    play.watch(1)
    play.turn()
    for facts in (response(1, minute=9), response(1, minute=2)):
        play.aws.jobs = {arn(1): facts}
        job = play.store.jobs.find(arn(1))
        play.store.jobs.add(_again(job.arn), play.now, ask=True)
        play.restart()
        play.turn(after=1)
        assert play.store.jobs.find(arn(1)).asked_at == 0


def test_a_clock_that_was_set_back_delays_nobody(play: Scene) -> None:
    play.aws.jobs = running(1)
    play.watch(1)
    play.turn()
    play.aws.gets.clear()
    play.turn(after=-36_000)
    assert play.aws.gets == [arn(1)]


def test_jobs_that_are_due_nearly_together_are_looked_at_together(play: Scene) -> None:
    """Thin turns would ask for the same List again and again."""
    play.cadence = Cadence(30, 120)
    play.aws.jobs = running(*range(1, 6))
    play.watch(1, 2)
    play.turn()
    play.watch(3, 4, 5)
    play.turn(after=5)
    play.aws.gets.clear()
    play.turn(after=118)
    assert (play.aws.lists, play.aws.gets) == (1, [])


def test_not_found_is_not_shared_by_a_scope(play: Scene) -> None:
    play.aws.jobs = running(1, 2)
    play.watch(1, 2)
    play.turn()
    play.aws.errors[arn(1)] = not_found()
    for _ in range(4):
        play.turn(after=150)
    assert [subject for subject, _ in play.told()[2:]] == ["job/1"]


def _again(text: str) -> Wanted:
    return Wanted(JobArn.parse(text), "us-east-1")


def test_what_lasts_too_long_is_told_once_and_again_only_after_a_change(play: Scene) -> None:
    """A List that shows no change is enough to notice; Get confirms it."""
    play.limits = Limits(0, 3600.0, 0, 0)
    play.now = BORN.timestamp() + 60
    play.aws.jobs = running(1, 2, 3, minute=1)
    play.watch(1, 2, 3)
    for _ in range(40):
        play.turn(after=150)
    told = [change for _, changes in play.told()[3:] for change in changes]
    assert [one.what for one in told if isinstance(one, Reminder)] == ["stalled"] * 3
    play.restart()
    play.aws.jobs[arn(1)] = response(1, minute=100)
    for _ in range(40):
        play.turn(after=150)
    told = [change for _, changes in play.told()[6:] for change in changes]
    assert [one.what for one in told if isinstance(one, Reminder)] == ["stalled"]


def test_the_usual_time_is_learned_from_jobs_alike(play: Scene) -> None:
    play.limits = Limits(2.0, 0, 0, 0)
    play.now = BORN.timestamp() + 60 * 60
    play.aws.jobs = {arn(n): response(n, status="Completed", minute=60, endTime=at(60)) for n in (1, 2, 3)}
    play.aws.jobs[arn(4)] = response(4, minute=1)
    play.watch(1, 2, 3, 4)
    play.turn()
    play.group._durations.clear()
    for _ in range(40):
        play.turn(after=150)
    overdue = [one for _, changes in play.told() for one in changes if isinstance(one, Reminder)]
    assert [(one.what, one.limit) for one in overdue] == [("overdue", 7200.0)]


def test_what_a_person_expects_goes_before_what_was_learned(play: Scene) -> None:
    play.limits = Limits(2.0, 0, 0, 0)
    play.now = BORN.timestamp() + 60
    play.aws.jobs = running(1, minute=1)
    play.store.jobs.add(Wanted(JobArn.parse(arn(1)), "us-east-1", expected=1800.0), play.now, ask=False)
    play.restart()
    for _ in range(20):
        play.turn(after=150)
    assert [one.what for _, changes in play.told() for one in changes if isinstance(one, Reminder)] == ["overdue"]
    assert play.messages() == 1


def test_many_jobs_are_gone_through_with_others_in_between(play: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the event loop has a turn while a large group is gone through, and no job is left out."""
    numbers = range(1, 8)
    play.aws.jobs = running(*numbers)
    play.watch(*numbers)
    play.turn()
    monkeypatch.setattr("watcher.sweep.group.AT_A_STRETCH", 2)
    moments: list[int] = []

    async def turn_beside_another() -> None:
        async def other() -> None:
            while True:
                moments.append(play.aws.lists)
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            await play.group.turn()
            tasks.cancel_scope.cancel()

    play.now += 150
    anyio.run(turn_beside_another)
    assert moments.count(0) >= 4
    assert play.aws.lists == 1
    assert set(play.group.jobs.looked_at) == {play.now}


def test_a_job_that_nobody_watches_any_more_when_aws_answers_is_not_told(
    play: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.aws.jobs = running(1, 2)
    play.watch(1, 2)
    play.turn()
    known, answered = len(play.told()), play.aws.get
    play.aws.jobs[arn(1)] = response(1, status="Completed", minute=60)

    async def answer_late(identifier: str) -> Answer:
        answer = await answered(identifier)
        play.group.jobs.pop(1)
        return answer

    monkeypatch.setattr(play.aws, "get", answer_late)
    play.turn(after=150)
    assert len(play.told()) == known


@pytest.mark.parametrize("tokens", [("a", "a"), ("a", "b", "a"), ("a", "b", "c", "b")])
def test_a_list_whose_token_comes_again_is_given_up_and_the_jobs_are_asked_by_get(
    play: Scene, monkeypatch: pytest.MonkeyPatch, tokens: tuple[str, ...]
) -> None:
    play.aws.jobs = running(1, 2, 3, 4)
    play.watch(1, 2, 3, 4)
    play.turn()
    play.aws.gets.clear()
    pages = iter(tokens)

    async def page(created_after: float, token: str | None, status: str = "") -> Page:
        play.aws.lists += 1
        return Page([], next(pages, "for ever"))

    monkeypatch.setattr(play.aws, "page", page)
    play.turn(after=150)
    assert play.aws.lists == len(tokens)
    assert sorted(play.aws.gets) == sorted(play.aws.jobs)
    assert play.log.lines.count("list_failed") == 1


def test_a_list_that_makes_up_tokens_ends(play: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    play.aws.jobs = running(1, 2, 3, 4)
    play.watch(1, 2, 3, 4)
    play.turn()

    async def page(created_after: float, token: str | None, status: str = "") -> Page:
        play.aws.lists += 1
        return Page([], str(play.aws.lists))

    monkeypatch.setattr(play.aws, "page", page)
    play.turn(after=150)
    assert play.aws.lists == MOST_EMPTY


def test_rows_of_list_that_cannot_be_read_are_named_once_and_their_jobs_asked_by_get(
    play: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.aws.jobs = running(1, 2, 3, 4)
    play.watch(1, 2, 3, 4)
    play.turn()
    answer = play.aws.page

    async def page(created_after: float, token: str | None, status: str = "") -> Page:
        whole = await answer(created_after, token, status)
        return Page(whole.summaries[1:], whole.token, ["a row"])

    monkeypatch.setattr(play.aws, "page", page)
    for _ in range(3):
        play.aws.gets.clear()
        play.turn(after=150)
        assert len(play.aws.gets) == 1
    assert play.log.lines.count("list_rows_unreadable") == 1
    monkeypatch.setattr(play.aws, "page", answer)
    play.turn(after=150)
    assert play.log.lines.count("list_rows_readable_again") == 1


def test_a_row_whose_steps_cannot_be_read_is_asked_about_by_get(play: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    play.aws.jobs = running(1, 2, 3)
    play.watch(1, 2, 3)
    play.turn()
    answer = play.aws.page

    async def page(created_after: float, token: str | None, status: str = "") -> Page:
        whole = await answer(created_after, token, status)
        odd = [msgspec.structs.replace(one, steps=msgspec.Raw(b'{"a": "\xff"}')) for one in whole.summaries]
        return Page(odd, whole.token)

    monkeypatch.setattr(play.aws, "page", page)
    play.aws.gets.clear()
    play.turn(after=150)
    assert sorted(play.aws.gets) == sorted(play.aws.jobs)


def test_an_arn_without_the_model_names_the_same_job(play: Scene) -> None:
    """As AWS's own samples of events have it; AWS answers with the long one."""
    short = arn(1).replace(f"{JobArn.parse(arn(1)).path}", JobArn.parse(arn(1)).id)
    play.aws.jobs = {short: response(1)}
    play.store.jobs.add(Wanted(JobArn.parse(short), "us-east-1"), play.now, ask=False)
    play.restart()
    play.turn()
    play.aws.jobs = {short: response(1, minute=90, status="Completed", endTime=at(90))}
    play.turn(after=150)
    changes = [one for _, transitions in play.told() for one in transitions]
    assert [one.new for one in changes if isinstance(one, StatusChanged)] == ["Completed"]
    assert "job_failing" not in play.log.lines


@pytest.mark.parametrize(
    "other",
    [
        arn(1)[:-1] + "x",
        arn(1).replace("us-east-1", "us-west-2"),
        arn(1).replace("123456789012", "210987654321"),
        arn(1).replace("arn:aws:", "arn:aws-cn:"),
    ],
)
def test_an_arn_of_another_id_region_account_or_partition_is_another_job(play: Scene, other: str) -> None:
    play.aws.jobs = running(1)
    play.watch(1)
    play.turn()
    play.aws.jobs = {arn(1): {**response(1, minute=90, status="Failed"), "jobArn": other}}
    before = play.told()
    play.turn(after=150)
    assert play.told() == before
    assert "job_failing" in play.log.lines
