"""``bedrock-watch health``: one line and an exit code, for monitors and the probes of containers.

The judgement whether the daemon is well is made here, for ``status`` too.  It starts up with little: it may be asked
every few seconds.  Not its business: how things stand otherwise (``status``), and what to do about it (``doctor``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from watcher import clock, presence
from watcher.cli import service
from watcher.cli.context import Context
from watcher.cli.options import output_option, seconds
from watcher.cli.output import print_document, write
from watcher.cli.words import plain, scope_title, some, span
from watcher.errors import ExitCode, StoreError

if TYPE_CHECKING:
    from watcher.store.database import Database

SILENT = 30.0
"""Seconds without a word in the status file, which the daemon writes every five, before it is called unwell."""


@click.command()
@click.option(
    "--max-age", metavar="TIME", help=f"How old the daemon's last sign of life may be.  [default: {SILENT:g}s]"
)
@output_option
@click.pass_obj
def health(context: Context, *, max_age: str | None, output: str) -> int:
    """Say in one line whether the daemon is healthy; exit with 0 if it is, or with 3 if not.

    It is unhealthy if it does not run, does not respond, has stalled, cannot use its database, could not poll jobs
    for longer than poll.blind_after, or if a channel has not delivered for 15 minutes.
    """
    patience = SILENT if max_age is None else seconds("--max-age", max_age)
    now = clock.now()
    service.despite_mistakes(context)
    pid = service.daemon_pid(context)
    own = service.own_words(context, pid)
    try:
        with context.opened() as database:
            ill = ailment(context, database, pid, own, now, patience)
    except StoreError as error:
        ill = ailment(context, None, pid, own, now, patience) or error.what
    if output != "table":
        print_document(output, {"healthy": not ill, "ailment": ill or None, "pid": pid})
    else:
        write(f"unhealthy: {plain(ill)}" if ill else f"healthy: the daemon runs (pid {pid})")
    return ExitCode.NOT_RUNNING if ill else ExitCode.DONE


def ailment(
    context: Context, database: Database | None, pid: int | None, own: dict[str, Any], now: float, max_age: float
) -> str:
    """Return why the daemon of that *pid*, which says *own* of itself, is not well; empty when it is.

    *max_age*: seconds that its words may be old.  Without a *database*, what it cannot look at is not known.
    """
    if pid is None:
        return "it does not run"
    if not own:
        begun = now - presence.begun_at(context.state_dir)
        return f"it began {span(begun)} ago, and has given no sign of life yet" if begun > max_age else ""
    if (age := presence.age(own, now)) > max_age:
        return f"no sign of life for {span(age)}"
    if standing := own.get("standing_still"):
        return f"a part of it stands still: {some(standing)}"
    if failing := own.get("database_error"):
        return str(failing)
    blind = "" if database is None else _blindness(context, database, now)
    return blind or _outages(own, now)


def _outages(own: dict[str, Any], now: float) -> str:
    """Return which channels do not deliver, according to the daemon's status."""
    words = []
    for channel, reason, waiting, since in outages(own):
        what = f"{waiting} waiting" if waiting else "its last messages failed permanently"
        words.append(f"channel {channel} has not delivered for {span(now - since)} ({what}): {reason}")
    return f"{words[0]}{f', and {len(words) - 1} more channels' if len(words) > 1 else ''}" if words else ""


def outages(own: dict[str, Any]) -> list[tuple[str, str, int, float]]:
    """Return the channels that do not deliver: name, reason, messages that wait (0: failed permanently), since when.

    Others can write the daemon's status file, so malformed entries are skipped.
    """
    found = own.get("outages")
    rows = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [
        (plain(str(one.get("channel"))), plain(str(one.get("reason"))[:300]), int(waiting), float(since))
        for one in rows
        if isinstance(waiting := one.get("waiting"), int) and isinstance(since := one.get("since"), int | float)
    ]


def _blindness(context: Context, database: Database, now: float) -> str:
    """Return what could not be looked at for too long, and for how long; nothing when all could."""
    from watcher.store.blindness import unseen

    rows, blind_after = unseen(database, context.config.rule_scopes), context.config.poll.blind_after
    blind = [row for row in rows if row["blind_since"] or now - row["failing_since"] > blind_after]
    if not blind:
        return ""
    titles = [
        scope_title(row["scope"])
        if row["scope"]
        else plain(row["label"] or row["name"] or row["identifier"].rpartition("/")[2])
        for row in blind
    ]
    return f"it cannot look, for {span(now - min(row['failing_since'] for row in blind))} now: {some(titles)}"
