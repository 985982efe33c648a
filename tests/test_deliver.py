"""One lane's turns, over a real database: what is told as one, at which pace, and in which words."""

from __future__ import annotations

import re
from functools import partial
from zoneinfo import ZoneInfo

import anyio
import pytest
import support_lane
from support_lane import FAILED, STEP, Post, Stage

from watcher.clock import utc
from watcher.deliver import BETWEEN_FULL, BETWEEN_SUMMARIES, LONGEST_RUN
from watcher.model import Failed, Family, Message, Posting, Sent, Verdict
from watcher.render import apply
from watcher.store.ledger import Miss

stage = pytest.fixture(support_lane.opened)


def test_messages_go_one_by_one_and_in_order(stage: Stage) -> None:
    post = Post()
    for number in (3, 1, 2):
        stage.news(number)
    stage.turns(stage.lane(post))
    assert [message.title for message in post.messages] == [f"[bedrock] FAILED job-{n}" for n in (3, 1, 2)]


def test_a_burst_is_folded_into_summaries_that_name_every_job_in_order(stage: Stage) -> None:
    """Nothing is dropped: each message is told alone or by its line."""
    post = Post()
    for number in range(1, 41):
        stage.news(number)
    began = stage.now
    stage.turns(stage.lane(post, burst=5))
    alone, summaries = post.messages[:5], post.messages[5:]
    assert [message.title for message in alone] == [f"[bedrock] FAILED job-{n}" for n in range(1, 6)]
    assert [message.title for message in summaries] == ["[bedrock] 35 FAILED: 35 messages about 35 jobs (burst)"]
    body = "\n".join(message.body for message in summaries)
    places = [body.index(f"FAILED job-{n}\n") for n in range(6, 41)]
    assert places == sorted(places)
    assert stage.now - began >= BETWEEN_SUMMARIES
    assert {one.state for one in stage.store.history.deliveries()} == {"sent"}


def test_after_a_quiet_minute_messages_go_alone_again(stage: Stage) -> None:
    post = Post()
    lane = stage.lane(post, burst=2)
    for number in range(1, 7):
        stage.news(number)
    stage.turns(lane)
    stage.now += 120
    stage.news(7)
    stage.turns(lane)
    assert post.messages[-1].title == "[bedrock] FAILED job-7"


def test_a_burst_of_one_is_told_as_itself(stage: Stage) -> None:
    post = Post()
    lane = stage.lane(post, burst=1)
    stage.news(1)
    stage.turns(lane)
    stage.news(2)
    stage.turns(lane)
    assert [message.title for message in post.messages] == ["[bedrock] FAILED job-1", "[bedrock] FAILED job-2"]


def test_without_a_burst_limit_every_message_goes_alone(stage: Stage) -> None:
    post = Post()
    for number in range(1, 31):
        stage.news(number)
    stage.turns(stage.lane(post, burst=0))
    assert len(post.messages) == 30


def test_a_digest_waits_for_its_hour_and_is_one_message(stage: Stage) -> None:
    post = Post()
    lane = stage.lane(post, burst=5)
    at = stage.now + 3600
    for number in (1, 2, 3):
        stage.news(number, STEP, hold_until=at, fold="digest")
    stage.news(4)
    stage.turns(lane)
    assert [message.title for message in post.messages] == ["[bedrock] FAILED job-4"]
    stage.now = at
    stage.turns(lane)
    assert post.messages[-1].title == "[bedrock] 3 messages about 3 jobs (digest)"
    assert [f"STARTED job-{n} (training)" in post.messages[-1].body for n in (1, 2, 3)] == [True] * 3


def test_a_digest_whose_hour_is_changed_comes_at_the_new_one(stage: Stage) -> None:
    """Earlier or later; one that has been tried keeps its own time, and one that is due goes."""
    post = Post(answers=[Failed("503", retry_after=900.0)])
    lane = stage.lane(post)
    for number, wait in ((1, 0), (2, 3600), (3, 3600)):
        stage.news(number, STEP, hold_until=stage.now + wait, fold="digest")
    stage.turns(lane, 1)
    tried, late, now = stage.times()[0], stage.now + 7200, stage.now
    stage.store.outbox.plan({"slack": late}, now)
    assert stage.times() == [tried, late, late]
    stage.store.outbox.plan({"slack": now + 60}, now)
    assert stage.times() == [tried, now + 60, now + 60]
    stage.store.outbox.plan({"slack": late}, now + 60)
    assert stage.times() == [tried, now + 60, now + 60]
    stage.store.outbox.plan({"other": late}, now)
    assert stage.times() == [now, now, now]


