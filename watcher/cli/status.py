"""``bedrock-watch status``: whether the daemon runs and is well, what it watches, and what it has not delivered.

Not its business: one job (``show``), one message (``deliveries``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import indent
from typing import TYPE_CHECKING, Any

import click

from watcher import clock
from watcher.cli import service, values
from watcher.cli.context import Context
from watcher.cli.health import SILENT, ailment, outages
from watcher.cli.incidents import Incidents, incidents_of
from watcher.cli.listing import awaiting, print_running
from watcher.cli.options import output_option
from watcher.cli.output import note, paint, print_document, write
from watcher.cli.routes import untold_jobs
from watcher.cli.words import Cell, ago, counted, plain, scope_title, some, span
from watcher.config.values import BUILT_IN
from watcher.errors import ExitCode, LookError

if TYPE_CHECKING:
    from watcher.model import Job
    from watcher.store import Store
    from watcher.store.history import Summary
    from watcher.store.ledger import Scope

_FOLDS = {"mute": "muted", "digest": "for a digest"}
_STATES = {
    "new": "not seen yet",
    "running": "running",
    "closing": "over, last word awaited",
    "vanished": "lost sight of",
    "ended": "ended",
}


@dataclass(frozen=True, slots=True)
class _Standing:
    """All that is told.  *own* is what the daemon says of itself; *ailment* is empty when it runs and is well.

    *troubles*: the scopes that cannot be looked at, by their keys; *failing*: how many jobs cannot, for whatever
    reason; *mutes*: which job (None: all news) is muted until when; *untold*: the jobs that no channel would tell of;
    *channels*: the names of those that are told; *refusals*: why the last messages of some did not arrive.
    """

    now: float
    pid: int | None
    own: dict[str, Any]
    ailment: str
    summary: Summary
    troubles: dict[str, Scope]
    failing: int
    mutes: list[tuple[Job | None, float]]
    untold: list[str]
    channels: list[str]
    incidents: Incidents
    refusals: dict[str, str]


@click.command()
@output_option
@click.pass_obj
def status(context: Context, *, output: str) -> int:
    """Show whether the daemon runs, what it watches, its queue, and which files it uses.

    It exits with 3 if the daemon does not run or is unhealthy: it does not respond, has stalled, cannot use its
    database, could not poll jobs for longer than poll.blind_after, or a channel has not delivered for 15 minutes.
    A job that AWS never knew does not count.
    """
    now = clock.now()
    mistakes = service.despite_mistakes(context)
    pid = service.daemon_pid(context)
    with context.store() as store:
        standing = _standing(context, store, pid, now, refused=bool(mistakes))
        if output == "table":
            for name, cell in _lines(context, standing):
                write(f"{name.ljust(13)}  {paint(cell, colored=context.colored)}".rstrip())
            print_running(context, store.database, now)
    if output != "table":
        print_document(output, _document(context, standing))
    if mistakes and not standing.own.get("reload_error"):
        note(f"warning: the daemon goes on with the configuration as it was before\n{indent(mistakes, '  ')}")
    for warning in _warnings(context, standing):
        note(f"warning: {warning}")
    if pid is None:
        note(service.how_to_start(context))
    elif standing.ailment:
        note("find out why: bedrock-watch doctor")
    return ExitCode.NOT_RUNNING if standing.ailment else ExitCode.DONE


def _standing(context: Context, store: Store, pid: int | None, now: float, *, refused: bool) -> _Standing:
    """Return how things stand; *refused*: the configuration has mistakes."""
    own = service.own_words(context, pid)
    # The daemon goes by another configuration then, of which no more is known than what it says.
    refused = refused or bool(own.get("reload_error"))
    mutes = [(None if job is None else store.jobs.get(job), until) for job, until in store.mutes.active(now).items()]
    # Those that are over have had their last word.
    jobs = store.jobs.listed(every=False, ended_since=float("inf"))
    watched = {key for job in jobs for key in job.scopes} | context.config.rule_scopes
    channels = own["channels"] if refused and "channels" in own else [one.name for one in context.config.channels]
    records = store.history.channels()
    troubles = {key: scope for key, scope in store.history.scopes().items() if key in watched}
    return _Standing(
        now=now,
        pid=pid,
        own=own,
        ailment=ailment(context, store.database, pid, own, now, SILENT),
        summary=store.history.summary(now),
        troubles=troubles,
        failing=sum(bool(job.failures) or not troubles.keys().isdisjoint(job.scopes) for job in jobs),
        mutes=mutes,
        untold=[] if refused else [job.title for job in untold_jobs(context.config.channels, jobs)],
        incidents=incidents_of(context, store, now),
        channels=channels,
        refusals={name: records[name].last_error for name in channels if name in records and records[name].last_error},
    )


def _lines(context: Context, it: _Standing) -> Iterator[tuple[str, Cell]]:
    yield "daemon", _daemon(it)
    yield "configuration", _configuration(context, it)
    if refused := it.own.get("reload_error"):
        yield "", (f"changed, and refused: {plain(refused.splitlines()[0])}", "red")
    yield "database", plain(str(context.database))
    yield (
        "jobs",
        ", ".join(f"{it.summary.jobs[state]} {words}" for state, words in _STATES.items() if state in it.summary.jobs)
        or plain(awaiting(context) or "none"),
    )
    for key, scope in it.troubles.items():
        error = LookError.load(scope.last_error)
        words = f"{scope_title(key)} for {span(it.now - scope.failing_since)}: {plain(error.what)}"
        yield "cannot look", (words, "red")
        if error.remedy:
            yield "", plain(error.remedy)
    for queue, error in _queues(it).items():
        yield "cannot read", (plain(f"queue {queue}: {error.what}"), "red")
        if error.remedy:
            yield "", plain(error.remedy)
    yield from _refusals(it)
    if it.failing:
        yield "failing jobs", (str(it.failing), "red")
    if it.mutes:
        from watcher.cli.mute import title, when

        muted = [f"{plain(title(job))} until {when(context, until, it.now)}" for job, until in it.mutes]
        yield "muted", (some(muted), "yellow")
    yield from it.incidents.lines(it.now)
    yield "queue", _queue(it)
    yield from _outages(it)


def _outages(it: _Standing) -> Iterator[tuple[str, Cell]]:
    for channel, reason, _, since in outages(it.own):
        yield "not delivering", (f"channel {channel} for {span(it.now - since)}: {reason}", "red")


def _refusals(it: _Standing) -> Iterator[tuple[str, Cell]]:
    for channel, error in it.refusals.items():
        yield "cannot send", (plain(f"channel {channel}: {error}"), "red")


def _daemon(it: _Standing) -> Cell:
    if it.pid is None:
        return ("does not run", "red")
    since = f", version {it.own['program']}, started {ago(it.own['started_at'], it.now)}" if it.own else ""
    words = f"runs (pid {it.pid}{since})"
    return (f"{words}, but {it.ailment}", "red") if it.ailment else (words, "green")


def _configuration(context: Context, it: _Standing) -> str:
    return plain(str(it.own.get("configuration", context.config.path or BUILT_IN)))


def _queues(it: _Standing) -> dict[str, LookError]:
    """Return why queues of SQS cannot be read, by their titles: the jobs are looked at all the same, by polling."""
    return {title: LookError.load(error) for title, error in it.own.get("queues", {}).items()}


def _queue(it: _Standing) -> Cell:
    waiting, dead = _waiting(it), it.summary.deliveries.get("dead", 0)
    words = f"{waiting} waiting"
    if held := [f"{it.summary.held[fold]} {why}" for fold, why in _FOLDS.items() if fold in it.summary.held]:
        words += f" ({', '.join(held)})"
    if waiting:
        words += f", the oldest written {ago(it.summary.oldest_undelivered_at, it.now)}"
    if uncertain := it.summary.deliveries.get("uncertain", 0):
        words += f", {uncertain} of them may have arrived"
    return (f"{words}, {dead} given up", "red") if dead else words


def _waiting(it: _Standing) -> int:
    return sum(it.summary.deliveries.get(state, 0) for state in ("pending", "sending", "uncertain"))


def _warnings(context: Context, it: _Standing) -> Iterator[str]:
    if refused := it.own.get("reload_error"):
        yield f"the daemon refused the changed configuration, and goes on with the old one\n{indent(refused, '  ')}"
    elif warning := service.outdated(context, it.pid):
        yield warning
    if not it.channels and (warning := service.no_channel(context)):
        yield warning
    ours = str(context.config.path or BUILT_IN)
    if it.own and it.own["configuration"] != ours:
        what = f"the daemon uses another configuration ({it.own['configuration']}) than this command ({ours})"
        # The first file that there is comes into use by a reload.
        yield f"{what}\n  {service.how_to_reload(it.own)}" if it.own["configuration"] == BUILT_IN else what
    if it.untold:
        yield (
            f"no channel would tell of {counted(len(it.untold), 'job')}: {some(it.untold)}"
            "\n  see why: bedrock-watch channel explain JOB"
        )
    if dead := it.summary.deliveries.get("dead", 0):
        yield f"{dead} given up: see them with bedrock-watch deliveries --state dead"


def _document(context: Context, it: _Standing) -> dict[str, Any]:
    return {
        "running": it.pid is not None,
        "healthy": not it.ailment,
        "ailment": it.ailment or None,
        "pid": it.pid,
        "since": values.at(it.own.get("started_at", 0.0)),
        "program": it.own.get("program"),
        "configuration": _configuration(context, it),
        "reloaded_at": values.at(it.own.get("reloaded_at", 0.0)),
        "reload_error": it.own.get("reload_error") or None,
        "database": str(context.database),
        "jobs": dict(it.summary.jobs),
        "failing_jobs": it.failing,
        "queues": {title: values.error(error) for title, error in _queues(it).items()},
        "scopes": [
            {
                "scope": key,
                "since": values.at(scope.failing_since),
                "error": values.error(LookError.load(scope.last_error)),
            }
            for key, scope in it.troubles.items()
        ],
        "deliveries": dict(it.summary.deliveries),
        "waiting": _waiting(it),
        "held": dict(it.summary.held),
        "muted": [{"job": values.named(job), "until": values.at(until)} for job, until in it.mutes],
        "untold": it.untold,
        **it.incidents.document(it.now),
        "oldest_undelivered_at": values.at(it.summary.oldest_undelivered_at),
        "channels": it.channels,
        "failing_channels": it.refusals,
        "outages": [
            {"channel": channel, "reason": reason, "waiting": waiting, "since": values.at(since)}
            for channel, reason, waiting, since in outages(it.own)
        ],
        "warnings": list(_warnings(context, it)),
    }
