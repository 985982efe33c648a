"""``bedrock-watch list`` and ``remove``.

Not their business: adding (``add``), and what the list looks like (``listing``).
"""

from __future__ import annotations

import click

from watcher.cli.context import Context
from watcher.cli.listing import show_list
from watcher.cli.operator import by_option, record
from watcher.cli.options import complete_job, output_option
from watcher.cli.output import note, print_json
from watcher.errors import ExitCode


@click.command("list")
@click.option("--all", "every", is_flag=True, help="Those that ended more than a day ago, too.")
@output_option
@click.pass_obj
def list_jobs(context: Context, *, every: bool, output: str) -> int:
    """List the watched jobs: those that run, and those that ended within a day."""
    return show_list(context, every=every, output=output)


@click.command()
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...", shell_complete=complete_job)
@by_option
@output_option
@click.pass_obj
def remove(context: Context, *, jobs: tuple[str, ...], by: str | None, output: str) -> int:
    """Stop watching jobs; what is known of them is kept.

    JOB is an ARN, a name, a label, or a unique end of the id.
    """
    from watcher.cli.jobview import views

    with context.store() as store:
        found = {job.id: job for job in map(store.jobs.find, jobs)}
        with store.database.transaction():
            for job in found.values():
                store.jobs.remove(job)
                if job.from_cli or job.from_rule:  # a job of the configuration alone stays watched
                    record(context, store, "remove", job.title, by=by, job=job)
        after = views(store, map(store.jobs.get, found))
    if output != "table":
        print_json(output, {"database": str(context.database)}, "jobs", [view.document() for view in after])
    code = ExitCode.DONE
    for view in after:
        was = found[view.job.id]
        was_added = was.from_cli or bool(was.from_rule)
        if not view.watched:
            note(f"no longer watching {view.title}" if was_added else f"{view.title} was not being watched")
            if was.from_rule:
                note(f"the rule {was.from_rule} takes it up no more; bedrock-watch add does")
            continue
        where = context.config.path or "the daemon's configuration"
        still = "is still listed" if was_added else "is listed"
        note(f"{view.title} {still} in {where}\n  take its [[job]] table out, and reload the daemon")
        code = code if was_added else ExitCode.FAILED
    return code
