"""``bedrock-watch deliveries``: the messages on their way, those that arrived, those that were given up, and each try.

Not its business: sending them, which the daemon does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from watcher import clock
from watcher.cli import service, values
from watcher.cli.context import Context
from watcher.cli.operator import by_option, record
from watcher.cli.options import (
    COUNT,
    ID,
    LIMIT_HELP,
    MORE,
    USUAL_LIMIT,
    complete_job,
    output_option,
    seconds,
    usual_limit,
)
from watcher.cli.output import note, print_document, print_json, print_table, say_left_out, write
from watcher.cli.words import Cell, ago, counted, plain, span, subject_title
from watcher.errors import UnknownJob, UsageError

if TYPE_CHECKING:
    from watcher.store import Store
    from watcher.store.history import Attempt, Told

_STATES = ("pending", "sending", "sent", "uncertain", "dead")
_HELD = {"mute": "muted", "digest": "for the digest"}
_WAITING = frozenset({"pending", "uncertain"})
_COLORS = {"sent": "green", "dead": "red", "uncertain": "yellow"}
_RESULTS: dict[str, Cell] = {
    "sent": ("sent", "green"),
    "failed": "failed, to be tried again",
    "refused": ("refused for good", "red"),
    "uncertain": ("may have arrived", "yellow"),
}
_TRIES = ("TRY", "AT", "TOOK", "RESULT", "REASON")
_HEADERS = ("ID", "CHANNEL", "JOB", "EVENT", "STATE", "TRIES", "WRITTEN", "NEXT TRY", "LAST ERROR")
_SPARE = ("WRITTEN", "TRIES", "NEXT TRY")


_FIRST = f"{__name__}.first"
"""Where the word is kept that was taken for a job."""


class _ListFirst(click.Group):
    """A group whose ``list`` need not be written."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``list`` before words that begin with none of the commands."""
        if not args or args[0] not in (*self.commands, "-h", "--help"):
            ctx.meta[_FIRST] = args[0] if args else ""
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever the command returns
        """Run a command.  A word that was taken for a job, and is none, may be a command that is misspelt."""
        try:
            return super().invoke(ctx)
        except UnknownJob as error:
            if hint := self._hint(ctx):
                raise UnknownJob(error.what, hint) from error
            raise
        except click.UsageError as error:
            if hint := self._hint(ctx):
                raise UsageError(error.format_message(), hint) from error
            raise

    def _hint(self, ctx: click.Context) -> str:
        from difflib import get_close_matches

        near = get_close_matches(ctx.meta.get(_FIRST, ""), self.commands, n=1)
        return f"if a command was meant: bedrock-watch deliveries {near[0]}" if near else ""


@click.group(cls=_ListFirst)
def deliveries() -> None:
    """List messages and what became of them, show each try, send them again, or drop them.

    Without a command they are listed: bedrock-watch deliveries [JOB] [--state STATE].
    """


@deliveries.command("list")
@click.argument("job", metavar="[JOB]", required=False, shell_complete=complete_job)
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only those; repeatable.")
@click.option("--limit", type=click.IntRange(1, COUNT), help=f"{LIMIT_HELP} {USUAL_LIMIT}, or all with --since.")
@click.option("--since", metavar="TIME", help='Only messages written since then: "30m", "12h", "7d".')
@output_option
@click.pass_obj
def list_deliveries(
    context: Context,
    *,
    job: str | None,
    states: tuple[str, ...],
    limit: int | None,
    since: str | None,
    output: str,
) -> None:
    """List messages of one job or of all jobs, oldest first.

    If --limit leaves messages out, stderr says how many, and so does "left_out" in JSON.
    """
    begin = clock.now() - seconds("--since", since) if since else 0.0
    with context.store() as store:
        of_job = store.jobs.find(job).id if job else None
        chosen = store.history.choose_deliveries(states, of_job, begin, usual_limit(limit, since))
        found = chosen.read(lambda page: store.history.deliveries(ids=page))
        if output != "table":
            print_json(output, {}, "deliveries", map(values.delivery, found), chosen.left_out)
        elif chosen.keys:
            print_deliveries(context, found)
        else:
            note("no such message" if states or job or since else "no message yet")
    say_left_out(chosen.left_out, ("earlier message is", "earlier messages are"), MORE)


@deliveries.command()
@click.argument("delivery", type=ID, metavar="ID")
@output_option
@click.pass_obj
def show(context: Context, *, delivery: int, output: str) -> None:
    """Show each try of a message: when it was, what came of it, and why.

    As JSON they are "tries", beside the message's own members.
    """
    with context.store() as store:
        found = _found(store, [delivery])
        if not found:
            raise UnknownJob(f"no message {delivery}", "see them: bedrock-watch deliveries")
        tries = store.history.attempts(delivery)
    if output != "table":
        told = {**values.delivery(found[0]), "tries": [values.attempt(one) for one in tries]}
        print_document(output, told)
        return
    print_deliveries(context, found)
    if tries:
        write("")
        print_table(context, _TRIES, [_try(context, number, one) for number, one in enumerate(tries, 1)])


