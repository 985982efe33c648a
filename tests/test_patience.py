"""How long a message is retried, when it has failed permanently, and what a recovery brings back."""

from __future__ import annotations

from itertools import pairwise

import anyio
import pytest
import support_lane
from support_lane import STEP, Post, Stage

from watcher.daemon.uptime import LONGEST_GAP, Uptime
from watcher.model import Failed, Sent, Verdict
from watcher.policy import SETTLING, Patience, is_final

stage = pytest.fixture(support_lane.opened)

HOUR, DAY = 3600.0, 86_400.0
REFUSALS = [
    "HTTP 404 Not Found",
    "HTTP 302 Found",
    "HTTP 401 Unauthorized",
    "HTTP 403 Forbidden",
    "HTTP 410 Gone",
    "HTTP 413 Content Too Large",
    "SMTP 535 authentication failed",
    "SMTP 552 mailbox full",
    "SMTP 554 transaction failed",
]


class Broken(Post):
    """A receiver that gives one answer to everything, until *verdict* is None."""

    def __init__(self, verdict: Verdict | None, *, worked: bool = True) -> None:
        super().__init__()
        self.verdict = verdict
        self.answers = [Sent()] if worked else []

    def send(self, message: object) -> Verdict:
        """Answer."""
        self.messages.append(message)  # type: ignore[arg-type]
        return self.answers.pop(0) if self.answers else self.verdict or Sent()


def refused(reason: str = "HTTP 404 Not Found") -> Failed:
    return Failed(reason, permanent=True)


def worked(stage: Stage, verdict: Verdict | None) -> Broken:
    """Return a receiver that has accepted a message, and gives that answer from now on."""
    post = Broken(verdict)
    stage.news(40, STEP)
    stage.run_until(stage.lane(post), stage.now + 1)
    assert stage.states() == [("sent",)]
    stage.now += SETTLING + 1
    return post


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_moments_refusal_by_a_url_that_has_worked_loses_nothing(stage: Stage, reason: str) -> None:
    post = worked(stage, refused(reason))
    lane = stage.lane(post)
    stage.news(1)
    stage.run_until(lane, stage.now + 6)
    assert stage.states()[-1] == ("pending",)
    post.verdict = None
    stage.run_until(lane, stage.now + 60)
    assert stage.states()[-1] == ("sent",)


def test_a_refusal_by_a_url_that_never_worked_is_final_at_once(stage: Stage) -> None:
    stage.news(1)
    anyio.run(stage.lane(Broken(refused(), worked=False)).turn)
    assert stage.states() == [("dead",)]


def test_a_refusal_is_final_after_six_hours_of_running_time(stage: Stage) -> None:
    post = worked(stage, refused())
    lane = stage.lane(post)
    stage.news(1)
    began = stage.now
    stage.run_until(lane, began + 5.9 * HOUR)
    assert stage.states()[-1] == ("pending",)
    stage.run_until(lane, began + 6.6 * HOUR)
    assert stage.states()[-1] == ("dead",)


def test_pauses_between_refused_tries_grow_to_a_quarter_of_an_hour(stage: Stage) -> None:
    post = worked(stage, refused())
    stage.news(1)
    stage.run_until(stage.lane(post), stage.now + 6 * HOUR)
    (told,) = stage.store.history.deliveries(("pending",))
    began = [one.began_at for one in stage.store.history.attempts(told.id)]
    pauses = [after - before for before, after in pairwise(began)]
    assert pauses == sorted(pauses)
    assert 4 <= pauses[0] <= 31
    assert 800 <= pauses[-1] <= 1000
    assert len(began) < 40


def test_hours_of_temporary_failures_do_not_make_the_first_refusal_final(stage: Stage) -> None:
    post = worked(stage, Failed("503"))
    lane = stage.lane(post)
    stage.news(1)
    stage.run_until(lane, stage.now + 10 * HOUR)
    post.verdict = refused()
    stage.run_until(lane, stage.now + HOUR)
    assert stage.states()[-1] == ("pending",)


def test_that_a_url_has_worked_is_known_after_a_restart_and_not_of_another_url(stage: Stage) -> None:
    stage.store.dead_letters.revive("slack", "salt$one", stage.now)
    worked(stage, None)
    stage.news(1)
    anyio.run(stage.lane(Broken(refused(), worked=False)).turn)  # a lane that knows nothing of the one before
    assert stage.states()[-1] == ("pending",)
    stage.store.dead_letters.revive("slack", "salt$two", stage.now)
    anyio.run(stage.lane(Broken(refused(), worked=False)).turn)
    assert stage.states()[-1] == ("dead",)


def test_what_was_sent_before_the_fingerprint_was_known_counts_for_its_url(stage: Stage) -> None:
    worked(stage, None)
    stage.store.dead_letters.revive("slack", "salt$one", stage.now)
    stage.news(1)
    anyio.run(stage.lane(Broken(refused(), worked=False)).turn)
    assert stage.states()[-1] == ("pending",)


