"""A channel that does not deliver: reported once to the others, and shown by everything that shows the daemon's health."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import support_lane
from support_lane import FAILED, Post, Stage
from test_patience import Broken, refused, worked

from watcher.model import ChannelStuck, ChannelTest, Failed, Posting, Verdict
from watcher.store.ledger import Miss
from watcher.store.outages import Outages

stage = pytest.fixture(support_lane.opened)

HANGS = Failed("no answer: timed out; the message may have arrived", uncertain=True)


def check(stage: Stage, channels: Sequence[str] = ("slack", "mail")) -> Outages:
    """Check as the daemon does every few seconds."""
    return stage.store.outages.check(channels, stage.uptime(), stage.now, channels)


def stuck_events(stage: Stage) -> list[ChannelStuck]:
    return [
        one for event, _ in stage.store.history.events() for one in event.transitions if isinstance(one, ChannelStuck)
    ]


@pytest.mark.parametrize("verdict", [HANGS, Failed("HTTP 503"), Failed("could not connect: refused")])
def test_a_channel_whose_oldest_message_fails_for_a_quarter_of_an_hour_is_reported_once(
    stage: Stage, verdict: Verdict
) -> None:
    lane = stage.lane(Broken(verdict, worked=False))
    began = stage.now
    for number in (1, 2, 1):
        stage.news(number)
    while stage.now < began + 3600:
        stage.run_until(lane, stage.now + 5)
        found = check(stage)
        assert bool(found.current) == (stage.now - began >= 900)
    (event,) = stuck_events(stage)
    assert (event.channel, event.waiting, event.since_at.timestamp()) == ("slack", 3, began)
    assert isinstance(verdict, Failed)
    assert event.reason == verdict.reason
    told = [one.channel for one in stage.store.history.deliveries() if one.subject == "channel/slack"]
    assert told == ["mail"]


def test_the_next_outage_is_reported_again_after_a_message_has_arrived(stage: Stage) -> None:
    post = Broken(HANGS, worked=False)
    lane = stage.lane(post)
    for _ in (1, 2):
        stage.news(1)
        post.verdict = HANGS
        stage.run_until(lane, stage.now + 1000)
        assert [one.channel for one in check(stage).begun] == ["slack"]
        post.verdict = None
        stage.run_until(lane, stage.now + 2000)
        found = check(stage)
        assert (found.current, found.ended) == ((), ("slack",))
        assert check(stage).ended == ()
    assert len(stuck_events(stage)) == 2


def test_that_it_was_reported_is_known_after_a_restart(stage: Stage) -> None:
    stage.news(1)
    stage.run_until(stage.lane(Broken(HANGS, worked=False)), stage.now + 1000)
    assert check(stage).begun
    stage.uptime = type(stage.uptime)(lambda: stage.now)
    stage.run_until(stage.lane(Broken(HANGS, worked=False)), stage.now + 1000)
    found = check(stage)
    assert (len(found.current), found.begun) == (1, ())


def test_a_night_asleep_makes_no_outage(stage: Stage) -> None:
    stage.news(1)
    lane = stage.lane(Broken(Failed("503"), worked=False))
    stage.run_until(lane, stage.now + 10)
    stage.now += 30_000
    stage.run_until(lane, stage.now + 10)
    assert check(stage).current == ()


def test_a_channel_whose_only_messages_failed_permanently_does_not_deliver(stage: Stage) -> None:
    """With a single channel nobody else could say so."""
    stage.news(1)
    lane = stage.lane(Broken(refused(), worked=False))
    stage.run_until(lane, stage.now + 1)
    (outage,) = check(stage, ["slack"]).current
    assert (outage.channel, outage.reason, outage.waiting) == ("slack", "HTTP 404 Not Found", 0)
    stage.run_until(stage.lane(Post()), stage.now + 1)
    stage.news(2)
    stage.run_until(stage.lane(Post()), stage.now + 1)
    assert check(stage, ["slack"]).current == ()


def test_a_test_that_failed_or_a_dropped_message_is_no_outage(stage: Stage) -> None:
    post = worked(stage, refused())
    lane = stage.lane(post)
    stage.news(1)
    stage.store.outbox.put("slack", ChannelTest("slack"), stage.now)
    stage.run_until(lane, stage.now + 1000)
    for one in stage.store.history.deliveries(("pending",)):
        stage.store.dead_letters.drop(one.id, stage.now)
    assert check(stage).current == ()


def test_what_waits_for_a_digest_or_a_mute_is_no_outage(stage: Stage) -> None:
    stage.news(1, FAILED, hold_until=stage.now + 10_000, fold="digest")
    stage.run_until(stage.lane(Post()), stage.now + 2000)
    assert check(stage).current == ()


def test_an_unchanged_outage_writes_nothing(stage: Stage) -> None:
    stage.news(1)
    stage.run_until(stage.lane(Broken(HANGS, worked=False)), stage.now + 1000)
    check(stage)
    with stage.store.database.reading() as sql:
        before = sql.execute("SELECT total_changes()").fetchone()[0]
    check(stage)
    with stage.store.database.reading() as sql:
        assert sql.execute("SELECT total_changes()").fetchone()[0] == before


def test_one_channels_outage_says_nothing_of_another(stage: Stage) -> None:
    stage.store.ledger.missed(
        stage.jobs[0], Miss(0, 0, 0, "", (FAILED,), (Posting("slack"), Posting("mail"))), stage.now
    )
    stage.run_until(stage.lane(Post(), "mail"), stage.now + 10)
    stage.run_until(stage.lane(Broken(HANGS, worked=False)), stage.now + 1000)
    assert [one.channel for one in check(stage).current] == ["slack"]
