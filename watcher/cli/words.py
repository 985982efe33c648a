"""Spans of time, states of jobs and foreign texts, as a terminal shows them.

``list`` starts up with nothing more than this; so it imports nothing.  Not its business: columns (``output``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

Cell = str | tuple[str, str]
"""What a table holds: a text, or a text and its colour."""

RUNNING_STEPS = frozenset({"InProgress", "Stopping"})
"""AWS's words for a sub-task that is under way."""

_LONGEST = 1e11
"""Seconds; a longer span, or one that is not a number, is invalid and shown as ``0s``."""

_COLORS = {
    **dict.fromkeys(("Completed", "Active", "InService"), "green"),
    **dict.fromkeys(("Failed", "Expired"), "red"),
    **dict.fromkeys(("Stopped", "Stopping", "PartiallyCompleted"), "yellow"),
    **dict.fromkeys(("InProgress", "Creating", "Updating", "Validating"), "cyan"),
}


def plain(text: str, *, lines: bool = False) -> str:
    """Return *text* as it may reach a terminal: nothing in it moves the cursor, and it is one line unless *lines*."""
    if text.isprintable() or (lines and text.replace("\n", "").isprintable()):
        return text
    from watcher.render.words import clean

    return clean(text, lines=lines)


def span(seconds: float) -> str:
    """Return a span of time in the form of the messages (``3h12m``, ``45s``, ``2d4h``); a negative one as ``0s``."""
    minutes, secs = divmod(int(max(seconds, 0)) if seconds < _LONGEST else 0, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours}h" if hours else f"{days}d"
    if hours:
        return f"{hours}h{minutes:02}m"
    if minutes:
        return f"{minutes}m{secs:02}s" if minutes < 10 and secs else f"{minutes}m"
    return f"{secs}s"


def ago(at: float, now: float) -> str:
    """Return how long ago *at* was, or how soon it will be (both are epoch seconds); ``-`` for 0, which is never."""
    if not at:
        return "-"
    return f"{span(now - at)} ago" if at <= now else f"in {span(at - now)}"


def counted(number: int, noun: str) -> str:
    """Return ``1 job``, ``2 jobs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return *names* as one text: the first *most*, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def scope_title(key: str) -> str:
    """Return what people call a scope, of its key (``Job.scope``): its region, its account, its profile, its kind."""
    from watcher.identifiers import CUSTOMIZATION, FINDING, NOUNS

    if key.count("/") < 2:
        return plain(key)  # none of ours
    whose, region, kind = key.rsplit("/", 2)
    if kind.endswith(FINDING):
        noun = NOUNS.get(kind.removesuffix(FINDING), "job")
        return f"new {noun}s in {scope_title(f'{whose}/{region}/{CUSTOMIZATION}')}"
    profile, _, account = whose.rpartition("@")
    where = f"{region}, account {account}"
    if region == "*":
        where = f"account {account}" if account != "-" else "jobs given by name"
    elif account == "-":
        where = region
    if kind in NOUNS and kind != CUSTOMIZATION:
        where = f"{NOUNS[kind]}s in {where}"
    return plain(where if profile == "default" else f"{where} (profile {profile})")


def subject_title(subject: str) -> str:
    """Return what people call the subject of an event (``model.Event``) that is about no job."""
    kind, _, name = subject.partition("/")
    return scope_title(name) if kind == "scope" else plain(f"{kind} {name}")


def is_queued(status: str, steps: Collection[str]) -> bool:
    """Return whether a job waits for AWS to begin, as ``model.is_queued`` does."""
    waits = bool(steps) and all(step == "NotStarted" for step in steps)
    return status in ("Submitted", "Scheduled") or (waits and status == "InProgress")


def status_cell(state: str, status: str, steps: Collection[str]) -> Cell:
    """Return a job's status: AWS's own word, ``new`` when it was never seen, ``lost sight of`` when it vanished.

    *state* is the store's (``Job.state``), *steps* are the sub-tasks' status words.
    """
    if state == "vanished":
        return ("lost sight of", "red")
    if not status:
        return "new"
    word = plain(status) + (" (queued)" if is_queued(status, steps) else "")
    return (word, _COLORS[status]) if status in _COLORS else word
