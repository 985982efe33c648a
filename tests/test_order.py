"""Which message goes next: failures first, no job's news out of order, at a cost that does not grow with the queue.

Other processes write to the database between any two transactions: what they changed counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
import support_lane
from support_lane import STEP, Post, Stage
from support_outbox import claimed

from watcher import clock
from watcher.model import Failed, Outcome, Posting, Sent, Snapshot, Transition
from watcher.store import Store
from watcher.store.durations import MOST, durations
from watcher.store.ledger import Miss
from watcher.store.outcomes import Times

stage = pytest.fixture(support_lane.opened)


def titles(post: Post) -> list[str]:
    return [message.title.removeprefix("[bedrock] ").split(" after")[0] for message in post.messages]


def test_a_failure_goes_before_older_news_of_other_jobs(stage: Stage) -> None:
    for number in (1, 2, 3):
        stage.news(number, STEP)
    stage.now += 1
    stage.news(4)
    post = Post()
    stage.run_until(stage.lane(post), stage.now + 10)
    assert titles(post) == ["FAILED job-4", *(f"STARTED job-{n} (training)" for n in (1, 2, 3))]


def test_a_failure_takes_the_older_news_of_its_own_job_along_and_stays_behind_it(stage: Stage) -> None:
    for number in (1, 2, 2):
        stage.news(number, STEP)
    stage.news(2)
    stage.news(2, STEP)
    post = Post()
    stage.run_until(stage.lane(post), stage.now + 10)
    started = [f"STARTED job-{n} (training)" for n in (1, 2)]
    assert titles(post) == [started[1], started[1], "FAILED job-2", started[0], started[1]]


def test_in_a_burst_failures_are_in_the_first_summary(stage: Stage) -> None:
    for number in range(1, 31):
        stage.news(number, STEP)
    post = Post()
    lane = stage.lane(post, burst=1)
    anyio.run(lane.turn)
    stage.news(31)
    stage.news(30)
    stage.turns(lane)
    _, summary, *_ = post.messages
    assert "FAILED job-31" in summary.body
    assert "FAILED job-30" in summary.body
    assert "STARTED job-30" in summary.body
    assert summary.body.index("STARTED job-30") < summary.body.index("FAILED job-30")


@pytest.mark.parametrize("seed", range(5))
def test_no_job_is_overtaken_whatever_fails_in_between(stage: Stage, seed: int) -> None:
    import random  # noqa: PLC0415 - only here

    luck = random.Random(seed)
    arrived: list[str] = []

    class Flaky(Post):
        def send(self, message: Any) -> Sent | Failed:
            if luck.random() < 0.4:
                return Failed("503")
            arrived.append(message.body)
            return Sent()

    lane = stage.lane(Flaky(), burst=luck.choice([0, 3]))
    for _ in range(60):
        stage.news(luck.randint(1, 6), STEP if luck.random() < 0.7 else support_lane.FAILED)
        if luck.random() < 0.3:
            stage.run_until(lane, stage.now + luck.choice([1, 30, 400]))
    stage.run_until(lane, stage.now + 40_000)
    sent = stage.store.history.deliveries(("sent",))
    assert len(sent) == 60
    with stage.store.database.reading() as sql:
        order = sql.execute(
            "SELECT d.subject, d.id FROM attempts AS a JOIN deliveries AS d ON d.id = a.delivery"
            " WHERE a.result = 'sent' ORDER BY a.id"
        ).fetchall()
    for subject in {row["subject"] for row in order}:
        ids = [row["id"] for row in order if row["subject"] == subject]
        assert ids == sorted(ids)


def steps(store: Store, act: Any) -> int:
    """Return how many of SQLite's instructions *act* takes, in hundreds."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    store.database._connection.set_progress_handler(tick, 100)
    act()
    store.database._connection.set_progress_handler(None, 0)
    return count


def queue_up(store: Store, first: int, count: int) -> None:
    """Queue a step and a failure of each of many jobs."""
    job = store.jobs.listed(every=True)[0].id
    with store.database.transaction():
        for number in range(first, first + count):
            for change in (STEP, support_lane.FAILED):
                transitions: tuple[Transition, ...] = (change,)
                store.ledger.scope_missed(f"s{number}", Miss(0, 0, 0, "", transitions, (Posting("slack"),)), 1000.0)
    assert job


@pytest.mark.parametrize("burst", [False, True])
def test_claiming_costs_the_same_however_many_messages_wait(stage: Stage, burst: bool) -> None:  # noqa: FBT001
    store, costs = stage.store, []
    for first, count in ((0, 200), (200, 3800)):
        queue_up(store, first, count)
        costs.append(
            steps(store, lambda: [store.outbox.claim("slack", 2000.0, burst=burst) for _ in range(20)])
            + steps(store, lambda: store.outbox.due_at("slack"))
        )
    assert costs[1] < 2 * costs[0]


