"""The database: one verb, one transaction, on a real file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from support_jobs import arn
from support_outbox import buried, claimed, failed

from watcher.clock import utc
from watcher.errors import StoreError, UnknownJob, UsageError
from watcher.model import Appeared, ChannelTest, DeliveryDead, Failed, JobArn, Posting, Sent, WatchLost
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.store.ledger import Miss
from watcher.store.outbox import Claim
from watcher.store.outcomes import Times
from watcher.store.schema import APPLICATION_ID, MIGRATIONS

NOW = 1_800_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store.open(tmp_path / "state" / "bedrock-watch.db")
    yield one
    one.close()


def add(store: Store, number: int = 1, **more: object) -> int:
    wanted = Wanted(JobArn.parse(arn(number)), "us-east-1", **more)  # type: ignore[arg-type]
    return store.jobs.add(wanted, NOW, ask=False)[0].id


def news(store: Store, job: int, *channels: str) -> None:
    miss = Miss(3, NOW, NOW, "error", (WatchLost("why", "do", utc(NOW)),), tuple(map(Posting, channels)))
    store.ledger.missed(job, miss, NOW)


def test_a_new_database_is_ours_durable_and_strict(store: Store) -> None:
    sql = sqlite3.connect(store.database.path)
    assert sql.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    assert sql.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    assert sql.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    tables = sql.execute("SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite%'").fetchall()
    assert all(strict for _, strict in tables)
    assert store.database._scalar("PRAGMA synchronous") == 2
    sql.close()


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read as one" * 40, b"\x00" * 4096])
def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with pytest.raises(StoreError):
        Store.open(path)
    assert path.read_bytes() == content


def test_somebody_elses_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    sql = sqlite3.connect(path)
    sql.execute("CREATE TABLE theirs (a)")
    sql.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a database of bedrock-watch"):
        Store.open(path)
    assert path.read_bytes() == before


def test_an_absent_database_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database"):
        Store.open(tmp_path / "x.db", create=False)
    assert not (tmp_path / "x.db").exists()


def test_adding_is_idempotent_and_updates_label_and_tags(store: Store) -> None:
    first = add(store, label="a", tags=("x",))
    assert add(store) == first
    assert add(store, label="b", tags=("y", "z")) == first
    (job,) = store.jobs.listed(every=True)
    assert (job.label, job.tags) == ("b", ("y", "z"))


def test_the_configuration_watches_its_jobs_and_no_others(store: Store) -> None:
    by_hand = add(store, 1)
    both = [Wanted(JobArn.parse(arn(number)), "us-east-1") for number in (1, 2)]
    store.jobs.configure(both, NOW)
    assert [job.from_config for job in store.jobs.listed(every=True)] == [True, True]
    store.jobs.configure([], NOW)
    assert [job.id for job in store.jobs.listed(every=True)] == [by_hand]


def test_a_configuration_that_says_the_same_again_touches_nothing(store: Store) -> None:
    wanted = [Wanted(JobArn.parse(arn(1)), "us-east-1", "", "label", ("a",))]
    store.jobs.configure(wanted, NOW)
    (before,) = store.jobs.listed(every=True)
    store.jobs.configure(wanted, NOW + 100)
    assert store.jobs.listed(every=True) == [before]


def test_a_removed_job_is_known_still(store: Store) -> None:
    job = add(store)
    store.jobs.remove(store.jobs.get(job))
    assert store.jobs.listed(every=True) == []
    assert add(store) == job


@pytest.mark.parametrize("text", [arn(1), "job-one", "the label", "abcdefghij01", "01"])
def test_a_job_is_found_by_arn_name_label_or_suffix(store: Store, text: str) -> None:
    add(store, 1, label="the label")
    add(store, 2, label="job-one" if text == "job-one" else "other")
    found = store.jobs.find(text)
    assert found.arn == arn(2 if text == "job-one" else 1)


def test_an_ambiguous_word_names_the_candidates_and_an_unknown_one_the_list(store: Store) -> None:
    add(store, 1)
    add(store, 11)
    with pytest.raises(UsageError, match="means 2 jobs") as several:
        store.jobs.find("1")
    assert arn(11) in several.value.remedy
    with pytest.raises(UnknownJob):
        store.jobs.find("nothing")


def test_a_like_pattern_is_no_wildcard(store: Store) -> None:
    add(store, 1)
    for text in ("%", "_", "*"):
        with pytest.raises(UnknownJob):
            store.jobs.find(text)


def test_a_subjects_news_never_overtakes_itself(store: Store) -> None:
    job = add(store)
    news(store, job, "slack")
    news(store, job, "slack")
    first = claimed(store, "slack", NOW)
    assert store.outbox.claim("slack", NOW) == Claim()
    assert failed(store, first, Failed("later"), NOW + 60)
    assert store.outbox.claim("slack", NOW) == Claim(due_at=NOW + 60)
    again = claimed(store, "slack", NOW + 60)
    assert (again.id, again.attempts) == (first.id, 2)
    store.outbox.sent([again], Sent(), NOW, NOW + 60)
    assert claimed(store, "slack", NOW + 60).id > first.id


def test_another_subjects_news_does_not_wait(store: Store) -> None:
    one, two = add(store, 1), add(store, 2)
    news(store, one, "slack")
    news(store, two, "slack")
    first = claimed(store, "slack", NOW)
    assert failed(store, first, Failed("later"), NOW + 60)
    assert claimed(store, "slack", NOW).event.subject == f"job/{two}"


def test_what_was_in_flight_at_a_crash_is_sent_again_and_marked(store: Store) -> None:
    news(store, add(store), "slack")
    claimed(store, "slack", NOW)
    assert store.outbox.recover(NOW) == 1
    assert claimed(store, "slack", NOW).uncertain


def test_a_permanent_failure_is_dead_and_told_once_on_the_other_channels(store: Store) -> None:
    job = add(store)
    for _ in range(2):
        news(store, job, "slack")
        delivery = claimed(store, "slack", NOW)
        buried(store, [delivery], "404", NOW, ["slack", "mail"])
    told = claimed(store, "mail", NOW)
    assert told.event.transitions == (DeliveryDead("slack", 1, "404", f"{arn(1)} (event 1)"),)
    store.outbox.sent([told], Sent(), NOW, NOW)
    assert store.outbox.claim("mail", NOW) == Claim()
    assert store.outbox.claim("slack", NOW) == Claim()


def test_a_dead_message_that_is_asked_for_again_is_marked_as_late(store: Store) -> None:
    news(store, add(store), "slack")
    delivery = claimed(store, "slack", NOW)
    buried(store, [delivery], "404", NOW)
    assert store.dead_letters.retry(None, NOW) == 1
    assert claimed(store, "slack", NOW).revived
    with pytest.raises(UnknownJob):
        store.dead_letters.retry([999], NOW)


def test_what_waits_for_a_channel_that_left_is_dead_and_told(store: Store) -> None:
    news(store, add(store), "slack", "mail")
    assert store.dead_letters.retire(["mail"], NOW, ["mail"]) == {"slack": 1}
    (dead,) = store.history.deliveries(("dead",))
    assert (dead.channel, dead.last_error) == ("slack", "the channel is no longer in the configuration")


def test_a_channel_test_is_a_message_like_any_other(store: Store) -> None:
    store.outbox.put("slack", ChannelTest("slack"), NOW)
    assert claimed(store, "slack", NOW).event.transitions == (ChannelTest("slack"),)


def test_events_of_a_subject_are_numbered_without_gaps(store: Store) -> None:
    job = add(store)
    for _ in range(3):
        news(store, job)
    assert [event.version for event, _ in store.history.events(job)] == [1, 2, 3]


def test_two_connections_see_each_other(store: Store) -> None:
    other = Store.open(store.database.path)
    before = store.database.data_version()
    add(other)
    assert store.database.data_version() != before
    assert len(store.jobs.listed(every=True)) == 1
    other.close()


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    add(store)
    with pytest.raises(sqlite3.OperationalError), store.database.transaction() as sql:  # noqa: PT012 - it needs both
        sql.execute("DELETE FROM jobs")
        sql.execute("no such statement")
    assert len(store.jobs.listed(every=True)) == 1


def test_every_transition_is_stored_and_read_as_it_was() -> None:
    from test_policy import ONE_OF_EACH  # noqa: PLC0415 - the table of all

    from watcher.store.codec import dump_transitions, load_transitions  # noqa: PLC0415 - only here

    every = (*ONE_OF_EACH.values(), ChannelTest("x"), Appeared("y"))
    assert load_transitions(dump_transitions(every)) == every


def hold(store: Store, job: int, until: float, fold: str = "digest") -> None:
    miss = Miss(3, NOW, NOW, "error", (WatchLost("why", "do", utc(NOW)),), (Posting("slack", until, fold),))
    store.ledger.missed(job, miss, NOW)


def test_what_waits_for_the_digest_is_told_as_one(store: Store) -> None:
    one, two = add(store, 1), add(store, 2)
    for job in (one, two, one):
        hold(store, job, NOW + 100)
    assert store.outbox.claim("slack", NOW).due_at == NOW + 100
    claim = store.outbox.claim("slack", NOW + 100)
    assert (claim.fold, [delivery.event.subject for delivery in claim.deliveries]) == (
        "digest",
        [f"job/{one}", f"job/{two}", f"job/{one}"],
    )
    store.outbox.sent(claim.deliveries, Sent(), NOW, NOW)
    assert store.outbox.claim("slack", NOW + 100) == Claim()


def test_one_message_alone_makes_no_digest(store: Store) -> None:
    hold(store, add(store), NOW)
    assert store.outbox.claim("slack", NOW).fold == ""


def test_urgent_news_takes_what_waits_of_the_same_job_along_and_stays_behind_it(store: Store) -> None:
    one, two = add(store, 1), add(store, 2)
    hold(store, one, NOW + 10_000)
    hold(store, two, NOW + 10_000)
    news(store, one, "slack")
    first = claimed(store, "slack", NOW)
    store.outbox.sent([first], Sent(), NOW, NOW)
    second = claimed(store, "slack", NOW)
    assert (first.event.subject, second.event.subject, first.id < second.id) == (f"job/{one}", f"job/{one}", True)
    store.outbox.sent([second], Sent(), NOW, NOW)
    assert store.outbox.claim("slack", NOW).due_at == NOW + 10_000


def test_a_digest_that_cannot_be_sent_stays_whole(store: Store) -> None:
    for number in (1, 2, 3):
        hold(store, add(store, number), NOW)
    claim = store.outbox.claim("slack", NOW)
    assert store.outbox.failed(claim.deliveries, Failed("503"), Times(NOW, NOW, NOW + 60)) == []
    assert len(store.outbox.claim("slack", NOW + 60).deliveries) == 3


def test_a_digest_that_is_configured_no_more_lets_go_what_waits(store: Store) -> None:
    hold(store, add(store), NOW + 10_000)
    store.outbox.plan({"slack": NOW + 10_000}, NOW)
    assert store.outbox.due_at("slack") == NOW + 10_000
    store.outbox.plan({"mail": NOW + 10_000}, NOW)
    assert store.outbox.due_at("slack") == NOW


def test_a_muted_jobs_news_waits_and_is_told_as_one(store: Store) -> None:
    one, two = add(store, 1), add(store, 2)
    store.mutes.mute(one, NOW + 7200)
    news(store, one, "slack")
    news(store, one, "slack")
    news(store, two, "slack")
    assert claimed(store, "slack", NOW).event.subject == f"job/{two}"
    assert store.outbox.claim("slack", NOW).due_at == NOW + 7200
    assert store.mutes.active(NOW) == {one: NOW + 7200}
    assert store.mutes.unmute(one, NOW + 60) == 2
    claim = store.outbox.claim("slack", NOW + 60)
    assert (claim.fold, len(claim.deliveries)) == ("mute", 2)


def test_muting_every_job_holds_back_all_but_a_channel_test(store: Store) -> None:
    store.mutes.mute(None, NOW + 7200)
    news(store, add(store), "slack")
    store.outbox.put("slack", ChannelTest("slack"), NOW)
    assert claimed(store, "slack", NOW).event.transitions == (ChannelTest("slack"),)
    assert store.outbox.claim("slack", NOW).due_at == NOW + 7200


def test_a_mute_that_is_over_holds_nothing_back(store: Store) -> None:
    job = add(store)
    store.mutes.mute(job, NOW - 1)
    news(store, job, "slack")
    claimed(store, "slack", NOW)


def test_in_a_burst_everything_due_is_taken_in_order(store: Store) -> None:
    one, two = add(store, 1), add(store, 2)
    for job in (one, two, one, two):
        news(store, job, "slack")
    claim = store.outbox.claim("slack", NOW, burst=True)
    assert claim.fold == "burst"
    ids = [delivery.id for delivery in claim.deliveries]
    assert (len(ids), ids) == (4, sorted(ids))


def test_a_burst_leaves_behind_what_waits_and_what_is_behind_it(store: Store) -> None:
    one, two = add(store, 1), add(store, 2)
    news(store, one, "slack")
    assert failed(store, claimed(store, "slack", NOW), Failed("503"), NOW + 60)
    news(store, one, "slack")
    news(store, two, "slack")
    news(store, two, "slack")
    assert {delivery.event.subject for delivery in store.outbox.claim("slack", NOW, burst=True).deliveries} == {
        f"job/{two}"
    }


def test_every_attempt_is_kept(store: Store) -> None:
    news(store, add(store), "slack")
    delivery = claimed(store, "slack", NOW)
    assert failed(store, delivery, Failed("503 later"))
    again = claimed(store, "slack", NOW)
    store.outbox.sent([again], Sent({"ts": "1"}), NOW, NOW + 1)
    assert [(one.result, one.reason) for one in store.history.attempts(delivery.id)] == [
        ("failed", "503 later"),
        ("sent", ""),
    ]
    assert store.outbox.thread("slack", delivery.event.subject) == {"ts": "1"}


def test_what_waits_after_a_failure_goes_at_once_when_its_channel_works_again(store: Store) -> None:
    """What was not tried yet, or is held back, keeps its time; so do the other channels."""
    jobs = [add(store, number) for number in (1, 2, 3)]
    for job in jobs[:2]:
        news(store, job, "slack", "mail")
    for channel in ("slack", "mail"):
        assert failed(store, claimed(store, channel, NOW), Failed("503"), NOW + 900)
        store.outbox.sent([claimed(store, channel, NOW)], Sent(), NOW, NOW)
    held = Miss(3, NOW, NOW, "error", (WatchLost("why", "do", utc(NOW)),), (Posting("slack", NOW + 500, "digest"),))
    store.ledger.missed(jobs[2], held, NOW)
    assert store.outbox.due_at("slack") == NOW + 500
    store.outbox.hurry("slack", NOW + 1)
    assert claimed(store, "slack", NOW + 1).event.subject == f"job/{jobs[0]}"
    assert store.outbox.due_at("slack") == NOW + 500
    assert store.outbox.due_at("mail") == NOW + 900


def test_a_corrected_configuration_hurries_what_waits_for_its_next_try(store: Store) -> None:
    news(store, add(store), "slack")
    store.dead_letters.revive("slack", "old", NOW)
    assert failed(store, claimed(store, "slack", NOW), Failed("503"), NOW + 900)
    store.dead_letters.revive("slack", "old", NOW + 1)
    assert store.outbox.due_at("slack") == NOW + 900
    store.dead_letters.revive("slack", "new", NOW + 2)
    assert store.outbox.due_at("slack") == NOW + 2
    assert (store.dead_letters.fingerprint("slack"), store.dead_letters.fingerprint("mail")) == ("new", "")


def test_what_was_to_wait_by_a_clock_that_was_ahead_is_tried_after_a_start(store: Store) -> None:
    """Nothing waits for longer than an hour after a try, or at all before one; a digest waits for its hour."""
    jobs = [add(store, number) for number in (1, 2, 3)]
    for job in jobs[:2]:
        news(store, job, "slack")
    assert failed(store, claimed(store, "slack", NOW), Failed("503"), NOW + 3601)
    held = Miss(3, NOW, NOW, "error", (WatchLost("why", "do", utc(NOW)),), (Posting("slack", NOW + 7200, "digest"),))
    store.ledger.missed(jobs[2], held, NOW)
    store.outbox.recover(NOW - 100)
    assert [store.outbox.due_at("slack", f"job/{job}") for job in jobs] == [NOW - 100, NOW - 100, NOW + 7200]
    assert failed(store, claimed(store, "slack", NOW), Failed("503"), NOW + 3600)
    store.outbox.recover(NOW)
    assert store.outbox.due_at("slack", f"job/{jobs[0]}") == NOW + 3600
    store.outbox.hurry_all(NOW + 5)
    assert store.outbox.due_at("slack", f"job/{jobs[0]}") == NOW + 5
    assert store.outbox.due_at("slack", f"job/{jobs[2]}") == NOW + 7200


def test_a_corrected_configuration_revives_what_was_dead_for_it(store: Store) -> None:
    job = add(store)
    news(store, job, "slack")
    news(store, job, "slack")
    assert store.dead_letters.revive("slack", "old", NOW) == 0
    delivery = claimed(store, "slack", NOW)
    buried(store, [delivery], "404", NOW)
    store.dead_letters.drop(waiting_id(store), NOW)
    assert store.dead_letters.revive("slack", "old", NOW) == 0
    assert store.dead_letters.revive("slack", "new", NOW) == 1
    again = claimed(store, "slack", NOW)
    assert (again.id, again.revived) == (delivery.id, True)


def waiting_id(store: Store) -> int:
    return store.history.deliveries(("pending",))[0].id


def test_a_channel_that_left_and_came_back_gets_what_it_missed(store: Store) -> None:
    store.dead_letters.revive("slack", "same", NOW)
    news(store, add(store), "slack")
    store.dead_letters.retire([], NOW, [])
    assert store.dead_letters.revive("slack", "same", NOW) == 1


def test_what_has_been_dead_for_long_is_no_news_any_more(store: Store) -> None:
    news(store, add(store), "slack")
    store.dead_letters.retire([], NOW, [])
    assert store.dead_letters.revive("slack", "new", NOW + 8 * 86_400) == 0


def test_changed_limits_have_every_running_job_looked_at_again(store: Store) -> None:
    job = add(store)
    with store.database.transaction() as sql:
        sql.execute("UPDATE jobs SET state = 'running'")
    store.ledger.use_limits("a")
    assert store.jobs.get(job).remind_at == 1
    with store.database.transaction() as sql:
        sql.execute("UPDATE jobs SET remind_at = 0")
    store.ledger.use_limits("a")
    assert store.jobs.get(job).remind_at == 0


def test_the_roster_comes_in_parts_and_misses_no_job_of_a_revision_that_many_share(store: Store) -> None:
    wanted = [Wanted(JobArn.parse(arn(number)), "us-east-1") for number in range(1, 8)]
    store.jobs.configure(wanted, NOW)
    store.jobs.configure([], NOW)  # takes all of them away at once
    revisions = {job.revision for job in store.ledger.roster(0)}
    assert len(revisions) == 1
    seen, parts = (0, 0), []
    while part := store.ledger.roster(*seen, 3):
        parts.append([job.id for job in part])
        seen = part[-1].revision, part[-1].id
    assert parts == [[1, 2, 3], [4, 5, 6], [7]]


@pytest.mark.parametrize("meanwhile", ["dropped", "retried later", "sent", "an older one is revived"])
def test_what_follows_is_what_is_next_by_then(store: Store, meanwhile: str) -> None:
    """Between two messages of one turn, other processes write, too."""
    older = add(store, 2)
    news(store, older, "slack")
    first = claimed(store, "slack", NOW)
    buried(store, [first], "refused", NOW)
    with store.database.transaction() as sql:
        sql.execute("UPDATE deliveries SET requeued = 3")  # a success does not bring it back by itself
    news(store, add(store, 1), "slack")
    news(store, older, "slack")
    news(store, add(store, 3), "slack")
    claim = store.outbox.claim("slack", NOW)
    second, third = (one.id for one in store.history.deliveries(("pending",)))
    if meanwhile == "dropped":
        store.dead_letters.drop(second, NOW)
    elif meanwhile == "an older one is revived":
        store.dead_letters.retry([first.id], NOW)
    else:
        change = {"retried later": "next_attempt_at = 9e9", "sent": "state = 'sent'"}[meanwhile]
        with store.database.transaction() as sql:
            sql.execute(f"UPDATE deliveries SET {change} WHERE id = ?", (second,))  # noqa: S608
    following = store.outbox.sent(claim.deliveries, Sent(), NOW, NOW, go_on=True)
    expected = first.id if meanwhile == "an older one is revived" else third
    assert [delivery.id for delivery in following.deliveries] == [expected]


def test_what_is_held_back_does_not_follow_one_by_one(store: Store) -> None:
    news(store, add(store, 1), "slack")
    claim = store.outbox.claim("slack", NOW)
    for number in (2, 3):
        hold(store, add(store, number), NOW)
    assert store.outbox.sent(claim.deliveries, Sent(), NOW, NOW, go_on=True) == Claim()
    assert len(store.outbox.claim("slack", NOW).deliveries) == 2


def test_what_follows_is_taken_in_the_transaction_that_marks_what_was_sent(store: Store) -> None:
    for number in (1, 2):
        news(store, add(store, number), "slack")
    claim = store.outbox.claim("slack", NOW)
    other = sqlite3.connect(store.database.path)
    before = other.execute("PRAGMA data_version").fetchone()[0]
    following = store.outbox.sent(claim.deliveries, Sent(), NOW, NOW, go_on=True)
    assert other.execute("PRAGMA data_version").fetchone()[0] == before + 1
    states = other.execute("SELECT state, attempts FROM deliveries ORDER BY id").fetchall()
    other.close()
    assert states == [("sent", 1), ("sending", 1)]
    assert store.outbox.recover(NOW) == 1
    assert following.deliveries[0].id == claim.deliveries[0].id + 1


def test_a_channel_that_dies_after_the_clock_was_set_back_is_told_of_once(store: Store) -> None:
    """What was sent, and told, before that is dated in the time to come: neither hides the news nor repeats it."""

    def die(now: float) -> int:
        delivery = store.outbox.put("slack", ChannelTest("slack"), now)
        store.dead_letters.retire(["mail"], now, ["mail"])
        return delivery

    def told() -> int:
        return sum("DeliveryDead" in str(event.transitions) for event, _ in store.history.events())

    die(NOW + 3600)
    assert told() == 1
    die(NOW)
    die(NOW + 1)
    assert told() == 2
