"""When to look, when to try again, what lasts too long, who is told.  Pure: time and luck are arguments.

Not its business: what happened (``diff``), and carrying any of it out.
"""

from watcher.policy.cadence import (
    BLIND_FAILURES,
    CONFIRM_EVERY,
    LINGER,
    LISTED_FROM,
    LONGEST_SEND_RETRY,
    MISSES,
    SLOWEST_RETRY,
    VANISHED_RETRY,
    Cadence,
    is_blind,
    last_word_is_in,
    next_look,
    retry_look,
    retry_send,
)
from watcher.policy.patience import (
    FEWEST_TRIES,
    GIVE_UP_AFTER,
    REFUSED_FOR,
    SETTLING,
    STUCK_AFTER,
    Patience,
    Running,
    is_final,
)
from watcher.policy.reminders import Limits, Reminding, remind
from watcher.policy.routing import DIGEST, Digest, Route, Traits, Verdict, post
from watcher.policy.topics import severity, topics

__all__ = [
    "BLIND_FAILURES",
    "CONFIRM_EVERY",
    "DIGEST",
    "FEWEST_TRIES",
    "GIVE_UP_AFTER",
    "LINGER",
    "LISTED_FROM",
    "LONGEST_SEND_RETRY",
    "MISSES",
    "REFUSED_FOR",
    "SETTLING",
    "SLOWEST_RETRY",
    "STUCK_AFTER",
    "VANISHED_RETRY",
    "Cadence",
    "Digest",
    "Limits",
    "Patience",
    "Reminding",
    "Route",
    "Running",
    "Traits",
    "Verdict",
    "is_blind",
    "is_final",
    "last_word_is_in",
    "next_look",
    "post",
    "remind",
    "retry_look",
    "retry_send",
    "severity",
    "topics",
]