@deliveries.command(short_help="Send messages again that were given up, or at once.")
@click.argument("ids", nargs=-1, type=ID, metavar="ID...")
@click.option("--all-dead", is_flag=True, help="All that were given up.")
@by_option
@output_option
@click.pass_obj
def retry(context: Context, *, ids: tuple[int, ...], all_dead: bool, by: str | None, output: str) -> None:
    """Send messages again that were given up; one that waits is tried at once.

    All of them are those with news: a test that failed is made anew with bedrock-watch channel test.
    """
    if bool(ids) == all_dead:
        raise UsageError("name the messages", "bedrock-watch deliveries retry ID..., or retry --all-dead")
    with context.store() as store:
        tests = 0
        if all_dead:
            dead = store.history.deliveries(("dead",))
            ids = tuple(one.id for one in dead if one.subject != f"channel/{one.channel}")
            tests = len(dead) - len(ids)
        with store.database.transaction():
            store.dead_letters.retry(ids, clock.now())
            if ids:
                record(context, store, "retry", _messages(ids), by=by)
        found = _found(store, ids)
    _print(context, found, output)
    _warn_of_unknown_channels(context, found)
    if not found:
        note(_only_tests(tests) if tests else "no message was given up")
    elif service.daemon_pid(context) is None:
        note(f"they are sent when the daemon runs; {service.how_to_start(context)}")


@deliveries.command()
@click.argument("ids", nargs=-1, type=ID, required=True, metavar="ID...")
@by_option
@output_option
@click.pass_obj
def drop(context: Context, *, ids: tuple[int, ...], by: str | None, output: str) -> None:
    """Give up messages that wait; those after them go on."""
    with context.store() as store:
        waiting = {one.id for one in _found(store, ids) if one.state in _WAITING}
        if missing := [one for one in ids if one not in waiting]:
            numbers = ", ".join(map(str, missing))
            raise UnknownJob(f"no waiting message {numbers}", "see them: bedrock-watch deliveries --state pending")
        now = clock.now()
        with store.database.transaction():
            for one in dict.fromkeys(ids):
                store.dead_letters.drop(one, now)
            record(context, store, "drop", _messages(ids), by=by)
        found = _found(store, ids)
    _print(context, found, output)


def _messages(ids: Sequence[int]) -> str:
    """Return messages by their numbers, as an event names them."""
    from watcher.render.words import numbers

    return f"{'message' if len(ids) == 1 else 'messages'} {numbers(sorted(set(ids)), 80)}"


def print_deliveries(context: Context, found: Iterable[Told]) -> None:
    """Print messages as a table."""
    now = clock.now()
    print_table(context, _HEADERS, [_row(one, now) for one in found], _SPARE)


def _print(context: Context, found: Sequence[Told], output: str) -> None:
    if output != "table":
        print_json(output, {}, "deliveries", [values.delivery(one) for one in found])
    elif found:
        print_deliveries(context, found)


def _row(one: Told, now: float) -> tuple[Cell, ...]:
    color = _COLORS.get(one.state)
    held = one.held(now)
    state = f"{one.state} ({_HELD[held]})" if held else one.state
    if one.state == "sent" and not one.confirmed:
        state = "sent (unconfirmed)"
    return (
        str(one.id),
        plain(one.channel),
        subject_title(one.subject) if one.job is None else plain(one.title),
        f"{one.event} {_kind(one)}",
        (state, color) if color else state,
        str(one.attempts),
        ago(one.created_at, now),
        _next_try(one, now) if one.state in _WAITING else "",
        plain(one.last_error),
    )


def _kind(one: Told) -> str:
    """Return the name of what matters most in an event, as a channel's ``on`` has it."""
    from watcher.model import Severity
    from watcher.policy.topics import severity, topics

    ranks = list(Severity)
    (kind,) = topics([max(one.transitions, key=lambda change: ranks.index(severity([change])))])
    return kind


def _next_try(one: Told, now: float) -> str:
    if one.next_attempt_at > now:
        return ago(one.next_attempt_at, now)
    return f"waits for {one.behind}" if one.behind else "now"


def _only_tests(number: int) -> str:
    was, new = ("was", "a new one") if number == 1 else ("were", "new ones")
    return f"no message was given up, only {counted(number, 'test')} {was}; send {new} with bedrock-watch channel test"


def _try(context: Context, number: int, one: Attempt) -> tuple[Cell, ...]:
    from watcher.render.words import moment

    result = _RESULTS[one.result]
    began = moment(clock.utc(one.began_at), context.zone)
    return str(number), began, span(one.ended_at - one.began_at), result, plain(one.reason)


def _found(store: Store, ids: Sequence[int]) -> list[Told]:
    return store.history.deliveries(ids=tuple(ids))


def _warn_of_unknown_channels(context: Context, found: Sequence[Told]) -> None:
    known = {channel.name for channel in context.config.channels}
    for name in sorted({one.channel for one in found} - known):
        note(f"warning: channel {name} is not in the configuration: its messages cannot be sent")
