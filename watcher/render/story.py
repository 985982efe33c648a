"""What a message is written from, and the form in which it is written.

Not its business: which words (``compose``), any channel's markup (the printers).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from watcher.model import Event, Job, Outcome, Severity, Snapshot, StatusChanged, Step, is_queued


@dataclass(frozen=True, slots=True)
class Story:
    """One event, and all that a reader wants to know with it.

    *status* and *steps* are those at the time of the event; *snapshot* is what is known now.  *uncertain*: an
    earlier try may have arrived.  *revived*: it had been given up.  *now* is when this is written, *host* where, and
    *zone* the readers' (None: the machine's).  *earlier* holds how long earlier jobs of the same base model and type
    took to complete.
    """

    event: Event
    now: datetime
    host: str
    job: Job | None = None
    snapshot: Snapshot | None = None
    status: str = ""
    steps: tuple[Step, ...] = ()
    uncertain: bool = False
    revived: bool = False
    jobs_in_scope: tuple[str, ...] = ()
    zone: tzinfo | None = UTC
    earlier: tuple[timedelta, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """How the job's status was classed at the time of the event."""
        told = [change.outcome for change in self.event.transitions if isinstance(change, StatusChanged)]
        if told:
            return told[-1]
        now = self.snapshot
        return now.outcome if now is not None and now.status == (self.status or now.status) else Outcome.RUNNING

    @property
    def queued(self) -> bool:
        """Whether the job waits for its turn."""
        return self.outcome is Outcome.RUNNING and is_queued(self.status or "InProgress", self.steps)

    @property
    def took(self) -> timedelta | None:
        """How long the job ran, from its creation to its end; None while it runs, or when a time is not known."""
        now = self.snapshot
        if now is None or not self.outcome.terminal or now.created_at is None:
            return None
        ended = now.ended_at or now.changed_at
        return None if ended is None else ended - now.created_at


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline: sub-task, state, start, duration; *current* is the one that runs."""

    name: str
    status: str
    started: str
    duration: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go on reading; *url* is built by us, and holds nothing that could end it."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a failure, in one sentence, and AWS's own page about it."""

    text: str
    page: Link


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in a summary: when, what (a title without its prefix), its *outcome* and *subject*, and why."""

    at: str
    head: str
    outcome: str
    subject: str
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Doc:
    """A message in plain text, by its parts.  Any string may hold hostile text; the printers make it harmless.

    *gist* is what a phone's lock screen shows beside the title.  *about* are the stories that it tells, for the
    printers of data; *conversation* and *broadcast* are those of Message.
    """

    title: str
    severity: Severity
    gist: str = ""
    lines: tuple[str, ...] = ()
    failure: str = ""
    advice: Advice | None = None
    entries: tuple[Entry, ...] = ()
    timeline: tuple[Row, ...] = ()
    timeline_zone: str = "UTC"
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()
    notices: tuple[str, ...] = ()
    footer: tuple[str, ...] = ()
    about: tuple[Story, ...] = ()
    reason: str = ""
    conversation: str = ""
    broadcast: bool = False

    def but(self, **changes: object) -> Doc:
        """Return this Doc with *changes*."""
        return replace(self, **changes)  # type: ignore[arg-type]
