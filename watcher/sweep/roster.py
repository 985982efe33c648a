"""A group's jobs in memory.  The quiet ones, of which there may be a hundred thousand, are rows of packed columns.

A job is quiet while List can answer for it: it runs, and nothing is wrong with it.  Of such a job a turn needs a few
numbers and the ARN; the rest is in the store, and is read when the job has to be asked for by Get.  Then it is awake: a
``Watched`` of its own, which it stays until it is quiet again and the turn is over.
Not its business: asking AWS, and what an answer means.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import chain, compress

from watcher.model import Job
from watcher.sweep.watched import Watched, is_time


class Roster:
    """The watched jobs of one group, by the store's number of each.

    *awake* are those that are not quiet; *rows* tells by the ARN where a quiet one is in the columns, which bear the
    names of a Watched's fields.  Rows move when another job is added or taken away: know a job by its number across an
    ``await``.
    """

    def __init__(self) -> None:
        self.awake: dict[int, Watched] = {}
        self.rows: dict[str, int] = {}
        self._row_of: dict[int, int] = {}
        self._arns: list[str] = []
        self.ids, self.mark, self.listed = array("q"), array("q"), array("q")
        self.due_at, self.looked_at, self.get_at = array("d"), array("d"), array("d")
        self.confirmed_at, self.created_at, self.changed_at = array("d"), array("d"), array("d")
        self.wanted = bytearray()
        """Whether a quiet job is due in this turn, and List has yet to show it."""

    def __len__(self) -> int:
        return len(self.awake) + len(self._row_of)

    def __contains__(self, job: int) -> bool:
        return job in self._row_of or job in self.awake

    def __iter__(self) -> Iterator[int]:
        return chain(self.awake, self._row_of)

    @property
    def quiet(self) -> int:
        """How many are quiet."""
        return len(self._row_of)

    @property
    def running(self) -> int:
        """How many run."""
        return self.quiet + sum(job.state == "running" for job in self.awake.values())

    def take(self, job: Job) -> None:
        """Watch a job, or take over what a person has changed of one that is watched."""
        if job.id in self.awake:
            self.awake[job.id].update(job)
            return
        known = self._row_of.get(job.id)
        watched = Watched.of(job)
        if known is not None:
            self._put_into(watched, known)
            self._free(known)
            watched.update(job)
        self._keep(watched)

    def pop(self, job: int) -> None:
        """Watch a job no more, if it was watched."""
        self.awake.pop(job, None)
        if job in self._row_of:
            self._free(self._row_of[job])

    def wake(self, jobs: Iterable[Job]) -> None:
        """Wake the quiet ones of *jobs*, given as the store has them."""
        for job in jobs:
            row = self._row_of.get(job.id)
            if row is not None:
                self.awake[job.id] = watched = Watched.of(job)
                self._put_into(watched, row)
                self._free(row)

    def rest(self, jobs: Iterable[Watched]) -> None:
        """Keep those of *jobs* that are awake and quiet as rows again."""
        for job in jobs:
            if job.quiet and self.awake.get(job.id) is job:
                del self.awake[job.id]
                self._keep(job)

    def want_none(self) -> None:
        """Forget what an earlier turn wanted."""
        self.wanted = bytearray(self.quiet)

    def want(self, first: int, count: int, now: float, longest: float) -> list[int]:
        """Note which of *count* rows are due and can be answered for by List; return the jobs that need a Get."""
        part = slice(first, first + count)
        certain = []
        columns = zip(self.ids[part], self.due_at[part], self.looked_at[part], self.get_at[part], strict=True)
        for row, (job, due_at, looked_at, get_at) in enumerate(columns, first):
            if is_time(due_at, looked_at, now, longest):
                if get_at <= now:
                    certain.append(job)
                else:
                    self.wanted[row] = True
        return certain

    def missing(self) -> list[int]:
        """Return those that are wanted and were not shown."""
        return list(compress(self.ids, self.wanted))

    def longest_missing(self, most: int, later: float) -> list[int]:
        """Return up to *most* missing jobs, the longest unpolled first; make the others due *later*."""
        rows = sorted(compress(range(self.quiet), self.wanted), key=self.looked_at.__getitem__)
        for row in rows[most:]:
            self.wanted[row] = False
            self.due_at[row] = later
        return [self.ids[row] for row in rows[:most]]

    def oldest_wanted(self) -> float:
        """Return when the oldest of the wanted ones was created (epoch seconds); infinity with none."""
        return min(compress(self.created_at, self.wanted), default=float("inf"))

    def next_due(self) -> float | None:
        """Return when the next one is due."""
        return min(chain(self.due_at, (job.due_at for job in self.awake.values())), default=None)

    def hasten(self, latest: float) -> None:
        """Let all be due at *latest*."""
        self.due_at = array("d", (min(due_at, latest) for due_at in self.due_at))
        for job in self.awake.values():
            job.due_at = min(job.due_at, latest)

    def work_out_reminders(self) -> None:
        """Let a Get work out anew, as soon as they are due, when the running ones are to be reminded of."""
        self.get_at = array("d", [1.0]) * self.quiet
        for job in self.awake.values():
            if job.state == "running":
                job.remind_at = 1.0

    def _keep(self, job: Watched) -> None:
        if not job.quiet:
            self.awake[job.id] = job
            return
        row = len(self.ids)
        self._row_of[job.id] = self.rows[job.arn] = row
        self._arns.append(job.arn)
        self.ids.append(job.id)
        self.get_at.append(job.get_at)
        self.wanted.append(False)
        for name in _KEPT:
            getattr(self, name).append(getattr(job, name))

    def _put_into(self, job: Watched, row: int) -> None:
        for name in _KEPT:
            setattr(job, name, getattr(self, name)[row])

    def _free(self, row: int) -> None:
        """Take a row away; the last one moves to its place."""
        del self.rows[self._arns[row]], self._row_of[self.ids[row]]
        for column in (self._arns, self.ids, self.get_at, self.wanted, *(getattr(self, name) for name in _KEPT)):
            last = column.pop()
            if row < len(column):
                column[row] = last
        if row < len(self.ids):
            self.rows[self._arns[row]] = self._row_of[self.ids[row]] = row


_KEPT = ("due_at", "looked_at", "confirmed_at", "created_at", "changed_at", "mark", "listed")
"""What memory knows better than the store, which is not written while nothing happens."""
