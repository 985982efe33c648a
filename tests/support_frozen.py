"""Frozen databases: one of each version of the schema that there has been, as the program of that time wrote it.

``python tests/support_frozen.py`` writes that of the present version, once; from then on it is history, and is never
written anew.  Each is a dump in SQL, which can be read in a review.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from support_jobs import ACCOUNT, arn, at, response, step

from watcher.bedrock.customization import read
from watcher.clock import utc
from watcher.errors import LookError, LookFault
from watcher.model import (
    Appeared,
    ChannelTest,
    DeliveryDead,
    Failed,
    FailureExplained,
    FieldChanged,
    JobArn,
    Outcome,
    Posting,
    Reminder,
    Sent,
    Sighting,
    StatusChanged,
    StepChanged,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.store.ledger import Miss
from watcher.store.outcomes import Times
from watcher.store.schema import APPLICATION_ID, MIGRATIONS

FROZEN = Path(__file__).parent / "frozen"

NOW = 1_750_000_000.0
"""When the frozen things happened: in June of 2025, so that whoever thaws them comes later."""

_LOST = LookError(LookFault.CREDENTIALS, "ExpiredToken", "it expired", "put fresh credentials in place")


def dump_of(version: int) -> Path:
    """Return where the frozen database of a schema's version is."""
    return FROZEN / f"schema-{version}.sql"


def thaw(version: int, path: Path) -> Path:
    """Make the database of that version anew at *path*, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as sql:
        sql.execute("PRAGMA journal_mode = WAL")
        sql.executescript(dump_of(version).read_text())
        sql.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        sql.execute(f"PRAGMA user_version = {version}")
    return path


def furnish(store: Store) -> None:
    """Put one of everything into a database, by the program's own verbs."""
    running, closing = _jobs(store)
    _queue(store, running, closing)
    _troubles(store)
    store.requests.answer(store.requests.ask("doctor", {"send": False}, NOW, 60.0), {"findings": []}, NOW + 1)
    store.requests.take(NOW)
    store.requests.ask("doctor", {"send": True}, NOW, 60.0)


def _see(
    store: Store, number: int, *transitions: Transition, state: str, channels: str = "", name: str = "", **facts: Any
) -> int:
    """Record what AWS answered about the job of that number, and tell the *channels*, which are one letter each.

    The job is known by its ARN, or by the *name* that somebody gave; its id is returned.
    """
    wanted = Wanted(name or JobArn.parse(arn(number)), "us-east-1", tags=("team-a",), expected=3600.0)
    job, _ = store.jobs.add(wanted, NOW, ask=False)
    answer = response(number, **facts)
    store.ledger.record(
        Sighting(
            job=job.id,
            version=store.ledger.facts(job.id)[0],
            facts=answer,
            response=json.dumps(answer),
            snapshot=read(answer),
            transitions=transitions,
            postings=tuple(map(Posting, channels)),
            state=state,
            arn=arn(number),
            account=ACCOUNT,
            mark=number,
            base_model=answer["baseModelArn"],
            customization="FINE_TUNING",
            reminded=("stalled",),
            remind_at=NOW + 60,
            seen_at=NOW,
            next_poll_at=NOW + 60,
            closing_at=NOW + 600 if state == "closing" else 0.0,
        )
    )
    return job.id


