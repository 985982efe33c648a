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
from watcher.cli.options import complete_job, output_option, seconds
from watcher.cli.output import note, print_json, print_table
from watcher.cli.words import Cell, plain, subject_title

if TYPE_CHECKING:
    from datetime import tzinfo

    from watcher.model import Event, Job, Transition

_HEADERS = ("EVENT", "SEEN", "AWS'S TIME", "JOB", "WHAT")
_SPARE = ("AWS'S TIME",)  # the words tell it too


@click.command()
@click.argument("job", metavar="[JOB]", required=False, shell_complete=complete_job)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many, the latest ones.")
@click.option("--since", metavar="TIME", help='How far back: "30m", "12h", "7d".')
@output_option
@click.pass_obj
def events(context: Context, *, job: str | None, limit: int, since: str | None, output: str) -> None:
    """Show what changed, of one job or of all, the oldest first."""
    begin = clock.now() - seconds("--since", since) if since else 0.0
    with context.store() as store:
        found = store.history.events(store.jobs.find(job).id if job else None, limit, begin)
    if output != "table":
        from watcher.cli import values

        print_json(output, {}, "events", [values.event(*one) for one in found])
    elif found:
        print_table(context, _HEADERS, [row for one in found for row in _rows(context, *one)], _SPARE)
    else:
        note("nothing has changed yet" + (" in that time" if since else ""))


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