def test_what_was_held_back_by_a_mute_is_told_in_one_summary(stage: Stage) -> None:
    post = Post()
    lane = stage.lane(post)
    stage.store.mutes.mute(stage.jobs[0], stage.now + 7200)
    stage.news(1, STEP)
    stage.news(1)
    stage.turns(lane)
    assert post.messages == []
    stage.now += 7201
    stage.turns(lane)
    (message,) = post.messages
    assert message.title == "[bedrock] 1 FAILED: 2 messages about 1 job (muted)"


def test_a_summary_that_fails_is_sent_again_whole(stage: Stage) -> None:
    post = Post(answers=[Failed("503")])
    for number in (1, 2):
        stage.news(number, STEP, hold_until=stage.now, fold="digest")
    stage.turns(stage.lane(post))
    assert len(post.messages) == 2
    assert "2 messages" in post.messages[1].title


@pytest.mark.parametrize("limit", [2000, 160])
def test_no_summary_names_fewer_than_it_holds(stage: Stage, limit: int) -> None:
    """A narrow receiver gets more messages, not fewer names."""
    post = Post(family=Family.CHAT, body_limit=limit)
    for number in range(1, 41):
        stage.news(number, STEP, hold_until=stage.now, fold="digest")
    stage.turns(stage.lane(post))
    text = "\n".join(message.title + "\n" + message.body for message in post.messages)
    assert all(f"job-{n}" in text for n in range(1, 41))
    assert all(len(message.body) <= limit for message in post.messages)


def test_a_summary_that_does_not_fit_is_split_in_order_and_each_part_is_marked_by_itself(stage: Stage) -> None:
    """The second part fails: the first one stays sent, and the rest counts no attempt."""
    post = Post(body_limit=1200, answers=[Sent(), Failed("503")])
    for number in range(1, 41):
        stage.news(number, hold_until=stage.now, fold="digest")
    lane = stage.lane(post)
    anyio.run(lane.turn)
    first = sum(state == ("sent",) for state in stage.states())
    assert 1 < first < 40
    assert stage.states() == [("sent",)] * first + [("pending",)] * (40 - first)
    stage.turns(lane)
    assert {state for (state,) in stage.states()} == {"sent"}
    tries = sum(one.attempts for one in stage.store.history.deliveries())
    assert tries == 40 + post.messages[1].body.count("FAILED job-")


def test_the_parts_of_a_summary_keep_its_order(stage: Stage) -> None:
    post = Post(body_limit=1200)
    for number in range(1, 41):
        stage.news(number, hold_until=stage.now, fold="digest")
    stage.turns(stage.lane(post))
    assert len(post.messages) > 2
    said = re.findall(r"FAILED (job-\d+)", "\n".join(message.body for message in post.messages))
    assert said == [f"job-{n}" for n in range(1, 41)]


def test_what_is_put_back_is_as_if_it_was_never_claimed(stage: Stage) -> None:
    for number in (1, 2):
        stage.news(number)
    before = stage.rows()
    claim = stage.store.outbox.claim("slack", stage.now, burst=True)
    assert len(claim.deliveries) == 2
    stage.store.outbox.put_back(claim.deliveries)
    assert stage.rows() == before


def test_a_crash_after_a_split_marks_as_possible_repeats_only_what_was_in_flight(stage: Stage) -> None:
    """What one message had no room for was put back before that message was sent."""

    class Deadly(Post):
        def send(self, message: Message) -> Verdict:
            """Die with the message in flight."""
            self.messages.append(message)
            raise KeyboardInterrupt

    post = Deadly(body_limit=1200)
    for number in range(1, 41):
        stage.news(number, hold_until=stage.now, fold="digest")
    with pytest.raises(KeyboardInterrupt):
        anyio.run(stage.lane(post).turn)
    told = post.messages[0].body.count("FAILED job-")
    assert stage.store.outbox.recover(stage.now) == told
    assert stage.states() == [("uncertain",)] * told + [("pending",)] * (40 - told)


def test_full_summaries_follow_each_other_without_waiting_for_more(stage: Stage) -> None:
    post = Post(family=Family.CHAT, body_limit=2000)
    for number in range(1, 41):
        stage.news(number)
    began = stage.now
    stage.turns(stage.lane(post, burst=1))
    parts = len(post.messages) - 1
    assert parts >= 2
    assert stage.now - began <= BETWEEN_FULL * parts + BETWEEN_SUMMARIES
    assert {state for (state,) in stage.states()} == {"sent"}