def _jobs(store: Store) -> tuple[int, int]:
    """Leave jobs in every state, and news of every kind; return the ids of one that runs and of one that failed."""
    began = step("InProgress", 1, 2)
    store.jobs.configure([Wanted("by-name", "eu-west-1", "research", "a label", ("x", "y"))], NOW)
    store.jobs.add(Wanted(JobArn.parse(arn(1)), "us-east-1", label="never seen"), NOW, ask=True)
    _see(store, 2, Appeared("InProgress"), state="running", statusDetails={"trainingDetails": began})
    running = _see(
        store,
        2,
        StepChanged("training", "NotStarted", "InProgress", utc(NOW - 60), utc(NOW - 30)),
        FieldChanged("hyperParameters.epochs", '"1"', '"2"'),
        Reminder("overdue", utc(NOW - 3600), 1800.0),
        state="running",
        channels="p",
        statusDetails={"trainingDetails": began},
    )
    failed: dict[str, Any] = {
        "status": "Failed",
        "failureMessage": "Maximum input token count 4097 exceeds limit of 4096",
    }
    over = StatusChanged("InProgress", "Failed", Outcome.FAILED, utc(NOW - 10))
    closing = _see(
        store, 3, over, FailureExplained(failed["failureMessage"]), state="closing", channels="dux", **failed
    )
    ended: dict[str, Any] = {"status": "Completed", "minute": 90, "endTime": at(90)}
    _see(store, 4, StatusChanged("", "Completed", Outcome.SUCCEEDED, None), state="ended", channels="st", **ended)
    vanished = _see(store, 5, Appeared("InProgress"), state="running")
    gone = Vanished("ResourceNotFoundException")
    store.ledger.missed(
        vanished, Miss(3, NOW - 900, NOW + 900, _LOST.dump(), (gone,), (Posting("p"),), "vanished"), NOW
    )
    # Given by name, and known by its ARN already: the one row becomes the other.
    _see(store, 4, state="ended", name="job-4", **ended)
    removed, _ = store.jobs.add(Wanted(JobArn.parse(arn(6)), "us-east-1"), NOW, ask=False)
    store.jobs.remove(removed)
    return running, closing


def _queue(store: Store, running: int, closing: int) -> None:
    """Leave messages in every state: each channel's name is the first letter of its own."""
    box = store.outbox
    for channel, verdict in (("s", Sent({"channel": "C1", "ts": "1503435956.000247"})), ("t", Sent())):
        box.sent(box.claim(channel, NOW).deliveries, verdict, NOW, NOW + 1)
    times = Times(NOW, NOW + 1, NOW + 30)
    for channel in "dx":
        refused = Failed("HTTP 404 Not Found", permanent=True)
        box.failed(box.claim(channel, NOW).deliveries, refused, times, ["p"])
    box.failed(box.claim("u", NOW).deliveries, Failed("no answer", uncertain=True), times)
    box.failed(box.claim("p", NOW).deliveries, Failed("could not connect"), times)
    store.ledger.missed(running, Miss(1, NOW, NOW, _LOST.dump(), (Appeared("InProgress"),), (Posting("i"),)), NOW)
    box.claim("i", NOW)  # in flight: `sending`
    box.put("p", ChannelTest("p"), NOW)
    store.dead_letters.revive("d", f"{'5a' * 16}${'f0' * 64}", NOW + 2)
    retried = box.put("r", ChannelTest("r"), NOW)
    store.dead_letters.drop(retried, NOW)
    store.mutes.mute(None, NOW + 3600)
    store.mutes.mute(running, NOW + 7200)
    lost = (Reminder("stalled", utc(NOW - 50_000), 43_200.0), DeliveryDead("d", 1, "HTTP 404", "job-3 (event 3)"))
    held = (Posting("p"), Posting("g", NOW + 50_000, "digest"))
    store.ledger.missed(running, Miss(1, NOW, NOW, _LOST.dump(), lost, held), NOW)
    store.mutes.unmute(None, NOW)
    store.mutes.mute(running, NOW + 7200)
    store.ledger.missed(closing, Miss(1, NOW, NOW, _LOST.dump(), (Appeared("Failed"),), held), NOW)
    store.ledger.use_limits("Limits(2.0)")


def _troubles(store: Store) -> None:
    """Leave one scope that cannot be looked at, and one that can be again."""
    lost = WatchLost("ExpiredToken: it expired", "put fresh credentials in place", utc(NOW - 600))
    for scope in (
        "research@-/eu-west-1/model-customization-job",
        f"default@{ACCOUNT}/us-west-2/model-customization-job",
    ):
        miss = Miss(3, NOW - 600, NOW + 60, _LOST.dump(), (lost,), (Posting("p"),))
        store.ledger.scope_missed(scope, miss, NOW)
    store.ledger.scope_regained(scope, NOW + 5, (WatchRegained(utc(NOW - 600)),), [Posting("p")])


def main() -> None:
    """Freeze the present version, unless that has been done."""
    file = dump_of(len(MIGRATIONS))
    if file.exists():
        sys.exit(f"{file} is frozen: a schema is never changed, only appended to")
    with TemporaryDirectory() as directory:
        store = Store.open(Path(directory, "bedrock-watch.db"))
        furnish(store)
        lines = store.database._connection.iterdump()
        file.write_text("".join(f"{line}\n" for line in lines))
        store.close()


if __name__ == "__main__":
    main()
