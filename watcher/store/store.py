"""The database's verbs in one hand.  Not its business: any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from watcher.store.database import Database, Migrating, unnoticed
from watcher.store.deadletters import DeadLetters
from watcher.store.findings import FindingsStore
from watcher.store.history import History
from watcher.store.jobs import Jobs, Wanted
from watcher.store.ledger import Ledger
from watcher.store.mutes import Mutes
from watcher.store.outages import OutageStore
from watcher.store.outbox import Outbox
from watcher.store.outcomes import RanFor
from watcher.store.own import OwnEvents
from watcher.store.quarantine import Quarantine
from watcher.store.requests import Requests
from watcher.store.retention import Retention


@dataclass(frozen=True, slots=True)
class Settings:
    """What the database keeps of a configuration.

    The *jobs* that it watches, its *limits* of how long is too long, and by their channels when the next *digests* are
    (epoch seconds), and the *fingerprints* of the URLs that could be read.
    """

    jobs: Sequence[Wanted]
    limits: str
    digests: Mapping[str, float]
    fingerprints: Mapping[str, str]


class Store:
    """The database's verbs, by who needs them.

    *jobs*: what is watched; *ledger*: the sweep's; *outbox*: the lanes'; *dead_letters*: of those who give up and help;
    *history*: what people ask; *requests*: what they ask of the daemon; *own*: events about bedrock-watch itself;
    *quarantine*: inputs that crashed it; *retention*: what is let go.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.jobs = Jobs(database)
        self.ledger = Ledger(database)
        self.findings = FindingsStore(database)
        self.mutes = Mutes(database)
        ran_for = RanFor()
        self.outbox = Outbox(database, ran_for)
        self.outages = OutageStore(database, ran_for)
        self.dead_letters = DeadLetters(database)
        self.history = History(database)
        self.requests = Requests(database)
        self.own = OwnEvents(database)
        self.quarantine = Quarantine(database)
        self.retention = Retention(database)

    @classmethod
    def open(cls, path: Path, *, create: bool = True, migrating: Migrating = unnoticed, owner: bool = False) -> Store:
        """Open (and if need be create and migrate) the database at *path*, as Database.open does."""
        return cls(Database.open(path, create=create, migrating=migrating, owner=owner))

    def adopt(self, settings: Settings, now: float) -> dict[str, int]:
        """Take a configuration over, all of it or nothing; return how many messages a mended channel revives.

        All that follows from it is written in one transaction.
        """
        with self.database.transaction():
            self.jobs.configure(settings.jobs, now)
            self.ledger.use_limits(settings.limits)
            self.outbox.plan(settings.digests, now)
            revived = {
                channel: self.dead_letters.revive(channel, fingerprint, now)
                for channel, fingerprint in settings.fingerprints.items()
            }
        return {channel: count for channel, count in revived.items() if count}

    def close(self) -> None:
        """Close the connection; harmless when repeated."""
        self.database.close()
