"""Retention: what is old goes, little by little, and nothing else behaves differently for it."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_daemon import Home, hook_url, posted
from support_jobs import ACCOUNT, arn, response
from support_outbox import buried
from support_receivers import web_receiver
from support_simulator import running

from watcher import clock
from watcher.bedrock.customization import read
from watcher.clock import utc
from watcher.model import ChannelTest, Failed, JobArn, Posting, Sent, Sighting, StatusChanged, WatchLost, WatchRegained
from watcher.policy import Running
from watcher.simulator import Simulator, fine_tuning
from watcher.store import Store
from watcher.store.database import Database
from watcher.store.jobs import Wanted
from watcher.store.ledger import Miss
from watcher.store.outcomes import Times
from watcher.store.retention import CHUNK, SPARE_PAGES

DAY = 86_400.0
BEGAN = 1_500_000_000.0
KEEP = 30 * DAY
CHANNELS = ("slack", "mail", "hook")


class Life:
    """A store, the hands that fill it, and the time that passes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = BEGAN

    def news(self, number: int, channels: tuple[str, ...], *, ended: bool = False, answer: str | None = None) -> int:
        """Record that the job of that number changed, and queue it; *answer* is AWS's whole response, if it matters."""
        job, _ = self.store.jobs.add(Wanted(_arn(number), "us-east-1"), self.now, ask=False)
        facts = response(number, status="Completed" if ended else "InProgress")
        snapshot = read(facts)
        self.store.ledger.record(
            Sighting(
                job=job.id,
                version=self.store.ledger.facts(job.id)[0],
                facts=facts,
                response=answer or json.dumps(facts),
                snapshot=snapshot,
                transitions=(StatusChanged("", snapshot.status, snapshot.outcome),),
                postings=tuple(map(Posting, channels)),
                state="ended" if ended else "running",
                arn=arn(number),
                account=ACCOUNT,
                mark=1,
                base_model="m",
                customization="FINE_TUNING",
                reminded=(),
                remind_at=0.0,
                seen_at=self.now,
                next_poll_at=self.now,
                closing_at=0.0,
            )
        )
        return job.id

    def send(self, channel: str, outcome: str) -> None:
        """Let a lane take one turn."""
        claim = self.store.outbox.claim(channel, self.now)
        if not claim.deliveries:
            return
        if outcome == "sent":
            thread = {"channel": "C1", "ts": f"{self.now}"} if channel == "slack" else {}
            self.store.outbox.sent(claim.deliveries, Sent(thread), self.now, self.now)
            return
        if outcome == "dead":
            buried(self.store, claim.deliveries, "dead", self.now, CHANNELS)
            return
        times = Times(self.now, self.now, self.now + 60, Running(self.now, settled=False))
        self.store.outbox.failed(claim.deliveries, Failed(outcome, uncertain=outcome == "uncertain"), times)

    def blind(self, key: str) -> None:
        """Lose sight of a scope, or regain it."""
        lost = WatchLost("why", "do", utc(self.now))
        if self.store.ledger.scope(key) is None:
            postings = tuple(map(Posting, CHANNELS))
            self.store.ledger.scope_missed(key, Miss(3, self.now, self.now, "{}", (lost,), postings), self.now)
        else:
            regained = (WatchRegained(utc(self.now)),)
            self.store.ledger.scope_regained(key, self.now, regained, [Posting("mail")])

    def prune(self, keep: float = KEEP) -> int:
        """Take a whole round; return how many events went."""
        gone, after = 0, 0
        while True:
            step = self.store.retention.prune(self.now, keep, after)
            gone += step.events
            if step.after is None:
                return gone
            after = step.after


def _arn(number: int) -> JobArn:
    """Return the ARN of the job of that number."""
    return JobArn.parse(arn(number))


@contextmanager
def _copied(store: Store, directory: Path) -> Iterator[Store]:
    """Yield a copy of the store as it is."""
    target = directory / "copy.db"
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(target)) as copy:
        store.database._connection.backup(copy)
    with closing(Store.open(target)) as made:
        _hurry(made)
        yield made


def _hurry(store: Store) -> None:
    """Let it not wait for the disk: no power is cut here."""
    store.database._connection.execute("PRAGMA synchronous = OFF")


def _rows(store: Store, sql: str, *values: object) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in store.database._connection.execute(sql, values)]


def _subjects(store: Store) -> list[str]:
    return [row[0] for row in _rows(store, "SELECT DISTINCT subject FROM events ORDER BY subject")]


# What the program reckons from history.  They are asked of a copy, one after the other: the later ones write.
Probe = Callable[[Store, float], object]


