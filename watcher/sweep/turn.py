"""What one turn of a group gathers."""

from __future__ import annotations

from dataclasses import dataclass, field

from watcher.bedrock.answers import Summary
from watcher.errors import LookError, LookFault
from watcher.policy import SLOWEST_RETRY, VANISHED_RETRY
from watcher.store.ledger import Miss, Scope
from watcher.sweep.decide import Circumstances
from watcher.sweep.watched import Watched


@dataclass(slots=True)
class Turn:
    """What came of one turn so far.

    *got*: a Get worked; *shown*: List showed jobs, *listed*: it was read to its end.  *list_error* is why it was not.
    *probed*: jobs that were not due were asked for, too, to see whether anything works.
    """

    now: float
    how: Circumstances
    got: bool = False
    shown: bool = False
    listed: bool = False
    probed: bool = False
    list_error: LookError | None = None
    scope_error: LookError | None = None
    errors: list[tuple[Watched, LookError]] = field(default_factory=list)
    summaries: dict[int, Summary] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    @property
    def credentials(self) -> LookError | None:
        """The error of this turn that is of the credentials, and so of the whole account."""
        errors = [self.scope_error, *(error for _, error in self.errors)]
        return next((error for error in errors if error and error.fault is LookFault.CREDENTIALS), None)

    @property
    def works(self) -> bool:
        """Whether AWS has returned any usable response about jobs."""
        return self.got or self.shown


def longest_wait(slowest: float, state: str = "running") -> float:
    """Return how far off the due time of a job in that *state* can be, in seconds, unless the clock was set back."""
    return 1.2 * (VANISHED_RETRY if state == "vanished" else max(slowest, SLOWEST_RETRY))


def scope_after(key: str, before: Scope | None, state: Miss, now: float) -> Scope:
    """Return a scope as it is after a failed turn."""
    blind_since = now if state.transitions else before.blind_since if before else 0.0
    return Scope(key, state.failures, state.failing_since, state.next_poll_at, blind_since, state.last_error)
