"""Whether an event about the watch itself had a cause: something that the harness did, at the time of the event.  Pure.

Not its business: events about jobs (``truth``).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator

from chaos.records import Evidence, Message, Told

STUCK_AFTER = 900.0
"""Seconds for which a daemon must have run before it may call a channel stuck."""

WRITTEN_WITHIN = 20.0
"""Seconds within which a refusal, or the removal of a channel, is written down."""

_NEAR = 1.0
"""Seconds by which a time in an event may differ from the harness's own record."""

_STALL = 6.0
"""Seconds for which an overloaded machine may hold a process up, beside the time for which it was paused."""

_UNWRITABLE = ("disk", "lock")


def has_reason(evidence: Evidence, kind: str, told: Told) -> bool:
    """Return whether the event *told* of this *kind* had a cause."""
    if kind == "vanished":
        arns = {history.arn for history in evidence.histories if history.name == told.subject}
        return sum(look.fault == "not_found" and look.job in arns for look in evidence.looks) >= 3
    if kind in _OF_A_TIME:
        return any(_OF_A_TIME[kind](evidence, told, at) for at in moments(evidence, told.until or told.at))
    return not told.since or any(
        look.fault and -2.0 < told.since - moved - look.at < 30.0 for look in evidence.looks for moved in evidence.clock
    )


def moments(evidence: Evidence, written: float) -> Iterator[float]:
    """Yield when it can have been that a daemon wrote the time *written*: its clock was right, or off by then."""
    moves = [span for span in evidence.spans if span.what == "clock"]
    if not any(span.begin + _NEAR < written < span.end - _NEAR for span in moves):
        yield written
    for span in moves:
        at = written - float(span.about)
        if span.begin - _NEAR <= at <= span.end + _NEAR:
            yield at


def worked_since(evidence: Evidence, channel: str) -> float:
    """Return from when on a daemon knew for certain that *channel* works; infinity when it never did.

    A channel sends one message at a time: when the next one begins in the same process, the one before is recorded.
    """
    by_life: dict[int, list[Message]] = defaultdict(list)
    for one in sorted(evidence.messages, key=lambda message: message.began):
        for number, life in enumerate(evidence.lives):
            if one.channel == channel and life.begin + _NEAR <= one.began <= life.end:
                by_life[number].append(one)
    known = (
        after.began
        for messages in by_life.values()
        for before, after in itertools.pairwise(messages)
        if before.outcome == "accepted"
    )
    return min(known, default=float("inf"))


def _may_be_dead(evidence: Evidence, told: Told, at: float) -> bool:
    """A URL that has worked is retried for hours: only one that never worked, or is removed, may have dead messages."""
    channel = told.subject.removeprefix("channel/")
    own = [span for span in evidence.spans if span.about == channel and span.begin - _NEAR <= at]
    recent = {span.what for span in own if at <= span.end + WRITTEN_WITHIN}
    return "removed" in recent or ("refusing" in recent and at < worked_since(evidence, channel) + _NEAR)


def _may_be_stuck(evidence: Evidence, told: Told, at: float) -> bool:
    """Its oldest message must have failed for long, in time in which a daemon ran."""
    channel = told.subject.removeprefix("channel/")
    ran = sum(max(min(life.end, at) - life.begin, 0.0) for life in evidence.lives)
    return ran >= STUCK_AFTER and any(span.about == channel and span.begin <= at for span in evidence.spans)


def _may_be_a_gap(evidence: Evidence, told: Told, at: float) -> bool:
    """A gap ends *at* the time at which a process noticed it; its cause must be what was done to one."""
    begin = at - (told.until - told.since)
    if told.cause == "suspended":
        pauses = (span for span in evidence.spans if span.what == "stopped")
        return any(
            begin - _NEAR <= span.end and span.begin <= at and at - begin <= span.end - span.begin + _STALL
            for span in pauses
        )
    ends = [life for life in evidence.lives if begin - _NEAR <= life.end <= at + _NEAR]
    if any(life.ended == told.cause for life in ends):
        return True
    # A stop that could not be written down looks like a kill.
    troubles = [span for span in evidence.spans if span.what in _UNWRITABLE]
    return told.cause == "killed" and any(
        life.ended == "stopped" and any(span.begin <= life.end and life.end - _STALL <= span.end for span in troubles)
        for life in ends
    )


_OF_A_TIME = {"delivery_dead": _may_be_dead, "channel_stuck": _may_be_stuck, "gap": _may_be_a_gap}
