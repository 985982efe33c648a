"""A poll group whose configuration, or whose clock, changes between two turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support_jobs import arn, response
from support_sweep import NO_REMINDERS, Aws, Scene, refusal, scene

from watcher.errors import LookFault
from watcher.policy import Cadence, Limits


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as play:
        yield play


@pytest.mark.parametrize("fault", [LookFault.NETWORK, LookFault.CREDENTIALS])
def test_what_could_not_be_asked_is_asked_at_once_another_way(play: Scene, fault: LookFault) -> None:
    """And nothing more is asked the old way."""
    play.aws.jobs = {arn(1): response(1)}
    play.watch(1)
    play.turn()
    play.aws.get_error = refusal(fault)
    for _ in range(6):
        play.turn(after=150)
    asked = len(play.aws.gets)
    other = Aws(jobs=play.aws.jobs)
    play.turn(after=1)
    assert len(play.aws.gets) == asked
    play.group.look_with(other)
    play.turn(after=1)
    assert other.gets == [arn(1)]
    assert len(play.aws.gets) == asked
    assert not play.group.blind


def test_a_faster_cadence_counts_from_now_on(play: Scene) -> None:
    """Not only when the time is over that the slower one has set."""
    play.cadence = Cadence(130.0, 130.0)
    play.aws.jobs = {arn(1): response(1)}
    play.watch(1)
    play.turn()
    play.turn(after=31)
    assert len(play.aws.gets) == 1
    play.group.reconfigure(Cadence(30.0, 30.0), NO_REMINDERS, play.group.routes)
    play.turn(after=31)
    assert len(play.aws.gets) == 2


def test_other_limits_are_looked_into_by_the_next_look(play: Scene) -> None:
    """Jobs have been running for long, of which nobody wanted to be reminded until now.  List shows none of it."""
    play.aws.jobs = {arn(number): response(number) for number in range(1, 5)}
    play.watch(1, 2, 3, 4)
    play.turn()
    told = len(play.told())
    limits = replace(NO_REMINDERS, stall_after=60.0)
    assert limits == Limits(0, 60.0, 0, 0)
    play.group.reconfigure(play.cadence, limits, play.group.routes)
    play.turn(after=130)
    assert len(play.told()) == told + 4


def test_credentials_that_work_again_are_known_to_although_the_clock_was_set_back(play: Scene) -> None:
    """Their loss was written at a time that is to come."""
    play.aws.jobs = {arn(1): response(1)}
    play.watch(1)
    play.turn()
    play.aws.get_error = refusal(LookFault.CREDENTIALS)
    for _ in range(6):
        play.turn(after=150)
    play.aws.get_error = None
    play.now -= 3600.0
    play.account.try_again()
    play.turn(after=1)
    assert not play.group.blind
    assert play.log.lines.count("credentials_work_again") == 1


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_is_set_neither_stops_nor_floods_the_polling(play: Scene, jump: float) -> None:
    """Within some turns of the usual length each job is asked for, and once at a time."""
    play.aws.jobs = {arn(number): response(number) for number in range(1, 6)}
    play.watch(1, 2, 3, 4, 5)
    play.turn()
    play.turn(after=150)
    lists, gets = play.aws.lists, len(play.aws.gets)
    play.now += jump
    for _ in range(4):
        play.turn(after=150)
    assert 3 <= play.aws.lists - lists <= 4
    # The daily confirmation may fall into the hour: once for each.
    assert len(play.aws.gets) - gets <= 5
