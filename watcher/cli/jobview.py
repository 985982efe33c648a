"""One job with all that is known of it: for programs as a JSON object, for people as lines.

Not its business: where it is printed (``show``, ``add``, ``listing``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from watcher import clock
from watcher.bedrock.kind import MalformedResponse
from watcher.bedrock.kinds import KINDS
from watcher.cli import values
from watcher.cli.words import RUNNING_STEPS, Cell, is_queued, plain, span, status_cell
from watcher.clock import utc
from watcher.errors import LookError
from watcher.model import INVOCATION, Job, Snapshot
from watcher.render.particulars import Records, records_of
from watcher.render.words import between, moment

if TYPE_CHECKING:
    from watcher.store import Store
    from watcher.store.history import Record
    from watcher.store.ledger import Scope


_FIRST_WORDS = frozenset({"InProgress", "Creating", "Submitted"})
_LATER = {INVOCATION: "InProgress"}  # a batch has been other things before

TIMELINE = ("  SUB-TASK", "STATUS", "STARTED", "DURATION")


@dataclass(frozen=True, slots=True)
class JobView:
    """A job, its last snapshot if it was ever seen, and why it cannot be looked at now, if so.

    *snapshot* is None, too, when another version wrote what this one cannot read.  *muted_until*: until when its news
    is held back, 0 when it is not.  This and *failing_since* are epoch seconds.
    """

    job: Job
    record: Record | None
    snapshot: Snapshot | None
    error: LookError | None
    failing_since: float
    muted_until: float

    @property
    def watched(self) -> bool:
        """Whether a person or the configuration wants it watched."""
        return self.job.watched

    @property
    def title(self) -> str:
        """What people call it, as a terminal may show it."""
        return plain(self.job.title)

    @property
    def status(self) -> Cell:
        """AWS's status word, or what stands for it."""
        return status_cell(self.job.state, self.snapshot.status if self.snapshot else "", self._step_words())

    def age(self, now: float) -> str:
        """Return ``for 3h12m`` of a job that runs, ``after 3h12m`` of others, or nothing when it was never seen."""
        if self.snapshot is None:
            return ""
        if self.snapshot.outcome.terminal:
            return f"after {span(self.job.ended_at - self.job.created_at)}"
        # Only a first word of AWS's has lasted as long as the job.
        status = self.snapshot.status
        word = "for" if status in _FIRST_WORDS and status != _LATER.get(self.job.kind) else "after"
        return f"{word} {span(now - self.job.created_at)}"

    @property
    def records(self) -> Records:
        """How far a batch is; nothing of another kind."""
        return records_of(self.job.kind, self.snapshot.facts if self.snapshot else {})

    def timeline(self, now: float, zone: tzinfo | None) -> list[tuple[Cell, ...]]:
        """Return a row of TIMELINE for each sub-task; the one that runs is marked, and its time goes on."""
        rows: list[tuple[Cell, ...]] = []
        for step in self.snapshot.steps if self.snapshot else ():
            running = step.status in RUNNING_STEPS
            took = between(step.started_at, utc(now) if running else step.changed_at)
            rows.append(
                (
                    ("> " if running else "  ") + plain(step.name),
                    status_cell("", step.status, ()),
                    *(("", "") if step.status == "NotStarted" else (moment(step.started_at, zone), took)),
                )
            )
        return rows

    def document(self) -> dict[str, Any]:
        """Return everything but the response as AWS sent it."""
        job, now = self.job, self.snapshot
        return {
            "id": job.arn.rpartition("/")[2] or None,
            "arn": job.arn or None,
            "name": job.name or None,
            "label": job.label or None,
            "tags": list(job.tags),
            "title": job.title,
            "kind": job.kind,
            "region": job.region,
            "account": job.account or None,
            "profile": job.profile or None,
            "number": job.id,
            "source": [name for name, given in _sources(job) if given],
            "rule": job.from_rule or None,
            "watched": self.watched,
            "state": job.state,
            "status": now.status if now else None,
            "queued": is_queued(now.status, self._step_words()) if now else False,
            "outcome": now.outcome.value if now else None,
            "steps": [values.step(step) for step in now.steps] if now else [],
            "records": self.records.document(),
            "failure_message": (now.failure or None) if now else None,
            "added_at": values.at(job.added_at),
            "created_at": values.at(job.created_at),
            "changed_at": values.at(job.changed_at),
            "ended_at": values.at(job.ended_at),
            "seen_at": values.moment(self.record.seen_at) if self.record else None,
            "confirmed_at": values.at(job.confirmed_at),
            "next_poll_at": values.at(job.next_poll_at) if self.watched and job.state != "ended" else None,
            "expected_seconds": job.expected or None,
            "muted_until": values.at(self.muted_until),
            "failing_since": values.at(self.failing_since),
            "last_error": values.error(self.error),
        }

    def _step_words(self) -> list[str]:
        return [step.status for step in self.snapshot.steps] if self.snapshot else []


def _sources(job: Job) -> tuple[tuple[str, bool], ...]:
    return ("cli", job.from_cli), ("config", job.from_config), ("rule", bool(job.from_rule))


def views(store: Store, jobs: Iterable[Job]) -> list[JobView]:
    """Return the view of each job."""
    scopes, mutes = store.history.scopes(), store.mutes.active(clock.now())
    return [_view(job, store.history.record(job.id), _trouble(job, scopes), muted_until(mutes, job)) for job in jobs]


def _trouble(job: Job, scopes: Mapping[str, Scope]) -> Scope | None:
    return next((scopes[key] for key in job.scopes if key in scopes), None)


def muted_until(mutes: Mapping[int | None, float], job: Job) -> float:
    """Return until when the news of *job* is held back (0: it is not), of all the mutes that are active."""
    return max(mutes.get(job.id, 0.0), mutes.get(None, 0.0))


def _view(job: Job, record: Record | None, scope: Scope | None, muted: float) -> JobView:
    error, since = job.last_error, job.failing_since
    if not error and job.state != "ended" and scope is not None:
        error, since = scope.last_error, scope.failing_since
    try:
        snapshot = KINDS[job.kind].read(record.facts) if record else None
    except MalformedResponse:
        snapshot = None
    return JobView(job, record, snapshot, LookError.load(error) if error else None, since if error else 0.0, muted)