def test_the_typical_duration_costs_the_same_however_many_jobs_have_failed(stage: Stage) -> None:
    store, costs = stage.store, []
    for count in (100, 5000):
        with store.database.transaction() as sql:
            sql.execute("DELETE FROM jobs WHERE id > 40")
            sql.executemany(
                "INSERT INTO jobs (id, identifier, kind, region, state, added_at, created_at, ended_at, base_model,"
                " customization, took, revision) VALUES (?, 'x', 'k', 'r', 'ended', 0, 1, ?, 'm', 'c', ?, 1)",
                [(n, n, n - 1 if n % 50 == 0 else 0) for n in range(100, 100 + count)],
            )
        with store.database.reading() as sql:
            costs.append(steps(store, lambda sql=sql: durations(sql, "m", "c", before=9e9)))
    assert costs[1] < MOST


def test_only_completed_jobs_make_the_typical_duration() -> None:
    from watcher.store.ledger import _took  # noqa: PLC0415 - only here

    class Seen:
        def __init__(self, status: str, outcome: Outcome, state: str) -> None:
            self.state, self.seen_at = state, 500.0
            self.snapshot = Snapshot(
                status, outcome, (), created_at=clock.utc(100.0), changed_at=clock.utc(400.0), ended_at=clock.utc(300.0)
            )

    assert _took(Seen("Completed", Outcome.SUCCEEDED, "ended")) == 200.0  # type: ignore[arg-type]
    assert _took(Seen("Failed", Outcome.FAILED, "ended")) == 0.0  # type: ignore[arg-type]
    assert _took(Seen("Completed", Outcome.SUCCEEDED, "running")) == 0.0  # type: ignore[arg-type]


def meanwhile(monkeypatch: pytest.MonkeyPatch, store: Store, act: Any) -> None:
    """Let another connection write right before the next transaction of *store* begins."""
    real = store.database.transaction

    @contextmanager
    def transaction() -> Iterator[Any]:
        monkeypatch.setattr(store.database, "transaction", real)
        other = Store.open(store.database.path)
        act(other)
        other.close()
        with real() as sql:
            yield sql

    monkeypatch.setattr(store.database, "transaction", transaction)


@pytest.mark.parametrize("burst", [False, True])
def test_a_message_that_is_dropped_while_it_is_claimed_is_not_sent(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    burst: bool,  # noqa: FBT001
) -> None:
    for number in (1, 2):
        stage.news(number)
    first, second = (one.id for one in stage.store.history.deliveries())
    meanwhile(monkeypatch, stage.store, lambda other: other.dead_letters.drop(first, stage.now))
    claim = stage.store.outbox.claim("slack", stage.now, burst=burst)
    assert [one.id for one in claim.deliveries] == [second]
    assert stage.states() == [("dead",), ("sending",)]


def test_a_queue_that_is_emptied_while_it_is_claimed_gives_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.news(1)
    (only,) = stage.store.history.deliveries()
    meanwhile(monkeypatch, stage.store, lambda other: other.dead_letters.drop(only.id, stage.now))
    post = Post()
    anyio.run(stage.lane(post).turn)
    assert (post.messages, stage.states()) == ([], [("dead",)])


def test_a_message_that_is_retired_while_it_is_sent_stays_so_when_it_failed_and_is_sent_when_it_arrived(
    stage: Stage,
) -> None:
    for number, arrives in ((1, False), (2, True)):
        stage.news(number)
        delivery = claimed(stage.store, "slack", stage.now)
        other = Store.open(stage.store.database.path)
        other.dead_letters.retire([], stage.now, [])
        other.close()
        if arrives:
            stage.store.outbox.sent([delivery], Sent(), stage.now, stage.now)
        else:
            assert stage.store.outbox.failed([delivery], Failed("503"), Times(stage.now, stage.now, stage.now)) == []
    assert stage.states() == [("dead",), ("sent",)]


def test_a_request_that_is_withdrawn_while_it_is_taken_is_nobodys(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = stage.store.requests
    first = requests.ask("doctor", {}, stage.now, 60.0)
    meanwhile(monkeypatch, stage.store, lambda other: other.requests.withdraw(first))
    assert requests.take(stage.now) is None


def test_a_request_is_taken_by_one_process_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = stage.store.requests
    requests.ask("doctor", {}, stage.now, 60.0)
    taken: list[Any] = []
    meanwhile(monkeypatch, stage.store, lambda other: taken.append(other.requests.take(stage.now)))
    assert requests.take(stage.now) is None
    assert taken[0] is not None