def test_channels_that_share_a_token_share_the_pace(stage: Stage) -> None:
    first, second = Post(min_interval=1.0), Post(min_interval=1.0)
    one, two = stage.lane(first), stage.lane(second, name="other")
    for number in (1, 2):
        stage.news(number)
        miss = Miss(0, 0, 0, "", (FAILED,), (Posting("other"),))
        stage.store.ledger.missed(stage.jobs[number - 1], miss, stage.now)
    order: list[str] = []
    began = stage.now
    while len(order) < 4:
        for lane, post in ((one, first), (two, second)):
            before = len(post.messages)
            anyio.run(lane.turn)
            order += [lane.channel] * (len(post.messages) - before)
        stage.now += 0.1
    assert stage.now - began >= 3.0
    assert sorted(order) == ["other", "other", "slack", "slack"]


def test_a_lane_that_has_just_sent_lets_the_others_of_its_pace_go_first(stage: Stage) -> None:
    one, two = stage.lane(Post(min_interval=1.0)), stage.lane(Post(min_interval=1.0), name="other")
    for _ in (1, 2):
        stage.news(1)
        miss = Miss(0, 0, 0, "", (FAILED,), (Posting("other"),))
        stage.store.ledger.missed(stage.jobs[0], miss, stage.now)
    has_sent, waits = anyio.run(one.turn), anyio.run(two.turn)
    assert has_sent is not None
    assert waits is not None
    assert waits < has_sent


def test_a_clock_that_was_set_back_does_not_stop_a_lane(stage: Stage) -> None:
    post = Post(min_interval=1.0)
    lane = stage.lane(post)
    stage.news(1)
    stage.turns(lane)
    stage.now -= 36_000
    stage.news(2)
    stage.turns(lane)
    assert len(post.messages) == 2


def test_slack_gets_one_thread_a_job_and_it_survives_a_restart(stage: Stage) -> None:
    post = Post(family=Family.SLACK, answers=[Sent({"channel": "C1", "ts": "1.5"})])
    stage.news(1, STEP)
    stage.turns(stage.lane(post))
    stage.news(1)
    stage.news(2)
    stage.turns(stage.lane(post))
    root, reply, other = post.messages
    assert (dict(root.thread), root.broadcast) == ({}, False)
    assert (dict(reply.thread), reply.broadcast) == ({"channel": "C1", "ts": "1.5"}, True)
    assert dict(other.thread) == {}
    assert root.conversation == reply.conversation != other.conversation


def test_a_users_template_writes_the_message(stage: Stage) -> None:
    post = Post()
    stage.news(1)
    stage.turns(stage.lane(post, template=partial(apply, "{{ outcome }}! {{ job }}", None)))
    assert post.messages[0].title == "FAILED! job-1"


def test_a_template_that_fails_is_told_once_and_the_built_in_words_are_sent(stage: Stage) -> None:
    post = Post()
    for number in (1, 2):
        stage.news(number)
    stage.turns(stage.lane(post, template=partial(apply, "{{ nonsense }}", None)))
    assert [message.title for message in post.messages] == ["[bedrock] FAILED job-1", "[bedrock] FAILED job-2"]
    assert stage.log.lines.count("template_failed") == 1


def test_news_that_cannot_be_worded_arrives_all_the_same_and_holds_up_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one message could end the daemon again and again, and everybody's alerts with it."""

    def broken(_: object) -> None:
        raise OverflowError("too large")

    post = Post()
    stage.news(1)
    with monkeypatch.context() as patch:
        patch.setattr("watcher.deliver.lane.compose", broken)
        anyio.run(stage.lane(post).turn)
    stage.news(1)
    stage.turns(stage.lane(post))
    assert [message.title for message in post.messages] == [
        "[bedrock] NEWS that could not be put into words",
        "[bedrock] FAILED job-1",
    ]
    assert "Event 1:" in post.messages[0].body
    assert stage.log.lines.count("message_unworded") == 1


def test_a_channel_that_cannot_be_opened_is_tried_again(stage: Stage) -> None:
    stage.news(1)
    lane = stage.lane(Failed("its URL cannot be read"))
    anyio.run(lane.turn)
    (told,) = stage.store.history.deliveries()
    assert (told.state, told.last_error) == ("pending", "its URL cannot be read")
    post = Post()
    stage.now += 600
    stage.turns(stage.lane(post))
    assert len(post.messages) == 1


