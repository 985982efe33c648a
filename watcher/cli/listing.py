"""What ``bedrock-watch list`` prints.

It is the command that is typed all day, so it imports little, and click not at all (``watcher.cli``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from watcher import clock
from watcher.cli.context import Context
from watcher.cli.output import name_database, note, print_json, print_table, say_left_out
from watcher.cli.words import RUNNING_STEPS, Cell, ago, counted, plain, span, status_cell
from watcher.errors import ExitCode

if TYPE_CHECKING:
    from watcher.store.database import Database
    from watcher.store.listing import Row

_A_DAY = 86_400.0

_HEADERS = ("JOB", "STATUS", "SUB-TASK", "DURATION", "CHANGED", "ERROR", "REGION", "ID", "KIND")
_SPARE = ("KIND", "ID", "REGION", "CHANGED", "DURATION")

_ENDED = ("job that ended more than a day ago is", "jobs that ended more than a day ago are")
_ALL = "to see all: bedrock-watch list --all"


def show_list(context: Context, *, every: bool = False, output: str = "table") -> int:
    """Print the watched jobs: those not over, those that ended within a day, and all with *every*."""
    now = clock.now()
    with context.opened() as database:
        name_database(context)
        if output == "table":
            return _print_table(context, database, now, every=every)
        from watcher.cli.jobview import views
        from watcher.store import Store

        store = Store(database)
        chosen = store.jobs.choose(every=every, ended_since=now - _A_DAY)
        jobs = chosen.read(lambda page: views(store, store.jobs.by_ids(page)))
        head = {"database": str(context.database)}
        print_json(output, head, "jobs", (view.document() for view in jobs), chosen.left_out)
    say_left_out(chosen.left_out, _ENDED, _ALL)
    return ExitCode.DONE


def awaiting(context: Context) -> str:
    """Return that the configuration has jobs, for when the database has none; empty when it has none either."""
    number = len(context.config.jobs)
    if not number:
        return ""
    stand, them = ("stands", "it") if number == 1 else ("stand", "them")
    return f"{counted(number, 'job')} {stand} in the configuration; the daemon takes {them} over when it starts"


def print_running(context: Context, database: Database, now: float) -> None:
    """Print the jobs that are not over, if there are any."""
    rows = [row for row in _listed(database, now, every=False) if row["state"] not in ("ended", "closing")]
    if rows:
        print_table(context, _HEADERS, [_cells(row, now) for row in rows], _SPARE)


def _print_table(context: Context, database: Database, now: float, *, every: bool) -> int:
    from watcher.store.listing import left_out

    rows = _listed(database, now, every=every)
    ended = 0 if every else left_out(database, ended_since=now - _A_DAY)
    if rows:
        print_table(context, _HEADERS, [_cells(row, now) for row in rows], _SPARE)
    elif not ended:
        note(awaiting(context) or "no jobs yet: bedrock-watch add JOB")
    say_left_out(ended, _ENDED, _ALL)
    return ExitCode.DONE


def _listed(database: Database, now: float, *, every: bool) -> list[Row]:
    from watcher.store.listing import listed

    return listed(database, now, every=every, ended_since=now - _A_DAY)


def _cells(row: Row, now: float) -> tuple[Cell, ...]:
    steps = _steps(row["steps"])
    status = str(row["status"] or "")
    return (
        plain(row["label"] or row["name"] or _id(row)),
        _marked(status_cell(row["state"], status, steps.values()), muted=row["muted"]),
        plain(", ".join(name for name, step in steps.items() if step in RUNNING_STEPS)) or _part(row),
        span((row["ended_at"] or now) - row["created_at"]) if status else "",
        ago(row["changed_at"], now),
        _error(row, now),
        plain(row["region"]),
        _id(row),
        plain(row["kind"]),
    )


def _part(row: Row) -> str:
    """Return how far a batch is; empty for other jobs, and when AWS does not tell."""
    processed, records = row["processed"], row["records"]
    told = isinstance(processed, int) and isinstance(records, int) and records > 0
    return f"{processed * 100 // records} % of records" if told else ""


def _marked(cell: Cell, *, muted: bool) -> Cell:
    if not muted:
        return cell
    return f"{cell} (muted)" if isinstance(cell, str) else (f"{cell[0]} (muted)", cell[1])


def _id(row: Row) -> str:
    return plain((row["arn"] or row["identifier"]).rpartition("/")[2])


def _error(row: Row, now: float) -> Cell:
    """Return why the job cannot be looked at, by AWS's code, and since when: its own reason before its scope's."""
    for error, since in (("error", "failing_since"), ("scope_error", "scope_failing_since")):
        if row[error]:
            return (f"{plain(str(row[error]))} for {span(now - row[since])}", "red")
    return ""


def _steps(text: str | None) -> dict[str, str]:
    """Return the sub-tasks' names in words and their statuses, as ``bedrock.customization`` reads them."""
    try:
        details = json.loads(text) if text else {}
    except (TypeError, ValueError, RecursionError):
        return {}
    if not isinstance(details, dict):
        return {}
    return {
        _words(key): str(step.get("status") or "NotStarted") for key, step in details.items() if isinstance(step, dict)
    }


def _words(key: str) -> str:
    return "".join(f" {char.lower()}" if char.isupper() else char for char in key.removesuffix("Details")).lstrip()
