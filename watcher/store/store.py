"""The database's verbs in one hand.  Not its business: any of them."""

from __future__ import annotations

from pathlib import Path

from watcher.store.database import Database
from watcher.store.history import History
from watcher.store.jobs import Jobs
from watcher.store.ledger import Ledger
from watcher.store.mutes import Mutes
from watcher.store.outbox import Outbox


class Store:
    """The database's verbs, by who needs them.

    *jobs*: what is watched; *ledger*: the sweep's; *outbox*: the lanes'; *history*: what people ask.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.jobs = Jobs(database)
        self.ledger = Ledger(database)
        self.mutes = Mutes(database)
        self.outbox = Outbox(database)
        self.history = History(database)

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Store:
        """Open (and if need be create and migrate) the database at *path*; raises StoreError."""
        return cls(Database.open(path, create=create))

    def close(self) -> None:
        """Close the connection; harmless when repeated."""
        self.database.close()
