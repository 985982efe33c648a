"""``bedrock-watch add``: watch jobs, and say what AWS says of them now.

Not its business: asking AWS, which the daemon does; the command asks the daemon, through the database.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from watcher import clock
from watcher.cli import service
from watcher.cli.context import Context
from watcher.cli.options import output_option, seconds
from watcher.cli.output import name_database, note, paint, print_json, print_table, warn_unverified, write
from watcher.cli.routes import untold_job
from watcher.cli.stdin import EMPTY, read_words
from watcher.cli.words import plain
from watcher.config.sections import REGION
from watcher.errors import BadIdentifier, ExitCode, LookFault, UsageError
from watcher.identifiers import CUSTOMIZATION, NAMED

if TYPE_CHECKING:
    from watcher.cli.jobview import JobView
    from watcher.model import Job, JobArn
    from watcher.store import Store
    from watcher.store.jobs import Wanted

PATIENCE = 5.0
"""Seconds that the daemon's first look is waited for."""

_GLANCE = 0.05
_LONGEST = 100
_LONGEST_JOB = 90 * 86_400.0

CODES = {
    LookFault.NOT_FOUND: ExitCode.UNKNOWN_JOB,
    LookFault.DENIED: ExitCode.AWS_REFUSED,
    LookFault.CREDENTIALS: ExitCode.AWS_REFUSED,
    LookFault.INVALID: ExitCode.AWS_REFUSED,
    LookFault.SETTINGS: ExitCode.AWS_REFUSED,
}
"""The exit codes of what AWS refuses.  That it cannot be reached now is not among them: that passes by itself."""


@click.command()
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
@click.option(
    "--kind",
    metavar="KIND",
    type=click.Choice(NAMED),
    help=f"What the jobs given by name are: {', '.join(NAMED)}; an ARN tells it itself.  [default: {CUSTOMIZATION}]",
)
@click.option("--region", metavar="REGION", help="Where the jobs given by name are; an ARN knows its own.")
@click.option("--profile", metavar="NAME", help="AWS profile to ask with, remembered for these jobs.")
@click.option("--label", metavar="TEXT", help="What to call the job in messages; '' takes the label away.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="TAG",
    help="Tag for channels to choose by, repeatable; replaces earlier ones, '' takes all away.",
)
@click.option(
    "--expect", metavar="TIME", help='How long it should run at most ("4h"): then "overdue" is told; or "off".'
)
@click.option("--no-wait", is_flag=True, help="Do not wait for the daemon's first look.")
@output_option
@click.pass_obj
def add(  # noqa: PLR0913 - one argument an option
    context: Context,
    *,
    jobs: tuple[str, ...],
    kind: str | None,
    region: str | None,
    profile: str | None,
    label: str | None,
    tags: tuple[str, ...],
    expect: str | None,
    no_wait: bool,
    output: str,
) -> int:
    """Watch jobs, given by ARN or by name; "-" reads them from stdin.

    On each line of stdin it reads every ARN, or else the first word; # starts a comment.  It adds all jobs or none.

    Adding a job again updates its label, tags, profile and --expect.  If the daemon runs, the command waits up
    to five seconds for the first poll and prints AWS's answer.  It exits with 4 if AWS does not know a job, and with
    5 if AWS refuses.
    """
    with _all_or_nothing():
        identifiers = _identifiers(jobs, kind or CUSTOMIZATION)
    if label is not None and len(identifiers) > 1:
        raise UsageError("a label is one job's name for people", "add the jobs one by one, or use --tag for them all")
    for option, text in (("--label", label), ("--profile", profile), *(("--tag", tag) for tag in tags)):
        _check(option, text)
    service.refuse_if_watched_elsewhere(context)
    warn_unverified(context)
    expected = None if expect is None else _expected(expect)
    changed = any(one is not None for one in (label, profile, expected)) or bool(tags)
    wanted = [
        replace(one, label=label, tags=tuple(sorted(set(tags) - {""})) if tags else None, expected=expected)
        for one in wanted_of(context, identifiers, kind, region, profile)
    ]
    pid = service.daemon_pid(context)
    wait = pid is not None and not no_wait
    with context.store(create=True) as store:
        now = clock.now()
        done: dict[int, str] = {}
        with _all_or_nothing(), store.database.transaction():
            for one in wanted:
                job, newly = store.jobs.add(one, now, ask=wait)
                done.setdefault(job.id, "added" if newly else "updated" if changed else "already watched")
        if wait:
            try:
                _await(store, done)
            except KeyboardInterrupt:
                them = "the job is" if len(done) == 1 else "the jobs are"
                note(f"{them} watched all the same: bedrock-watch list")
                raise
        # Each job once, though a name and an ARN may have met in one row.
        done = {store.jobs.get(job).id: word for job, word in done.items()}
        from watcher.cli.jobview import views

        added = views(store, map(store.jobs.get, done))
    _print(context, added, done, output)
    _say_what_is_unusual(context, identifiers, added, changed=changed)
    if pid is None:
        note(f"the daemon does not run, so nobody looks yet; {service.how_to_start(context)}")
    return max(_verdict(view) for view in added) if wait else ExitCode.DONE


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """Tell a user who presses Ctrl-C that no job was added."""
    try:
        yield
    except KeyboardInterrupt:
        note("interrupted: no job was added")
        raise


