"""The options and arguments that several commands share.

Not its business: the global ones (``parser``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watcher.errors import UsageError, WatchError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "jsonl"]),
    default="table",
    show_default=True,
    help="How to print it: for people, or for programs.",
)
"""``-o table|json|jsonl``."""

COUNT = 2**63 - 1
"""The largest number that a SQLite column or a LIMIT can hold."""

ID = click.IntRange(1, COUNT)
"""The number of a row."""

USUAL_LIMIT = 100
"""Default number of rows of a list without a natural limit."""

LIMIT_HELP = "Number of rows, the latest ones; by default"

MORE = "to see more: --limit N, or --since TIME for all since then"
"""Hint for such a list that omits rows."""


def usual_limit(limit: int | None, since: str | None) -> int | None:
    """Return how many rows to show; None for all, which is the default with a period."""
    return limit if limit is not None or since else USUAL_LIMIT


def seconds(option: str, text: str, most: float = float("inf")) -> float:
    """Return the seconds that an option's *text* means; raises UsageError for none, and for more than *most*."""
    from watcher.cli.words import span
    from watcher.config import parse_duration

    try:
        length = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}") from error
    if length > most:
        raise UsageError(f"{option} {text!r} is too long", f"it is {span(most)} at most")
    return length


def complete_job(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return the labels, names and ids of watched jobs that go on from *begun*; nothing when they cannot be read."""
    from click.shell_completion import CompletionItem

    from watcher import clock
    from watcher.cli.context import Context
    from watcher.store.listing import listed

    # The shell asks before any command has run.
    context = Context(config_path=ctx.find_root().params.get("config_path"))
    try:
        with context.opened() as database:
            rows = listed(database, clock.now(), every=True, ended_since=0.0)
    except WatchError:
        return []
    words = {row[key]: None for row in rows for key in ("label", "name", "arn") if row[key]}
    return [CompletionItem(word) for word in words if word.startswith(begun) and word.isprintable()]