def test_no_url_is_stored_only_the_fingerprint(stage: Stage) -> None:
    stage.store.dead_letters.revive("slack", "salt$print", stage.now)
    worked(stage, None)
    with stage.store.database.reading() as sql:
        assert [tuple(row) for row in sql.execute("SELECT name, worked FROM channels")] == [("slack", "salt$print")]


@pytest.mark.parametrize(
    ("verdict", "state"), [(Failed("503"), "dead"), (Failed("timeout", uncertain=True), "uncertain")]
)
def test_after_a_day_a_message_fails_permanently_but_never_for_doubt_alone(
    stage: Stage, verdict: Failed, state: str
) -> None:
    stage.news(1)
    lane = stage.lane(Broken(verdict, worked=False))
    stage.run_until(lane, stage.now + 0.99 * DAY)
    assert stage.states() == [("uncertain" if verdict.uncertain else "pending",)]
    stage.run_until(lane, stage.now + 0.05 * DAY)
    assert stage.states() == [(state,)]


@pytest.mark.parametrize("asleep", [25 * HOUR, 400 * DAY])
def test_a_stop_of_the_daemon_or_a_sleep_of_the_machine_is_no_patience(stage: Stage, asleep: float) -> None:
    """One 503, a night, and a failure right after it: the receiver works two seconds later."""
    post = Broken(Failed("503"), worked=False)
    stage.news(1)
    anyio.run(stage.lane(post).turn)
    stage.now += asleep
    stage.uptime = Uptime(lambda: stage.now)
    lane = stage.lane(post)
    anyio.run(lane.turn)
    assert stage.states() == [("pending",)]
    post.verdict = None
    stage.run_until(lane, stage.now + 60)
    assert stage.states() == [("sent",)]


def test_a_stopped_process_gains_no_patience_from_the_stop(stage: Stage) -> None:
    """SIGSTOP, or a paused machine: the monotonic clock goes on, and nobody read it."""
    post = Broken(Failed("503"), worked=False)
    lane = stage.lane(post)
    stage.news(1)
    stage.run_until(lane, stage.now + 2 * HOUR)
    stage.now += 30 * HOUR
    stage.run_until(lane, stage.now + HOUR)
    assert stage.states() == [("pending",)]


def test_patience_is_kept_over_restarts(stage: Stage) -> None:
    post = Broken(Failed("503"), worked=False)
    stage.news(1)
    for _ in range(5):
        stage.uptime = Uptime(lambda: stage.now)
        stage.run_until(stage.lane(post), stage.now + 5 * HOUR)
        stage.now += 3 * DAY
    assert stage.states() == [("pending",)] or stage.states() == [("dead",)]
    with stage.store.database.reading() as sql:
        (tried_for,) = sql.execute("SELECT tried_for FROM deliveries").fetchone()
    assert 23 * HOUR < tried_for <= 25.5 * HOUR


def test_nothing_fails_permanently_in_the_first_quarter_of_an_hour_after_a_start(stage: Stage) -> None:
    post = Broken(Failed("503"), worked=False)
    stage.news(1)
    stage.run_until(stage.lane(post), stage.now + 0.99 * DAY)
    with stage.store.database.transaction() as sql:
        sql.execute("UPDATE deliveries SET tried_for = 90000")
    stage.uptime = Uptime(lambda: stage.now)
    lane = stage.lane(post)
    stage.store.outbox.hurry("slack", stage.now)
    anyio.run(lane.turn)
    assert stage.states() == [("pending",)]
    stage.run_until(lane, stage.now + 2 * SETTLING)
    assert stage.states() == [("dead",)]


@pytest.mark.parametrize("change", ["too few tries", "not settled", "too short"])
def test_neither_the_time_nor_the_number_of_tries_is_enough_alone(change: str) -> None:
    refusal, failure = Failed("404", permanent=True), Failed("503")
    for verdict, tried, refused_for in ((refusal, 6 * HOUR, 6 * HOUR), (failure, DAY, 0.0)):
        assert is_final(verdict, Patience(10, tried, refused_for, has_worked=True, settled=True))
        less = {
            "too few tries": Patience(9, tried, refused_for, has_worked=True, settled=True),
            "not settled": Patience(10, tried, refused_for, has_worked=True, settled=False),
            "too short": Patience(10, tried - 1, refused_for - 1, has_worked=True, settled=True),
        }[change]
        assert not is_final(verdict, less)


def once_a_day(stage: Stage, post: Post, days: int) -> None:
    """Run it once a day, as cron does."""
    for _ in range(days):
        lane = stage.lane(post)
        lane._running = lambda: None
        anyio.run(lane.turn)
        stage.now += DAY


def test_run_once_a_day_tries_a_message_ten_times_before_it_is_final(stage: Stage) -> None:
    stage.news(1)
    once_a_day(stage, Broken(Failed("503"), worked=False), 9)
    assert stage.states() == [("pending",)]
    once_a_day(stage, Broken(Failed("503"), worked=False), 1)
    assert stage.states() == [("dead",)]