def _identifiers(words: Sequence[str], kind: str) -> list[JobArn | str]:
    """Return what *words* name, each once, having read stdin for ``-``.

    Raises UsageError that names all that are malformed: nothing is added then, and nothing is ever sent to AWS.
    """
    from watcher.model import parse_identifier

    found: dict[str, JobArn | str] = {}
    mistakes: list[str] = []
    for place, word in read_words(words):
        try:
            identifier = parse_identifier(word, kind)
        except BadIdentifier as error:
            mistakes.append(f"{place}{error}")
        else:
            found[str(identifier)] = identifier
    if mistakes:
        raise UsageError("\n".join(mistakes))
    if not found:
        raise UsageError(*EMPTY)
    return list(found.values())


def _check(option: str, text: str | None) -> None:
    if text is None:
        return
    if len(text) > _LONGEST or plain(text).strip() != text:
        raise UsageError(
            f"{option} {text[:40]!r} cannot be used",
            f"it is at most {_LONGEST} characters, on one line, without control characters or needless spaces",
        )


def _expected(text: str) -> float:
    """Return the seconds of ``--expect``; 0 takes an earlier one away."""
    length = 0.0 if text in ("off", "0") else seconds("--expect", text, _LONGEST_JOB)
    if 0 < length < 1:
        raise UsageError(f"--expect {text!r} is too short", "it is a second at least")
    return length


def wanted_of(
    context: Context,
    identifiers: Sequence[JobArn | str],
    kind: str | None,
    region: str | None,
    profile: str | None,
) -> list[Wanted]:
    """Return what to watch, where and with whose credentials."""
    from watcher.store.jobs import Wanted

    names = [one for one in identifiers if isinstance(one, str)]
    if names:
        region = _region(context, names[0], region, profile or context.config.aws.profile or "")
    else:
        for option, value in (("--region", region), ("--kind", kind)):
            if value is not None:
                note(f"{option} is for jobs given by name: these ARNs name their own")
    return [
        Wanted(
            one,
            (region or "") if isinstance(one, str) else one.region,
            profile,
            kind=kind or CUSTOMIZATION,
        )
        for one in identifiers
    ]


def _region(context: Context, name: str, region: str | None, profile: str) -> str:
    """Return where the jobs given by name are: as told, as configured, else as the AWS profile says."""
    if region is not None:
        if not re.fullmatch(REGION, region):
            raise UsageError(f"not a region: {region!r}", "write it like us-east-1")
        return region
    if context.config.aws.region:
        return context.config.aws.region
    from watcher.bedrock.client import profile_region

    found = profile_region(profile)
    if not found:
        raise UsageError(f"{name!r} is a job's name, and nothing tells its region", "add --region, or set aws.region")
    return found


def _await(store: Store, ids: Collection[int]) -> None:
    """Return when the daemon has looked at all these jobs, or when PATIENCE is over."""
    end = time.monotonic() + PATIENCE
    while any(_is_open(store.jobs.get(job)) for job in ids) and time.monotonic() < end:
        time.sleep(_GLANCE)


def _is_open(job: Job) -> bool:
    """Return whether the daemon has yet to look: it never will at a job that is over, by whatever name it was added."""
    return job.asked_at > 0 and job.state != "ended"


def _print(context: Context, added: Sequence[JobView], done: Mapping[int, str], output: str) -> None:
    """Print what was done with each job, and AWS's word on those that were ever seen."""
    from watcher.cli.jobview import TIMELINE

    name_database(context)
    if output != "table":
        print_json(output, {"database": str(context.database)}, "jobs", [view.document() for view in added])
        return
    now = clock.now()
    for view in added:
        line = f"{view.title}: {done[view.job.id]}"
        if view.job.state != "new":
            line += f"; {paint(view.status, colored=context.colored)} {view.age(now)}".rstrip()
        write(line)
        timeline = view.timeline(now, context.zone)
        if timeline:
            print_table(context, TIMELINE, timeline)


def _verdict(view: JobView) -> int:
    """Say how the daemon's look went, if it did not go well; return the exit code."""
    if _is_open(view.job):
        note(
            f"{view.title}: no answer within {PATIENCE:g} s; it is watched all the same: bedrock-watch show tells more"
        )
        return ExitCode.DONE
    if view.error is None:
        return ExitCode.DONE
    note(f"{view.title}: {view.error}\n  it stays listed, and is asked for again")
    return CODES.get(view.error.fault, ExitCode.DONE)


def _say_what_is_unusual(
    context: Context, identifiers: Sequence[JobArn | str], added: Sequence[JobView], *, changed: bool
) -> None:
    for one in identifiers:
        if not isinstance(one, str) and not one.usual:
            note(f"warning: {one} is not shaped as AWS documents a job's ARN; it is watched as it is")
    if changed and any(view.job.from_config for view in added):
        note("the configuration lists this too: at the daemon's next start, its label and tags win, and its expect")
    for view in added:
        if reasons := untold_job(context.config.channels, view.job):
            note(f"warning: {view.title}: no channel would tell of it: {reasons}")
    if warning := service.no_channel(context):
        note(f"warning: {warning}")
