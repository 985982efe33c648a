"""Select rows at one moment and read them in pages, so that memory use stays constant.

No transaction is open between two pages.  So a slow reader (a pager, a full pipe) never prevents SQLite from
checkpointing its write-ahead log.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from watcher.store.database import Database

PAGE = 500
"""Number of rows to read at once."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Selection:
    """The *keys* of the chosen rows, in the order in which to show them; a limit has *left_out* that many more."""

    keys: array[int]
    left_out: int = 0

    def read(self, page: Callable[[tuple[int, ...]], Iterable[T]]) -> Iterator[T]:
        """Yield what *page* returns for the keys, some of them at a time."""
        for start in range(0, len(self.keys), PAGE):
            yield from page(tuple(self.keys[start : start + PAGE]))


def latest(
    database: Database, table: str, where: str, values: Mapping[str, Any], limit: int | None, key: str = "id"
) -> Selection:
    """Select the last *limit* rows (None: all) of *table* that fulfil *where*, the oldest first.

    *table* is what stands after FROM; *key* is the name of its key, which grows with time.
    """
    with database.reading() as sql:
        total: int = sql.execute(f"SELECT count(*) FROM {table} WHERE {where}", values).fetchone()[0]
        rows = sql.execute(
            f"SELECT {key} FROM {table} WHERE {where} ORDER BY {key} DESC LIMIT :limit",
            {**values, "limit": -1 if limit is None else limit},
        )
        keys = array("q", (row[0] for row in rows))
    keys.reverse()
    return Selection(keys, total - len(keys))
