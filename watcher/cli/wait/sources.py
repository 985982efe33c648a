"""Where what is known of the jobs comes from: a daemon's database, or a lookout of our own.

Not its business: what is made of it (``follow``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

from watcher.cli.jobview import JobView, views
from watcher.store.database import explained

if TYPE_CHECKING:
    from watcher.daemon.lookout import Lookout
    from watcher.model import Event, Job
    from watcher.store import Store

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Source(Protocol):
    """A database that somebody keeps up to date."""

    async def read(self, question: Callable[[Store, *Ts], T], *args: *Ts) -> T:
        """Ask it; raises StoreError."""

    async def version(self) -> int | None:
        """Return what is another number when there may be something new; None when that cannot be told."""


class Kept:
    """The database that the daemon writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._limiter = CapacityLimiter(1)

    async def read(self, question: Callable[[Store, *Ts], T], *args: *Ts) -> T:
        """Ask it, in a thread: another process may hold it."""

        def ask() -> T:
            with explained(self._store.database.path):
                return question(self._store, *args)

        return await to_thread.run_sync(ask, limiter=self._limiter)

    async def version(self) -> int | None:
        """Return SQLite's own number of what others have committed."""
        return await self.read(_version)


class Own:
    """The database of a lookout in this process."""

    def __init__(self, lookout: Lookout) -> None:
        self._lookout = lookout

    async def read(self, question: Callable[[Store, *Ts], T], *args: *Ts) -> T:
        """Ask it."""
        return await self._lookout.transact(question, self._lookout.store, *args)

    async def version(self) -> int | None:
        """Return nothing: SQLite does not count what its own connection commits."""
        return None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a job stands: *events* are those since the last look, *blind* says that it cannot be looked at for long."""

    view: JobView
    events: tuple[tuple[Event, Job | None], ...]
    blind: bool


def standing(store: Store, job: int, after: int) -> Standing:
    """Return how a job stands, with its events that are later than the one of the number *after*."""
    found = store.jobs.get(job)
    troubles = store.history.scopes()
    blind = any(troubles[key].blind_since for key in found.scopes if key in troubles)
    told = tuple(store.history.events(found.id, after=after))
    (view,) = views(store, [found])
    return Standing(view, told, blind or found.blind_since > 0)


def last_event(store: Store, job: int) -> int:
    """Return the number of a job's last event: 0 when there is none; of one that is over, of the event before that."""
    events = list(store.history.choose_events(job, 0.0, 2).keys)
    if store.jobs.get(job).state == "ended" and events:
        events.pop()
    return events[-1] if events else 0


def job(store: Store, number: int) -> Job:
    """Return a job as the database has it."""
    return store.jobs.get(number)


def _version(store: Store) -> int:
    return store.database.data_version()
