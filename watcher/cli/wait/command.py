"""The command: which jobs are meant, and who looks at them.

Not its business: following them (``follow``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from watcher.cli import service
from watcher.cli.context import Context
from watcher.cli.options import complete_job, output_option, seconds
from watcher.errors import ExitCode, UnknownJob, UsageError

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from watcher.cli.wait.follow import Followed
    from watcher.cli.wait.sources import Own
    from watcher.daemon.lookout import Lookout
    from watcher.model import Job
    from watcher.store import Store
    from watcher.store.jobs import Wanted

_LONGEST = 366 * 86_400.0
_LOOK_FOR_DAEMON = 2.0


@click.command()
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...", shell_complete=complete_job)
@click.option(
    "--for",
    "goal",
    default="terminal",
    show_default=True,
    metavar="GOAL",
    help='"terminal" (over, whatever way), "completed", or "step:NAME=STATUS": step:training=Completed.',
)
@click.option("--timeout", metavar="TIME", help='How long at most ("6h"); then exits with 124.')
@click.option("--any", "any_one", is_flag=True, help="Until the first of the jobs is there; default: all.")
@click.option("--kind", metavar="KIND", help="Of jobs given by name, where it is not model-customization-job.")
@click.option("--region", metavar="REGION", help="Where the jobs given by name are; an ARN knows its own.")
@click.option("--profile", metavar="NAME", help="AWS profile to ask with, where no daemon watches the job.")
@output_option
@click.pass_obj
def wait(  # noqa: PLR0913 - one argument an option
    context: Context,
    *,
    jobs: tuple[str, ...],
    goal: str,
    timeout: str | None,
    any_one: bool,
    kind: str | None,
    region: str | None,
    profile: str | None,
    output: str,
) -> int:
    """Wait for jobs, given by ARN, name or label, and print what changes meanwhile.

    Exits with 0; with 10 when a job failed (its failureMessage is on stderr), ended only in part or expired; 11 when
    one was stopped; 1 when one is over without having come to the sub-task's status; 4 when AWS does not know it; 5
    when AWS refuses (at the first look, or for ten minutes later on); 124 after --timeout; 130 by Ctrl-C.  Of several
    jobs the most severe counts.

    A job that the daemon watches is read from its database; any other is asked for as the daemon would, by this command
    alone: nothing is written, and no channel is told.
    """
    import anyio

    from watcher.cli.output import print_document, warn_unverified
    from watcher.cli.stdin import read_words
    from watcher.cli.wait.follow import Follower
    from watcher.cli.wait.goals import Goal

    context.unread = ExitCode.FAILED  # nobody waits then for how the jobs end
    aim = Goal.parse(goal)
    # Before the event loop, in which Ctrl-C would not end a read.
    words = read_words(jobs)
    warn_unverified(context)
    until = time.monotonic() + (seconds("--timeout", timeout, _LONGEST) if timeout else float("inf"))

    async def main(store: Store) -> int:
        async with anyio.create_task_group() as tasks:
            watchers = Watchers(context, store, tasks)
            followed = await watchers.take(words, kind, region, profile)
            follower = Follower(context, followed, aim, output, any_one)
            code = await follower.run(until, watchers.tend)
            tasks.cancel_scope.cancel()
        if output == "json":
            found = [job.view.document() for job in followed if job.view]
            print_document("json", {"exit_code": code, "jobs": found, "events": follower.events})
        return code

    with context.store() as store:
        try:
            return anyio.run(main, store)
        except BaseExceptionGroup as group:
            raise _first(group) from group


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of a group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class Watchers:
    """Who looks at which job: the daemon, as long as it lives, and a lookout of our own at the others."""

    def __init__(self, context: Context, store: Store, tasks: TaskGroup) -> None:
        from watcher.cli.wait.sources import Kept

        self._context, self._store, self._tasks = context, store, tasks
        self._kept = Kept(store)
        self._own: Own | None = None
        self._lookout: Lookout | None = None
        self._daemon = service.daemon_pid(context) is not None
        self._looked_at = time.monotonic()
        self._followed: list[Followed] = []

    async def take(
        self, words: Sequence[tuple[str, str]], kind: str | None, region: str | None, profile: str | None
    ) -> list[Followed]:
        """Return the jobs that *words* (``read_words``) name, each once.

        Raises UsageError, UnknownJob and StoreError.
        """
        from watcher.cli.add import wanted_of
        from watcher.cli.stdin import EMPTY
        from watcher.model import CUSTOMIZATION, parse_identifier

        known: dict[int, Job] = {}
        others: dict[str, Wanted] = {}
        for place, word in words:
            job = self._known(word, region)
            if job is not None:
                known[job.id] = job
                continue
            try:
                identifier = parse_identifier(word, kind or CUSTOMIZATION)
            except UsageError as error:
                raise UsageError(f"{place}{error.what}", error.remedy) from error
            others[word] = wanted_of(self._context, [identifier], kind, region, profile)[0]
        for job in known.values():
            await self._take_known(job)
        for wanted in others.values():
            await self._look_at(wanted)
        if not self._followed:
            raise UsageError(*EMPTY)
        return self._followed

    async def tend(self, say: Callable[[str], None]) -> None:
        """Where the daemon looks no more, because it has ended or a person said so, look in its place; *say* so."""
        if not self._daemon or time.monotonic() - self._looked_at < _LOOK_FOR_DAEMON:
            return
        from watcher.cli.wait.sources import job as job_of

        self._looked_at = time.monotonic()
        self._daemon = service.daemon_pid(self._context) is not None
        if not self._daemon:
            say("the daemon has ended: asking AWS in its place")
        for one in self._followed:
            if one.source is not self._kept or one.code is not None:
                continue
            job = await self._kept.read(job_of, one.job)
            if self._daemon and (job.watched or job.state == "ended"):
                continue
            if self._daemon:
                say(f"{job.title} is watched no more: asking AWS in the daemon's place")
            one.source, one.job, one.after = await self._eyes(), await self._add(_again(job)), 0

    def _known(self, word: str, region: str | None) -> Job | None:
        """Return the job of the database that a word means; None when none does, or only one of another region."""
        try:
            job = self._store.jobs.find(word)
        except UnknownJob:
            return None
        return job if region in (None, job.region) else None

    async def _take_known(self, job: Job) -> None:
        from watcher.cli.wait.follow import Followed
        from watcher.cli.wait.sources import last_event

        if job.state != "ended" and not (self._daemon and job.watched):
            await self._look_at(_again(job))
            return
        after = await self._kept.read(last_event, job.id)
        self._followed.append(Followed(self._kept, job.id, after))

    async def _look_at(self, wanted: Wanted) -> None:
        from watcher.cli.wait.follow import Followed

        self._followed.append(Followed(await self._eyes(), await self._add(wanted)))

    async def _eyes(self) -> Own:
        if self._own is None:
            from watcher.cli.wait.sources import Own
            from watcher.daemon.lookout import Lookout

            self._lookout = Lookout(self._context.config)
            self._own = Own(self._lookout)
            self._tasks.start_soon(self._lookout.run)
        return self._own

    async def _add(self, wanted: Wanted) -> int:
        assert self._lookout is not None  # noqa: S101 - _eyes came before
        return await self._lookout.add(wanted)


def _again(job: Job) -> Wanted:
    """Return a known job as one to be looked at."""
    from watcher.model import JobArn
    from watcher.store.jobs import Wanted

    identifier = JobArn.parse(job.identifier) if job.identifier.startswith("arn:") else job.identifier
    return Wanted(identifier, job.region, job.profile, job.label, kind=job.kind)
