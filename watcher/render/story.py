"""What a message is written from, and the form in which it is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from watcher.model import Event, Job, Severity, Snapshot, Step


@dataclass(frozen=True, slots=True)
class Story:
    """One event, and all that a reader wants to know with it.

    *status* and *steps* are those at the time of the event; *snapshot* is what is known now.  *uncertain*: an
    earlier try may have arrived.  *revived*: it had been given up.  *now* is when this is written, *host* where, and
    *zone* the readers' (None: the machine's).
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


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline: sub-task, state, start, duration; *current* is the one that runs."""

    name: str
    status: str
    started: str
    duration: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Doc:
    """A message in plain text, by its parts.  Any string may hold hostile text; the printers make it harmless."""

    title: str
    severity: Severity
    lines: tuple[str, ...] = ()
    failure: str = ""
    timeline: tuple[Row, ...] = ()
    timeline_zone: str = "UTC"
    facts: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()
    footer: tuple[str, ...] = ()