def _what_waits(store: Store, _now: float) -> object:
    return _rows(store, "SELECT * FROM deliveries WHERE state NOT IN ('sent', 'dead') ORDER BY id")


def _what_is_sent_next(store: Store, now: float) -> object:
    return [store.outbox.claim(channel, now + DAY, burst=True) for channel in CHANNELS]


def _threads(store: Store, _now: float) -> object:
    subjects = _rows(store, "SELECT id FROM jobs")
    return [store.outbox.thread(channel, f"job/{job}") for channel in CHANNELS for (job,) in subjects]


def _versions(store: Store, now: float) -> object:
    """The version that the next event of each subject gets."""
    life = Life(store)
    life.now = now
    for number in range(1, 4):
        life.news(number, ())
    life.blind("scope-a")
    store.outbox.put("hook", ChannelTest("hook"), now)
    newest = "SELECT subject, version FROM events WHERE observed_at = ? ORDER BY subject"
    return _rows(store, newest, now)


def _what_is_told_of_a_dead_message(store: Store, now: float) -> object:
    """Whether the death of one more message is told, on each channel."""
    life = Life(store)
    life.now = now
    told = []
    for channel in CHANNELS:
        store.outbox.put(channel, ChannelTest(channel), now)  # so that something is claimed
        life.news(9, (channel,))
        before = len(_rows(store, "SELECT 1 FROM events WHERE instr(transitions, 'DeliveryDead')"))
        for _ in range(60):
            life.send(channel, "dead")
        told.append(len(_rows(store, "SELECT 1 FROM events WHERE instr(transitions, 'DeliveryDead')")) - before)
    return told


def _what_is_revived(store: Store, now: float) -> object:
    return [store.dead_letters.revive(channel, "a new configuration", now) for channel in CHANNELS]


def _usual_times(store: Store, now: float) -> object:
    return store.ledger.usual("m", "FINE_TUNING", now)


def _jobs(store: Store, _now: float) -> object:
    return _rows(store, "SELECT * FROM jobs"), _rows(store, "SELECT * FROM snapshots")


def _young(store: Store, now: float) -> object:
    before = now - KEEP
    return (
        _rows(store, "SELECT * FROM events WHERE observed_at >= ?", before),
        _rows(store, "SELECT * FROM deliveries WHERE finished_at >= ?", before),
    )


PROBES: tuple[Probe, ...] = (
    _what_waits,
    _threads,
    _usual_times,
    _jobs,
    _young,
    _what_is_revived,
    _versions,
    _what_is_sent_next,
    _what_is_told_of_a_dead_message,
)


def _live(life: Life, luck: random.Random) -> None:
    """Live through a history of months: what Hypothesis would draw by itself is mostly short, and nothing gets old."""
    for _ in range(luck.randrange(80)):
        life.now += luck.choice([1.0, 60.0, DAY, 8 * DAY, 20 * DAY])
        what = luck.choice(["news", "news", "send", "send", "send", "blind", "prune", "test"])
        if what == "news":
            channels = tuple(luck.sample(CHANNELS, luck.randrange(4)))
            life.news(luck.randrange(1, 4), channels, ended=luck.random() < 0.3)
        elif what == "send":
            life.send(luck.choice(CHANNELS), luck.choice(["sent", "sent", "failed", "dead", "uncertain"]))
        elif what == "blind":
            life.blind(luck.choice(["scope-a", "scope-b"]))
        elif what == "test":
            life.store.outbox.put(luck.choice(CHANNELS), ChannelTest("x"), life.now)
        else:
            life.prune()


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_nothing_behaves_differently_for_what_was_let_go(seed: int) -> None:
    """Whatever happened, and whatever was let go before: each thing that is reckoned from history comes out the same."""
    with TemporaryDirectory() as name, closing(Store.open(Path(name, "x.db"))) as store:
        _hurry(store)
        life = Life(store)
        luck = random.Random(seed)
        _live(life, luck)
        life.now += luck.choice([1.0, 20 * DAY, 40 * DAY])
        with _copied(store, Path(name)) as copy:
            before = [probe(copy, life.now) for probe in PROBES]
        life.prune()
        with _copied(store, Path(name)) as copy:
            for probe, expected in zip(PROBES, before, strict=True):
                assert probe(copy, life.now) == expected, probe.__name__
        assert _rows(store, "PRAGMA foreign_key_check") == []
        # And what may go has gone: of each subject one event, and what is kept by name.
        old = _rows(store, "SELECT count(*) FROM events WHERE observed_at < ?", life.now - KEEP)[0][0]
        waiting = _rows(store, "SELECT count(DISTINCT event) FROM deliveries WHERE state NOT IN ('sent', 'dead')")[0][0]
        young = _rows(store, "SELECT count(*) FROM deliveries WHERE finished_at >= ?", life.now - KEEP)[0][0]
        subjects = _subjects(store)
        dead = sum(subject.startswith("channel/") for subject in subjects)
        assert old <= waiting + young + len(subjects) * 2 + dead + len(CHANNELS) * 25
        assert life.prune() == 0


