"""``bedrock-watch quarantine``: the inputs that crashed the daemon, and trying them again.

Not its business: putting an input there, which the daemon does (``daemon.aftermath``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watcher import clock
from watcher.cli import service, values
from watcher.cli.context import Context
from watcher.cli.operator import by_option, record
from watcher.cli.options import output_option
from watcher.cli.output import note, print_json, print_table
from watcher.cli.words import ago, counted, plain
from watcher.errors import UnknownJob, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.store.quarantine import Quarantined

_HEADERS = ("INPUT", "WHAT", "SINCE", "VERSION", "ERROR")
_SPARE = ("VERSION", "SINCE")


@click.group(invoke_without_command=True)
@output_option
@click.pass_context
def quarantine(ctx: click.Context, *, output: str) -> None:
    """List inputs that crashed bedrock-watch and were set aside, or try them again.

    Without a command, it lists them.  A new version of bedrock-watch retries all of them automatically.
    """
    if ctx.invoked_subcommand is not None:
        return
    context = ctx.ensure_object(Context)
    with context.store() as store:
        found = store.quarantine.listed()
    _print(context, found, output)
    if not found and output == "table":
        note("nothing is in quarantine")


@quarantine.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option("--all", "every", is_flag=True, help="All of them.")
@by_option
@output_option
@click.pass_obj
def retry(context: Context, *, inputs: tuple[str, ...], every: bool, by: str | None, output: str) -> None:
    """Try quarantined inputs again.

    INPUT is a name from the list, for example job/3.  An input that crashes bedrock-watch again is quarantined again.
    """
    if bool(inputs) == every:
        raise UsageError("name the inputs", "bedrock-watch quarantine retry INPUT..., or retry --all")
    with context.store() as store:
        known = {one.name for one in store.quarantine.listed()}
        if missing := [one for one in inputs if one not in known]:
            raise UnknownJob(f"not in quarantine: {', '.join(missing)}", "see what is: bedrock-watch quarantine")
        with store.database.transaction():
            released = store.quarantine.retry(None if every else frozenset(inputs), clock.now())
            for one in released:
                record(context, store, "retry", one.title, by=by, note=f"quarantine retry {one.name}")
    _print(context, released, output)
    if not released:
        note("nothing is in quarantine")
    elif service.daemon_pid(context) is None:
        note(f"{counted(len(released), 'input')} released; {service.how_to_start(context)}")


def document(one: Quarantined) -> dict[str, Any]:
    """Return an input in quarantine as JSON."""
    return {
        "input": one.name,
        "title": one.title,
        "since": values.at(one.since),
        "version": one.version or None,
        "error": one.error or None,
    }


def _print(context: Context, found: Sequence[Quarantined], output: str) -> None:
    if output != "table":
        print_json(output, {}, "quarantined", [document(one) for one in found])
    elif found:
        now = clock.now()
        rows = [
            (plain(one.name), plain(one.title), ago(one.since, now), plain(one.version), (plain(one.error), "red"))
            for one in found
        ]
        print_table(context, _HEADERS, rows, _SPARE)
