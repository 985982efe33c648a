"""The database's verbs in one hand.  Not its business: any of them."""

from __future__ import annotations

from pathlib import Path

from watcher.store.database import Database, Migrating, unnoticed
from watcher.store.history import History
from watcher.store.jobs import Jobs
from watcher.store.ledger import Ledger
from watcher.store.mutes import Mutes
from watcher.store.outbox import Outbox
from watcher.store.requests import Requests


class Store:
    """The database's verbs, by who needs them.

    *jobs*: what is watched; *ledger*: the sweep's; *outbox*: the lanes'; *history*: what people ask; *requests*: what
    they ask of the daemon.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.jobs = Jobs(database)
        self.ledger = Ledger(database)
        self.mutes = Mutes(database)
        self.outbox = Outbox(database)
        self.history = History(database)
        self.requests = Requests(database)

    @classmethod
    def open(cls, path: Path, *, create: bool = True, migrating: Migrating = unnoticed) -> Store:
        """Open (and if need be create and migrate) the database at *path*, as Database.open does."""
        return cls(Database.open(path, create=create, migrating=migrating))

    def close(self) -> None:
        """Close the connection; harmless when repeated."""
        self.database.close()
