"""A receiver that asks for a pause gets one: from the whole channel, and from all that share its limit."""

from __future__ import annotations

import math

import anyio
import pytest
import support_lane
from support_lane import FAILED, Post, Stage

from watcher.deliver import Pace
from watcher.model import Failed, Posting, Sent
from watcher.policy import LONGEST_SEND_RETRY
from watcher.store.ledger import Miss

stage = pytest.fixture(support_lane.opened)


def busy(seconds: float | None) -> Failed:
    return Failed("HTTP 429 Too Many Requests", retry_after=seconds)


@pytest.mark.parametrize("seconds", [30.0, 37.5])
def test_a_retry_after_pauses_the_whole_channel(stage: Stage, seconds: float) -> None:
    """Sixty jobs, one request."""
    for number in (*range(1, 41), *range(1, 21)):
        stage.news(number)
    post = Post(answers=[busy(seconds)])
    lane = stage.lane(post)
    began = stage.now
    while stage.now < began + seconds:
        due = anyio.run(lane.turn)
        assert len(post.messages) == 1
        assert due is not None
        assert due >= began + seconds
        stage.now += 1.0
    stage.now = began + seconds
    stage.run_until(lane, stage.now + 60)
    assert {state for (state,) in stage.states()} == {"sent"}


def test_a_pause_holds_every_channel_that_shares_the_limit_and_no_other(stage: Stage) -> None:
    one, same, other = Post(answers=[busy(30.0)]), Post(), Post(limit_key="another token")
    lanes = [stage.lane(post, name) for post, name in ((one, "slack"), (same, "same"), (other, "other"))]
    for channel in ("slack", "same", "other"):
        stage.store.ledger.missed(stage.jobs[0], Miss(0, 0, 0, "", (FAILED,), (Posting(channel),)), stage.now)
    for lane in lanes * 3:
        anyio.run(lane.turn)
    assert [len(post.messages) for post in (one, same, other)] == [1, 0, 1]


def test_a_pause_is_kept_over_a_restart(stage: Stage) -> None:
    for number in (1, 2, 3):
        stage.news(number)
    anyio.run(stage.lane(Post(answers=[busy(600.0)])).turn)
    stage.paces.clear()
    post = Post()
    lane = stage.lane(post)
    stage.now += 590
    anyio.run(lane.turn)
    anyio.run(lane.turn)
    assert post.messages == []
    stage.now += 11
    stage.run_until(lane, stage.now + 30)
    assert len(post.messages) == 3


@pytest.mark.parametrize(
    ("seconds", "pause"),
    [
        (None, 0.0),
        (0.0, 0.0),
        (-5.0, 0.0),
        (math.nan, 0.0),
        (0.25, 0.25),
        (1e300, LONGEST_SEND_RETRY),
        (math.inf, LONGEST_SEND_RETRY),
    ],
)
def test_an_absurd_pause_is_cut_and_none_in_the_past_is_kept(seconds: float | None, pause: float) -> None:
    pace = Pace()
    pace.pause(1000.0, seconds)
    assert pace.opens_at(1000.0) == (1000.0 + pause if pause else 0.0)


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    pace = Pace()
    pace.pause(1000.0, 600.0)
    pace.pause(1010.0, 1.0)
    assert pace.opens_at(1010.0) == 1600.0


def test_a_pause_of_a_clock_that_was_set_back_is_forgotten(stage: Stage) -> None:
    stage.news(1)
    stage.news(2)
    post = Post(answers=[busy(3600.0)])
    lane = stage.lane(post)
    anyio.run(lane.turn)
    stage.now -= 86_400
    stage.store.outbox.hurry_all(stage.now)
    anyio.run(lane.turn)
    assert len(post.messages) == 2


def test_an_unconfirmed_message_is_stored_as_such(stage: Stage) -> None:
    stage.news(1)
    stage.news(2)
    anyio.run(stage.lane(Post(answers=[Sent(confirmed=False), Sent()])).turn)
    assert [(one.state, one.confirmed) for one in stage.store.history.deliveries()] == [("sent", False), ("sent", True)]
