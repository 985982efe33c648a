"""The memory of the house: one SQLite database.

One public method is one transaction.  Plain ``sqlite3``, synchronous: the daemon calls it from one worker
thread, the command line directly.  Not its business: deciding anything; it stores facts, never prose.

``Store`` is imported when it is asked for: a command that only needs ``database`` and ``listing`` starts in half the
time without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watcher.store.store import Store

__all__ = ["Store"]


def __getattr__(name: str) -> object:
    if name != "Store":
        raise AttributeError(name)
    from watcher.store.store import Store  # noqa: PLC0415 - see above

    return Store