def test_years_of_history_shrink_to_what_is_kept(tmp_path: Path) -> None:
    """Five years, 600 jobs, two channels: what is old goes in short steps, and the space comes back in short steps."""
    with closing(Store.open(tmp_path / "x.db")) as store:
        life = Life(store)
        # Written as plain rows: half an hour of commits would prove nothing more.
        with store.database.transaction() as sql:
            for number in range(1, 601):
                when = BEGAN + number * 3 * DAY
                sql.execute(
                    "INSERT INTO jobs (id, identifier, kind, region, state, added_at, revision) VALUES (?, ?, '', '', 'ended', ?, 1)",
                    (number, f"job-{number}", when),
                )
                for version in range(1, 8):
                    event = sql.execute(
                        "INSERT INTO events (subject, version, job, transitions, observed_at) VALUES (?, ?, ?, ?, ?)",
                        (
                            f"job/{number}",
                            version,
                            number,
                            json.dumps([{"type": "Appeared", "status": "x" * 900}]),
                            when + version,
                        ),
                    ).lastrowid
                    for channel, thread in (("slack", '{"ts": "1"}'), ("mail", "{}")):
                        delivery = sql.execute(
                            "INSERT INTO deliveries (event, subject, channel, state, created_at, next_attempt_at, finished_at,"
                            " receiver_data) VALUES (?, ?, ?, 'sent', ?, ?, ?, ?)",
                            (event, f"job/{number}", channel, when, when, when + version, thread),
                        ).lastrowid
                        sql.execute(
                            "INSERT INTO attempts (delivery, began_at, ended_at, result, reason) VALUES (?, ?, ?, 'sent', '')",
                            (delivery, when, when),
                        )
        life.now = BEGAN + 600 * 3 * DAY + DAY
        after: int | None = 0
        steps, gone = 0, 0
        while after is not None:
            step = store.retention.prune(life.now, 180 * DAY, after)
            after, gone, steps = step.after, gone + step.events, steps + 1
            assert step.events <= CHUNK
        old = 600 - 60
        assert gone == pytest.approx(old * 6, abs=12)  # all but the newest of each job
        assert steps <= 4200 / CHUNK + 2
        assert len(_rows(store, "SELECT DISTINCT subject FROM events")) == 600
        assert _rows(store, "SELECT count(*) FROM attempts WHERE delivery NOT IN (SELECT id FROM deliveries)") == [(0,)]
        free = [_rows(store, "PRAGMA freelist_count")[0][0]]
        while store.retention.give_back():
            free.append(_rows(store, "PRAGMA freelist_count")[0][0])
        assert free[-1] <= SPARE_PAGES + 500


def test_space_is_given_back_down_to_a_spare_and_in_steps(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "x.db")) as store:
        with store.database.transaction() as sql:
            rows = [(f"{n}", "x" * 2**20) for n in range(20)]
            sql.executemany("INSERT INTO notes (key, value) VALUES (?, ?)", rows)
        with store.database.transaction() as sql:
            sql.execute("DELETE FROM notes")
        (before,) = _rows(store, "PRAGMA page_count")[0]
        steps = 0
        while store.retention.give_back():
            steps += 1
        assert steps > 2
        (after,) = _rows(store, "PRAGMA page_count")[0]
        assert after < before / 2
        assert SPARE_PAGES - 500 <= _rows(store, "PRAGMA freelist_count")[0][0] <= SPARE_PAGES


def test_what_is_young_or_nothing_at_all_is_not_written(tmp_path: Path) -> None:
    """A round that finds nothing leaves the database as it is: an idle daemon writes nothing."""
    with closing(Store.open(tmp_path / "x.db")) as store, closing(Database.open(tmp_path / "x.db")) as other:
        life = Life(store)
        life.news(1, ("mail",))
        life.send("mail", "sent")
        seen = other.data_version()
        life.now += 10 * KEEP
        assert life.prune() == 0  # the only event of its subject, and the last message of its channel
        assert store.retention.give_back() is False
        assert other.data_version() == seen


