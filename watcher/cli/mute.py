"""``bedrock-watch mute`` and ``unmute``: news that is held back for a while, and told in one message afterwards.

Not their business: what is held back (``store.mutes``, ``store.news``), and sending it, which the daemon does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watcher import clock
from watcher.cli import service, values
from watcher.cli.context import Context
from watcher.cli.operator import by_option, record
from watcher.cli.options import complete_job, output_option, seconds
from watcher.cli.output import note, print_json
from watcher.cli.words import ago, counted
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.model import Job
    from watcher.store import Store

_LONGEST = 30 * 86_400.0
"""Seconds: who mutes for longer will have forgotten it."""

_jobs_argument = click.argument("jobs", nargs=-1, metavar="[JOB]...", shell_complete=complete_job)
_all_option = click.option("--all", "every", is_flag=True, help="Every job, and all other news as well.")


@click.command()
@_jobs_argument
@_all_option
@click.option("--for", "length", required=True, metavar="TIME", help='How long: "30m", "2h", "1d".')
@by_option
@output_option
@click.pass_obj
def mute(context: Context, *, jobs: tuple[str, ...], every: bool, length: str, by: str | None, output: str) -> None:
    """Hold the news of jobs back for a while; afterwards it is told in one message.

    Nothing is lost: jobs are watched all the same, and a test of a channel is sent all the same.  Muting again sets
    another time.
    """
    _check(jobs, every=every, command="mute")
    span = seconds("--for", length, _LONGEST)
    if not span:
        raise UsageError(f"--for {length!r} mutes nothing", "to end a mute: bedrock-watch unmute")
    with context.store(create=every) as store:
        chosen = _find(store, jobs, every=every)
        now = clock.now()
        with store.database.transaction():
            for job in chosen:
                store.mutes.mute(job.id if job else None, now + span)
                record(context, store, "mute", title(job), by=by, job=job, note=f"for {length}")
    if output != "table":
        until = values.at(now + span)
        print_json(output, {}, "mutes", [{"job": values.named(job), "until": until} for job in chosen])
    for job in chosen:
        note(f"{title(job)}: muted until {when(context, now + span, now)}")
    note("what happens until then is told in one message afterwards, or at once by bedrock-watch unmute")


@click.command()
@_jobs_argument
@_all_option
@by_option
@output_option
@click.pass_obj
def unmute(context: Context, *, jobs: tuple[str, ...], every: bool, by: str | None, output: str) -> None:
    """Tell the news of jobs again, and now what was held back of it.

    With --all every mute ends, those of single jobs as well.
    """
    _check(jobs, every=every, command="unmute")
    with context.store() as store:
        chosen = _find(store, jobs, every=every)
        now = clock.now()
        muted = store.mutes.active(now)
        with store.database.transaction():
            released = [(job, store.mutes.unmute(job.id if job else None, now)) for job in chosen]
            for job, count in released:
                if count or (job.id in muted if job else muted):
                    record(context, store, "unmute", title(job), by=by, job=job)
    if output != "table":
        print_json(output, {}, "mutes", [{"job": values.named(job), "held": count} for job, count in released])
    for job, count in released:
        was = job.id in muted if job else bool(muted)
        words = "no longer muted" if was else "was not muted"
        note(f"{title(job)}: {words}; {_released(count)}")
    if not every and None in muted:
        note(f"all news is muted until {when(context, muted[None], now)}: to end that: bedrock-watch unmute --all")
    if any(count for _, count in released) and service.daemon_pid(context) is None:
        note(f"it is told when the daemon runs; {service.how_to_start(context)}")


def title(job: Job | None) -> str:
    """Return what is muted; None is everything."""
    return job.title if job else "all news"


def when(context: Context, until: float, now: float) -> str:
    """Return until when something is muted (epoch seconds), in the people's time, and how soon that is."""
    from watcher.render.words import moment

    return f"{moment(clock.utc(until), context.zone)} ({ago(until, now)})"


def _check(jobs: tuple[str, ...], *, every: bool, command: str) -> None:
    if bool(jobs) == every:
        raise UsageError("name the jobs, or say --all", f"bedrock-watch {command} JOB..., or {command} --all")


def _find(store: Store, jobs: tuple[str, ...], *, every: bool) -> list[Job | None]:
    """Return the jobs, each once; None stands for all news."""
    return [None] if every else list({job.id: job for job in map(store.jobs.find, jobs)}.values())


def _released(count: int) -> str:
    if not count:
        return "nothing was held back"
    return f"{counted(count, 'message')} held back {'is' if count == 1 else 'are'} told now"
