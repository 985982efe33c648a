"""Writing events about bedrock-watch itself: gaps in monitoring, and what people did."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.model import Gap, Operator, Posting
from watcher.store.database import Database
from watcher.store.news import write_event
from watcher.store.rows import event_of


class OwnEvents:
    """The operations on events about bedrock-watch itself."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def gap(self, gap: Gap, postings: Sequence[Posting], now: float) -> None:
        """Record a gap in monitoring."""
        with self._db.transaction() as sql:
            write_event(sql, "watch/gap", (gap,), postings, now)

    def gaps(self, since: float, most: int = 3) -> list[Gap]:
        """Return the last gaps in monitoring since then (epoch seconds), newest first."""
        with self._db.reading() as sql:
            rows = sql.execute(
                "SELECT * FROM events WHERE subject = 'watch/gap' AND observed_at >= ? ORDER BY version DESC LIMIT ?",
                (since, most),
            )
            return [one for row in rows for one in event_of(row).transitions if isinstance(one, Gap)]

    def operated(self, operator: Operator, postings: Sequence[Posting], now: float, job: int | None = None) -> None:
        """Record what a person did, to *job* if it was about one."""
        with self._db.transaction() as sql:
            write_event(sql, "watch/operator", (operator,), postings, now, job=job)