def test_running_once_ten_times_in_an_hour_is_not_a_day(stage: Stage) -> None:
    stage.news(1)
    for _ in range(12):
        once_a_day(stage, Broken(Failed("503"), worked=False), 1)
        stage.now -= DAY - 300
    assert stage.states() == [("pending",)]


def test_a_channel_that_works_again_gets_what_failed_during_its_outage_in_order_and_marked_late(stage: Stage) -> None:
    post = worked(stage, refused())
    lane = stage.lane(post)
    for number in (1, 2, 1):
        stage.news(number)
    stage.run_until(lane, stage.now + 15 * HOUR)
    assert stage.states()[1:] == [("dead",)] * 3
    before = len(post.messages)
    post.verdict = None
    stage.news(3)
    stage.run_until(lane, stage.now + 60)
    assert {state for (state,) in stage.states()} == {"sent"}
    first, *late = post.messages[before:]
    assert "job-3" in first.title
    assert [one.title.split()[2] for one in late] == ["job-1", "job-2", "job-1"]
    assert all("Late: this was given up" in one.body for one in late)
    assert stage.log.lines.count("channel_works_again") == 1


def test_a_recovery_after_a_restart_brings_them_back_too(stage: Stage) -> None:
    post = worked(stage, refused())
    stage.news(1)
    stage.run_until(stage.lane(post), stage.now + 8 * HOUR)
    assert stage.states()[-1] == ("dead",)
    stage.news(2)
    stage.run_until(stage.lane(Broken(None, worked=False)), stage.now + 60)
    assert {state for (state,) in stage.states()} == {"sent"}


def test_what_a_person_dropped_or_a_test_does_not_come_back(stage: Stage) -> None:
    from watcher.model import ChannelTest  # noqa: PLC0415 - only here

    post = worked(stage, refused())
    lane = stage.lane(post)
    stage.news(1)
    stage.store.outbox.put("slack", ChannelTest("slack"), stage.now)
    stage.run_until(lane, stage.now + 60)
    for one in stage.store.history.deliveries(("pending",)):
        stage.store.dead_letters.drop(one.id, stage.now)
    post.verdict = None
    stage.news(2)
    stage.run_until(lane, stage.now + 60)
    assert sorted(stage.states()) == [("dead",), ("dead",), ("sent",), ("sent",)]


def test_a_message_that_crashed_the_daemon_does_not_come_back_by_itself(stage: Stage) -> None:
    post = worked(stage, refused())
    lane = stage.lane(post)
    stage.news(1)
    stage.run_until(lane, stage.now + 8 * HOUR)
    (dead,) = stage.store.history.deliveries(("dead",))
    with stage.store.database.transaction() as sql:
        sql.execute("INSERT INTO notes (key, value) VALUES (?, '{}')", (f"quarantine/delivery/{dead.id}",))
    post.verdict = None
    stage.news(2)
    stage.run_until(lane, stage.now + 60)
    assert [one.id for one in stage.store.history.deliveries(("dead",))] == [dead.id]
    stage.store.dead_letters.revive("slack", "another", stage.now)
    assert [one.id for one in stage.store.history.deliveries(("dead",))] == [dead.id]


def test_a_message_that_is_refused_for_what_it_says_does_not_go_round_for_ever(stage: Stage) -> None:
    """Others arrive all the time: that is no outage of the channel."""

    class Picky(Post):
        def send(self, message: object) -> Verdict:
            return refused("HTTP 413") if "job-1" in str(message) and "job-10" not in str(message) else Sent()

    lane = stage.lane(Picky())
    stage.news(40, STEP)
    stage.run_until(lane, stage.now + SETTLING + 1)
    stage.news(1)
    for _ in range(20):
        stage.news(2, STEP)
        stage.run_until(lane, stage.now + HOUR)
    assert [state for (state,) in stage.states() if state != "sent"] == ["dead"]
    (dead,) = stage.store.history.deliveries(("dead",))
    with stage.store.database.reading() as sql:
        assert sql.execute("SELECT requeued FROM deliveries WHERE id = ?", (dead.id,)).fetchone()[0] == 0


def test_what_fails_permanently_is_logged_once_for_each_outage(stage: Stage) -> None:
    lane = stage.lane(Broken(refused(), worked=False))
    for number in range(1, 31):
        stage.news(number)
    stage.run_until(lane, stage.now + 60)
    assert stage.states() == [("dead",)] * 30
    assert stage.log.lines.count("messages_given_up") == 1


def test_uptime_counts_what_ran_and_settles_after_a_quarter_of_an_hour() -> None:
    now = 1000.0
    uptime = Uptime(lambda: now)
    for _ in range(30):
        assert not uptime().settled
        now += 30
    assert (uptime().seconds, uptime().settled) == (900.0, True)
    now += 5000
    assert (uptime().seconds, uptime().settled) == (900.0 + LONGEST_GAP, False)
    for _ in range(30):
        now += 30
        uptime()
    assert uptime().settled
    uptime.interrupt()
    assert not uptime().settled
