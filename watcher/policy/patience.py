"""When a message that cannot be delivered has failed permanently, and when its channel is stuck.

Durations are seconds.

Patience counts *running time*: time in which the daemon ran.  A night in which the machine slept, the service was
stopped or the clock was wrong gave no receiver the chance to recover.
"""

from __future__ import annotations

from dataclasses import dataclass

from watcher.model import Failed

GIVE_UP_AFTER = 86_400.0
"""A message fails permanently after this long without delivery."""

REFUSED_FOR = 21_600.0
"""A message also fails permanently if a receiver that worked before refuses it for this long (HTTP 404, SMTP 554)."""

FEWEST_TRIES = 10
"""No message fails permanently after fewer tries, except at a receiver that never accepted one."""

SETTLING = 900.0
"""After a start, a resume or a clock jump, no message fails permanently for this long; the network may be late."""

STUCK_AFTER = 900.0
"""A channel whose oldest message fails for this long is reported to the other channels."""


@dataclass(frozen=True, slots=True)
class Running:
    """How many *seconds* this process has run, and whether it has *settled* since the last interruption."""

    seconds: float
    settled: bool


@dataclass(frozen=True, slots=True)
class Patience:
    """What a message has gone through: *tries*, and for how many seconds it was *tried* and *refused*, in running time.

    *has_worked*: the channel's present URL has accepted a message before.
    """

    tries: int
    tried_for: float
    refused_for: float
    has_worked: bool
    settled: bool


def is_final(verdict: Failed, patience: Patience) -> bool:
    """Return whether a message has failed permanently by *verdict*, the outcome of its latest try.

    A refusal by a URL that never worked is most likely an error of the configuration, and final at once.  One by a URL
    that has worked may be a proxy that reloads, or a password that is being changed.  Uncertainty alone is never final.
    """
    if verdict.permanent and not patience.has_worked:
        return True
    if verdict.uncertain or not patience.settled or patience.tries < FEWEST_TRIES:
        return False
    refused = verdict.permanent and patience.refused_for >= REFUSED_FOR
    return refused or patience.tried_for >= GIVE_UP_AFTER
