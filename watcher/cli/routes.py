"""Whether anybody would be told of a job, as the configuration has it.

It makes its routes itself: those of the daemon come with AWS's SDK, which costs more than a short command may.
Not its business: when a message goes (``policy.routing``), and how a warning is worded and where it is printed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from watcher.policy import Route, Traits, Verdict

if TYPE_CHECKING:
    from watcher.config import ChannelConfig
    from watcher.model import Job

_ABOUT_NO_JOB = frozenset({"delivery_dead", "channel_stuck", "gap", "crash", "operator"})


def verdict(channel: ChannelConfig, job: Traits, unknown: Collection[str] = ()) -> Verdict:
    """Return whether *channel* is told of *job*, and why.

    *unknown* names the choices (``accounts``, ``regions``, ``names``) that only AWS can decide: they are taken to fit.
    """
    if channel.on <= _ABOUT_NO_JOB:
        return Verdict(False, "its on names no event of a job")
    route = Route(
        channel.name,
        channel.on,
        tags=channel.tags,
        accounts=channel.accounts,
        regions=channel.regions,
        names=channel.names,
    )
    if unknown:
        route = replace(route, **{key: type(getattr(route, key))() for key in unknown})
    return route.wants_job(job)


def untold(channels: Sequence[ChannelConfig], job: Traits, unknown: Collection[str] = ()) -> str:
    """Return why none of *channels* would tell of *job*; empty when one would, or may, or when there is none at all."""
    verdicts = [(channel.name, verdict(channel, job, unknown)) for channel in channels]
    if any(one.told for _, one in verdicts):
        return ""
    return ", ".join(f"{name} ({one.reason})" for name, one in verdicts)


def untold_job(channels: Sequence[ChannelConfig], job: Job) -> str:
    """Return why none of *channels* would tell of a stored job, as ``untold`` does; what AWS has yet to say may fit."""
    unknown = [key for key, known in (("accounts", job.account), ("names", job.name)) if not known]
    return untold(channels, Traits.of(job), unknown)


def untold_jobs(channels: Sequence[ChannelConfig], jobs: Iterable[Job]) -> list[Job]:
    """Return those of *jobs* of which nobody would be told, though there are channels."""
    if any(verdict(channel, Traits()).told for channel in channels):
        return []  # it tells of every job: there may be a thousand of them
    return [job for job in jobs if untold_job(channels, job)]
