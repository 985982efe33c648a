"""``bedrock-watch show``: everything that is known of one job.

Not its business: what changed when (``events``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from watcher import clock
from watcher.cli import service
from watcher.cli.context import Context
from watcher.cli.options import complete_job, output_option
from watcher.cli.output import paint, print_document, print_table, write
from watcher.cli.words import ago, plain, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.cli.jobview import JobView
    from watcher.model import Job
    from watcher.store.history import Told

_NOT_REPEATED = frozenset({"jobArn", "jobName"})

_KEY = 36
"""Columns for names; a longer one, such as a deep path of AWS's, has its value on the next line."""


@dataclass(frozen=True, slots=True)
class _Looks:
    """When a look succeeded last, when the last one failed that did not, and when the next one is.

    Epoch seconds; 0 is never, or not known.
    """

    succeeded: float
    failed: float
    next: float


@click.command()
@click.argument("job", metavar="JOB", shell_complete=complete_job)
@output_option
@click.pass_obj
def show(context: Context, *, job: str, output: str) -> None:
    """Show everything that is known of a job.

    JOB is an ARN, a name, a label, or a unique end of the id.  As JSON it contains, as "response", the whole response
    as AWS sent it.
    """
    from watcher.cli import values
    from watcher.cli.jobview import views

    with context.store() as store:
        (view,) = views(store, [store.jobs.find(job)])
        deliveries = store.history.deliveries(job=view.job.id)
    if output == "table":
        _print(context, view, deliveries)
        return
    response = _response(view.record.response) if view.record else None
    told = [values.delivery(one) for one in deliveries]
    looks = _looks(view, _group(context, view))
    times = {"looked_at": values.at(looks.succeeded), "tried_at": values.at(looks.failed)}
    print_document(output, {**view.document(), **times, "response": response, "deliveries": told})


def _response(text: str) -> Any:  # noqa: ANN401 - JSON is JSON
    """Return the response as AWS sent it; None if the database row has changed since."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None


def _print(context: Context, view: JobView, deliveries: Sequence[Told]) -> None:
    from watcher.cli.jobview import TIMELINE

    now = clock.now()
    write(f"{view.title}: {paint(view.status, colored=context.colored)} {view.age(now)}".rstrip())
    timeline = view.timeline(now, context.zone)
    if timeline:
        write("")
        print_table(context, TIMELINE, timeline)
    if view.snapshot is not None and view.snapshot.failure:
        _section("failureMessage")
        write("\n".join(f"  {line}" for line in plain(view.snapshot.failure, lines=True).splitlines()))
    _section("Job")
    _facts(_job(context, view))
    if view.snapshot is not None:
        _section("As AWS says")
        _facts((path, value) for path, value in _leaves(view.snapshot.rest) if path not in _NOT_REPEATED)
    _section("Watching")
    _facts(_watching(context, view, now))
    if deliveries:
        from watcher.cli.deliveries import print_deliveries

        _section("Deliveries")
        print_deliveries(context, deliveries)


def _section(title: str) -> None:
    write(f"\n{title}:")


def _facts(facts: Iterator[tuple[str, str]]) -> None:
    rows = [(plain(name), plain(value)) for name, value in facts if value]
    width = max((len(name) for name, _ in rows if len(name) <= _KEY), default=0)
    for name, value in rows:
        write(f"  {name.ljust(width)}  {value}" if len(name) <= _KEY else f"  {name}\n    {value}")


def _job(context: Context, view: JobView) -> Iterator[tuple[str, str]]:
    from watcher.render.words import moment

    job = view.job
    yield "ARN", job.arn or "not known yet"
    yield "kind", job.kind
    yield "records", str(view.records)
    yield "name", job.name
    yield "label", job.label
    yield "tags", ", ".join(job.tags)
    yield "region", job.region
    yield "account", job.account
    if view.snapshot is not None:
        yield "changed", moment(view.snapshot.changed_at, context.zone)
        yield "ended", moment(view.snapshot.ended_at, context.zone) if view.snapshot.ended_at else ""


def _watching(context: Context, view: JobView, now: float) -> Iterator[tuple[str, str]]:
    from watcher.cli.mute import when

    job = view.job
    rule = f"the rule {plain(job.from_rule)}"
    sources = (("bedrock-watch add", job.from_cli), ("the configuration", job.from_config), (rule, job.from_rule))
    if view.watched:
        yield "asked for by", " and ".join(name for name, given in sources if given)
    else:
        yield "watched", "no longer"
    yield _credentials(context, job)
    yield "expected to run", f"{span(job.expected)} at most" if job.expected else ""
    yield "muted until", when(context, view.muted_until, now) if view.muted_until else ""
    yield from _look_lines(context, view, now)
    if view.error is not None:
        yield "failing since", _when(context, view.failing_since, now)
        yield "last error", view.error.what
        yield "what to do", view.error.remedy


def _credentials(context: Context, job: Job) -> tuple[str, str]:
    """Return whose credentials the job is looked at with: its own profile, its account's, else those of all."""
    account = None if job.profile else context.config.account(job.account)
    if account is not None and account.role_arn:
        return "role", f"{account.role_arn} (the account's)"
    own = job.profile or (account.profile if account else None)
    profile = own or context.config.aws.profile
    whose = " (the account's)" if account and account.profile else "" if job.profile else " (that of all)"
    return "profile", f"{profile}{whose}" if profile else "the default credentials"


def _group(context: Context, view: JobView) -> Mapping[str, Any]:
    """Return what the daemon says of the jobs that share the credentials, account and region of this one."""
    groups = service.own_words(context, service.daemon_pid(context)).get("groups", {})
    group: Mapping[str, Any] = groups.get(view.job.scope, {})
    return group


def _looks(view: JobView, group: Mapping[str, Any]) -> _Looks:
    """Return when the job was looked at, and will be.

    The database knows of the looks that found something; of the others, and of those at a whole *group* that failed,
    the daemon tells.  Nothing tells when one job alone was asked for in vain.
    """
    job, swept = view.job, group.get("swept_at", 0.0)
    looked_at = view.watched and job.confirmed_at and job.state != "ended" and view.error is None
    in_vain = view.watched and view.error is not None and not job.last_error
    return _Looks(
        succeeded=max(job.confirmed_at, swept) if looked_at else job.confirmed_at,
        failed=swept if in_vain else 0.0,
        next=max(job.next_poll_at, group.get("next_poll_at") or 0.0),
    )


def _look_lines(context: Context, view: JobView, now: float) -> Iterator[tuple[str, str]]:
    looks = _looks(view, _group(context, view))
    yield "last look", _when(context, looks.succeeded, now)
    if looks.failed > looks.succeeded:
        yield "last try", _when(context, looks.failed, now)
    if view.job.state == "ended" or not view.watched:
        yield "next look", "none: it is over" if view.job.state == "ended" else "none: it is not watched"
    elif service.daemon_pid(context) is None:
        yield "next look", "none: the daemon does not run"
    else:
        yield "next look", _when(context, looks.next, now) if looks.next > now else "now"


def _when(context: Context, at: float, now: float) -> str:
    from watcher.render.words import moment

    return f"{ago(at, now)}, {moment(clock.utc(at), context.zone)}" if at else "never"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - AWS may send anything
    """Yield each leaf of a response with its path: ``trainingMetrics.trainingLoss``, ``validationMetrics[0]...``."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)
