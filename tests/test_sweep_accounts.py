"""What is wrong with an account's credentials is one trouble, however many regions and kinds it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from support_jobs import arn, response
from support_sweep import ACCOUNT, Scene, refusal, scene

from watcher.errors import LookFault
from watcher.model import JobArn, StatusChanged, WatchLost, WatchRegained
from watcher.policy import Traits
from watcher.store.jobs import Wanted
from watcher.sweep import Group


class Estate:
    """Groups of one account: those of several regions, with a job each, all asking the same AWS."""

    def __init__(self, play: Scene, count: int) -> None:
        self.play = play
        self.account = play.account = play.new_account()
        self.account.traits = self.traits
        self.groups: list[Group] = []
        for number in range(1, count + 1):
            play.aws.jobs[arn(number)] = response(number)
            play.store.jobs.add(Wanted(JobArn.parse(arn(number)), "us-east-1"), play.now, ask=False)
            self.groups.append(play.new_group())
        for job, group in zip(play.store.ledger.roster(0), self.groups, strict=True):
            group.jobs.take(job)

    async def traits(self) -> list[Traits]:
        """Return those of all jobs."""
        return [traits for group in self.groups for traits in await group.traits()]

    def turn(self, after: float = 0.0) -> list[float | None]:
        """Let every group take a turn, all at the same time."""
        self.play.now += after
        dues: list[float | None] = []

        async def one(group: Group) -> None:
            dues.append(await group.turn())

        async def together() -> None:
            async with anyio.create_task_group() as tasks:
                for group in self.groups:
                    tasks.start_soon(one, group)

        anyio.run(together)
        return dues


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as one:
        yield one


@pytest.fixture
def estate(play: Scene) -> Estate:
    return Estate(play, 6)


def scoped(play: Scene) -> list[tuple[str, Any]]:
    """Return the events of scopes."""
    return [(subject, changes[0]) for subject, changes in play.told() if subject.startswith("scope/")]


def test_lost_credentials_are_told_once_and_so_is_their_return(play: Scene, estate: Estate) -> None:
    estate.turn()
    play.aws.get_error = refusal(LookFault.CREDENTIALS, "ExpiredToken")
    for _ in range(12):
        estate.turn(after=150)
    ((subject, lost),) = scoped(play)
    assert (subject, type(lost)) == (f"scope/{ACCOUNT}", WatchLost)
    event, _ = play.store.history.events()[-1]
    assert len(play.store.history.story(event).in_scope) == 6
    play.aws.get_error = None
    estate.turn(after=150)
    estate.turn(after=5)
    assert [type(change) for _, change in scoped(play)] == [WatchLost, WatchRegained]
    assert play.log.lines.count("credentials_failing") == play.log.lines.count("credentials_work_again") == 1
    assert play.store.history.scopes() == {}


def test_while_they_are_lost_one_group_tries_for_all(play: Scene, estate: Estate) -> None:
    """Or a sign-in service would be stormed by every region and kind."""
    play.aws.get_error = refusal(LookFault.CREDENTIALS)
    estate.turn()
    play.aws.gets.clear()
    for _ in range(10):
        estate.turn(after=150)
    assert len(play.aws.gets) == 10


def test_the_failures_of_groups_that_looked_together_are_one_failure(play: Scene, estate: Estate) -> None:
    """Three in a row make it blindness, and six groups must not be three by themselves."""
    play.aws.get_error = refusal(LookFault.CREDENTIALS)
    estate.turn()
    (scope,) = play.store.history.scopes().values()
    assert scope.failures == 1


def test_what_changed_meanwhile_is_told_right_after_the_return_and_nothing_of_it_before(
    play: Scene, estate: Estate
) -> None:
    estate.turn()
    play.aws.get_error = refusal(LookFault.CREDENTIALS)
    for _ in range(8):
        estate.turn(after=150)
    before = len(play.told())
    play.aws.jobs = {arn(number): response(number, status="Completed", minute=9) for number in range(1, 7)}
    play.aws.get_error = None
    estate.turn(after=150)
    estate.turn(after=5)
    news = play.told()[before:]
    assert isinstance(news[0][1][0], WatchRegained)
    assert len(news) == 7
    assert all(any(isinstance(change, StatusChanged) for change in changes) for _, changes in news[1:])


def test_the_loss_is_remembered_over_a_restart(play: Scene, estate: Estate) -> None:
    play.aws.get_error = refusal(LookFault.CREDENTIALS)
    for _ in range(8):
        estate.turn(after=150)
    again = Estate(play, 6)
    again.turn(after=150)
    assert [type(change) for _, change in scoped(play)] == [WatchLost]
    play.aws.get_error = None
    again.turn(after=150)
    assert [type(change) for _, change in scoped(play)] == [WatchLost, WatchRegained]


def test_a_refusal_of_bedrock_itself_shows_that_the_credentials_are_good(play: Scene, estate: Estate) -> None:
    play.aws.get_error = refusal(LookFault.CREDENTIALS)
    for _ in range(8):
        estate.turn(after=150)
    play.aws.get_error = refusal(LookFault.DENIED)
    estate.turn(after=150)
    assert [type(change) for _, change in scoped(play)] == [WatchLost, WatchRegained]
    assert not estate.account.lost


def test_a_network_that_is_down_says_nothing_of_the_credentials(play: Scene, estate: Estate) -> None:
    play.aws.get_error = refusal(LookFault.CREDENTIALS)
    for _ in range(8):
        estate.turn(after=150)
    play.aws.get_error = refusal(LookFault.NETWORK)
    estate.turn(after=150)
    assert estate.account.lost


def test_an_idle_account_writes_nothing_while_its_credentials_work(play: Scene, estate: Estate) -> None:
    estate.turn()
    before = play.store.database._connection.total_changes
    for _ in range(5):
        estate.turn(after=150)
    assert play.store.database._connection.total_changes == before
