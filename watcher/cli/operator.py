"""Who operates the watch: each command that changes what people are alerted about leaves an ``operator`` event.

Not its business: how the event is worded (``render.own``), and sending it, which the daemon does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from watcher import clock, files
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.cli.context import Context
    from watcher.config import ChannelConfig
    from watcher.model import Job
    from watcher.policy import Route
    from watcher.store import Store

_LONGEST = 100


def by_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--by``."""
    words = "Who does this, as events show it.  [default: the user behind sudo, else you]"
    return click.option("--by", metavar="NAME", help=words)(command)


def whoever(by: str | None) -> str:
    """Return the name of the person that operates: *by*, else SUDO_USER, else this user's name or number.

    Raises UsageError for a blank name, and for one with control characters.
    """
    if by is not None and not (by.strip() and by.isprintable()):
        raise UsageError(f"--by {by!r} is not a name", "pass the name of the person who does this")
    return (by or os.environ.get("SUDO_USER") or files.me())[:_LONGEST]


def record(
    context: Context, store: Store, action: str, target: str, *, by: str | None, job: Job | None = None, note: str = ""
) -> None:
    """Record that a person ran *action* on *target* (a *job*, if it is one); *note* says how.

    Call it within the transaction of what it records: both are written, or none.
    """
    from watcher.cli import service
    from watcher.model import Operator
    from watcher.policy import Traits, post

    now = clock.now()
    # What the daemon does not serve would be given up.
    served = service.own_words(context, service.daemon_pid(context)).get("channels")
    channels = [one for one in context.config.channels if served is None or one.name in served]
    routes = [_route(context, one, every=job is None) for one in channels]
    operator = Operator(whoever(by), action, target, note)
    postings = post((operator,), [Traits() if job is None else Traits.of(job)], routes, clock.utc(now))
    store.own.operated(operator, postings, now, job.id if job else None)


def _route(context: Context, channel: ChannelConfig, *, every: bool) -> Route:
    """Return a channel's route; with *every* it ignores the channel's job filters, as the event is about no job."""
    from watcher.policy import Route
    from watcher.policy.routing import Digest

    digest = Digest(*channel.digest, context.zone) if channel.digest else None
    if every:
        return Route(channel.name, channel.on, digest=digest)
    return Route(channel.name, channel.on, channel.tags, channel.accounts, channel.regions, channel.names, digest)