def test_events_of_a_clock_that_was_wrong_do_not_hold_up_the_others(tmp_path: Path) -> None:
    """A whole step of them, dated to the future, lies before what is old."""
    with closing(Store.open(tmp_path / "x.db")) as store:
        life = Life(store)
        life.now += 10_000 * DAY
        with store.database.transaction() as sql:
            for version in range(1, 2 * CHUNK):
                sql.execute(
                    "INSERT INTO events (subject, version, transitions, observed_at) VALUES ('scope/a', ?, '[]', ?)",
                    (version, life.now),
                )
        life.now -= 10_000 * DAY
        for _ in range(3):
            life.news(1, ())
        life.now += 2 * KEEP
        assert life.prune() == 2


def test_a_delivery_is_kept_as_long_as_it_may_be_revived_however_little_is_kept(tmp_path: Path) -> None:
    """Seven days, by the outbox."""
    with closing(Store.open(tmp_path / "x.db")) as store:
        life = Life(store)
        life.news(1, ("hook",))
        life.send("hook", "dead")
        for _ in range(2):
            life.news(1, ())
        life.now += 6 * DAY
        life.prune(keep=1.0)
        assert store.dead_letters.revive("hook", "mended", life.now) == 1


def test_the_installed_program_lets_go_at_its_start_and_tells_nothing_anew(tmp_path: Path) -> None:
    """Both as the daemon and by cron; what waits is delivered, however old it is."""
    simulator = Simulator()
    with web_receiver() as hook, running(simulator) as endpoint:
        running_job = simulator.play(fine_tuning())  # AWS has to confirm the clock first
        for how in ("run", "once"):
            directory = tmp_path / how
            directory.mkdir()
            home = Home(directory, endpoint, [running_job], channels={"hook": hook_url(hook)})
            with closing(Store.open(directory / "state" / "bedrock-watch.db")) as store:
                life = Life(store)
                for _ in range(5):
                    life.now += DAY
                    life.news(1, ("hook",), ended=True)
                    life.send("hook", "sent")
                life.news(2, ("hook",), ended=True)
            hook.requests.clear()
            if how == "run":
                with home.running() as process:
                    process.wait_for(lambda home=home: home.logged("history_let_go"))  # type: ignore[misc]
                    process.wait_for(lambda: posted(hook))
                    assert process.terminate() == 0
            else:
                assert home.run("run", "--once").returncode == 0
            assert home.query("SELECT count(*) FROM events WHERE subject = 'job/1'") == [(1,)]
            assert [alert.job for alert in posted(hook)] == ["job-2"]


def test_with_keep_off_nothing_is_let_go(tmp_path: Path) -> None:
    simulator = Simulator()
    with running(simulator) as endpoint:
        home = Home(tmp_path, endpoint, [simulator.play(fine_tuning())])  # AWS has to confirm the clock first
        with closing(Store.open(tmp_path / "state" / "bedrock-watch.db")) as store:
            life = Life(store)
            for _ in range(5):
                life.news(1, (), ended=True)
        home.keep = "off"
        assert home.run("run", "--once").returncode == 0
        assert home.query("SELECT count(*) FROM events WHERE subject = 'job/1'") == [(5,)]
        home.keep = "7d"
        assert home.run("run", "--once").returncode == 0
        assert home.query("SELECT count(*) FROM events WHERE subject = 'job/1'") == [(1,)]
    assert clock.now() > BEGAN + 7 * DAY


def test_a_channel_that_has_been_dead_for_long_is_told_of_once(tmp_path: Path) -> None:
    """However long ago that was, and whatever else happened to it: until it works again."""
    with closing(Store.open(tmp_path / "x.db")) as store:
        life = Life(store)
        for _ in range(3):
            life.news(1, ("hook",))
            life.send("hook", "dead")
            store.dead_letters.drop(store.outbox.put("hook", ChannelTest("hook"), life.now), life.now)
            life.now += 2 * KEEP
            life.prune()
        assert _rows(store, "SELECT count(*) FROM events WHERE instr(transitions, 'DeliveryDead')") == [(1,)]


def test_a_daemon_with_nothing_to_tell_writes_nothing(tmp_path: Path) -> None:
    """Its rounds of letting go, and its readiness to be asked, included."""
    simulator = Simulator(clock=lambda: BEGAN)
    with running(simulator) as endpoint:
        home = Home(tmp_path, endpoint, [simulator.play(fine_tuning())])
        with home.running() as process, closing(home.connect()) as sql:
            process.wait_for(lambda: home.query("SELECT count(*) FROM jobs WHERE version > 0") == [(1,)])
            written = [home.status()["written_at"]]

            def twice_more() -> bool:
                if (now := home.status()["written_at"]) != written[-1]:
                    written.append(now)
                return len(written) > 2

            seen = sql.execute("PRAGMA data_version").fetchone()
            process.wait_for(twice_more)
            assert sql.execute("PRAGMA data_version").fetchone() == seen