def test_a_receivers_wish_to_wait_is_honoured(stage: Stage) -> None:
    stage.news(1)
    anyio.run(stage.lane(Post(answers=[Failed("429", retry_after=500.0)])).turn)
    (told,) = stage.store.history.deliveries()
    assert told.next_attempt_at >= stage.now + 500


def test_when_a_channel_works_again_what_waited_goes_at_once_and_in_order(stage: Stage) -> None:
    """Its pauses were made for a channel that did not."""
    post = Post(answers=[Failed("503")] * 12)
    lane = stage.lane(post, burst=0)
    for number in (1, 2, 3):
        stage.news(number)
    for _ in range(12):
        stage.now = max(stage.now, anyio.run(lane.turn) or stage.now)
        stage.now = max(stage.now, min(one.next_attempt_at for one in stage.store.history.deliveries()))
    began = stage.now
    while any(one.state != "sent" for one in stage.store.history.deliveries()):
        stage.now = max(stage.now, anyio.run(lane.turn) or stage.now)
    assert stage.now - began < 1
    assert sorted(message.title for message in post.messages[12:]) == [f"[bedrock] FAILED job-{n}" for n in (1, 2, 3)]


def test_a_permanent_refusal_is_told_on_the_other_channels_at_once(stage: Stage) -> None:
    stage.news(1)
    lane = stage.lane(Post(answers=[Failed("HTTP 404", permanent=True)]), tell=["slack", "mail"])
    anyio.run(lane.turn)
    dead, told = stage.store.history.deliveries()
    assert (dead.state, dead.last_error) == ("dead", "HTTP 404")
    assert (told.channel, told.state) == ("mail", "pending")


def test_an_outcome_in_doubt_is_marked_in_the_next_try(stage: Stage) -> None:
    post = Post(answers=[Failed("read timeout", uncertain=True)])
    stage.news(1)
    stage.turns(stage.lane(post))
    assert "may be a repeat" not in post.messages[0].body
    assert "may be a repeat" in post.messages[1].body


def test_the_time_that_is_told_is_the_readers(stage: Stage) -> None:
    post = Post()
    stage.news(1)
    stage.turns(stage.lane(post, zone=ZoneInfo("Asia/Kolkata")))
    assert f"{utc(stage.now).astimezone(ZoneInfo('Asia/Kolkata')):%H:%M:%S} +05:30" in post.messages[0].body


def test_a_queue_is_sent_in_one_turn_where_no_pace_is_to_be_kept(stage: Stage) -> None:
    for number in (3, 1, 2, 1):
        stage.news(number)
    post = Post()
    anyio.run(stage.lane(post).turn)
    assert [message.title.split()[2] for message in post.messages] == ["job-3", "job-1", "job-2", "job-1"]
    assert stage.store.outbox.undelivered() == 0


def test_a_pace_is_kept_from_message_to_message(stage: Stage) -> None:
    for number in (1, 2):
        stage.news(number)
    post = Post(min_interval=1.0)
    anyio.run(stage.lane(post).turn)
    assert len(post.messages) == 1


def test_a_turn_does_not_last_longer_than_a_run(stage: Stage) -> None:
    class SlowPost(Post):
        def send(self, message: Message) -> Verdict:
            stage.now += LONGEST_RUN / 2
            return super().send(message)

    for number in range(1, 6):
        stage.news(number)
    post = SlowPost()
    anyio.run(stage.lane(post).turn)
    assert len(post.messages) == 2
    assert {state for (state,) in stage.states()} == {"sent", "pending"}


def test_a_failure_ends_the_turn_and_leaves_nothing_taken(stage: Stage) -> None:
    for number in range(1, 6):
        stage.news(number)
    post = Post(answers=[Sent(), Failed("503")])
    anyio.run(stage.lane(post).turn)
    assert len(post.messages) == 2
    assert [state for (state,) in stage.states()] == ["sent", "pending", "pending", "pending", "pending"]


def test_each_message_is_marked_as_being_sent_before_it_is_sent_and_as_sent_before_the_next(stage: Stage) -> None:
    seen: list[list[str]] = []

    class Witness(Post):
        def send(self, message: Message) -> Verdict:
            seen.append([state for (state,) in stage.states()])
            return super().send(message)

    for number in (1, 2, 3):
        stage.news(number)
    anyio.run(stage.lane(Witness()).turn)
    assert seen == [["sending", "pending", "pending"], ["sent", "sending", "pending"], ["sent", "sent", "sending"]]
