"""``bedrock-watch events``: what changed, when AWS says that it changed, and when it was seen.

Not its business: who was told (``deliveries``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from watcher import clock
from watcher.cli.context import Context
from watcher.cli.options import COUNT, LIMIT_HELP, MORE, USUAL_LIMIT, complete_job, output_option, seconds, usual_limit
from watcher.cli.output import note, print_json, print_table, say_left_out
from watcher.cli.words import Cell, plain, subject_title

if TYPE_CHECKING:
    from datetime import tzinfo

    from watcher.model import Event, Job, Transition

_HEADERS = ("EVENT", "SEEN", "AWS'S TIME", "JOB", "WHAT")
_SPARE = ("AWS'S TIME",)  # the words tell it too


@click.command()
@click.argument("job", metavar="[JOB]", required=False, shell_complete=complete_job)
@click.option("--limit", type=click.IntRange(1, COUNT), help=f"{LIMIT_HELP} {USUAL_LIMIT}, or all with --since.")
@click.option("--since", metavar="TIME", help='How far back: "30m", "12h", "7d".')
@output_option
@click.pass_obj
def events(context: Context, *, job: str | None, limit: int | None, since: str | None, output: str) -> None:
    """Show what changed for one job or for all jobs, oldest first.

    If --limit leaves events out, stderr says how many, and so does "left_out" in JSON.
    """
    begin = clock.now() - seconds("--since", since) if since else 0.0
    with context.store() as store:
        chosen = store.history.choose_events(store.jobs.find(job).id if job else None, begin, usual_limit(limit, since))
        found = chosen.read(lambda page: store.history.events(ids=page))
        if output != "table":
            from watcher.cli import values

            print_json(output, {}, "events", (values.event(*one) for one in found), chosen.left_out)
        elif chosen.keys:
            print_table(context, _HEADERS, [row for one in found for row in _rows(context, *one)], _SPARE)
        else:
            note("nothing has changed yet" + (" in that time" if since else ""))
    say_left_out(chosen.left_out, ("earlier event is", "earlier events are"), MORE)


def _rows(context: Context, event: Event, job: Job | None) -> Iterator[tuple[Cell, ...]]:
    """Yield a row for each thing that changed, in the words of the messages."""
    from watcher.render.words import moment

    for change in event.transitions:
        at = getattr(change, "changed_at", None)
        yield (
            str(event.id),
            moment(event.observed_at, context.zone),
            moment(at, context.zone) if at else "",
            plain(job.title) if job else subject_title(event.subject),
            worded(event, change, context.zone, job),
        )


def worded(event: Event, change: Transition, zone: tzinfo | None, job: Job | None) -> str:
    """Return one thing that changed with *job* (None: with none), in the words of the messages, on a line."""
    from watcher.render import Story, compose

    doc = compose(Story(replace(event, transitions=(change,)), event.observed_at, host="", job=job, zone=zone))
    return on_one_line(doc.lines) or plain(f"failureMessage: {doc.failure}")


def on_one_line(lines: Sequence[str]) -> str:
    """Return *lines* as one; what does not end as a sentence does is set apart from what follows."""
    apart = [line if line.endswith((".", "!", "?")) else f"{line};" for line in lines[:-1]]
    return " ".join((*apart, *lines[-1:]))
