"""When to look, when to try again, what lasts too long, who is told.  Pure: time and luck are arguments.

Not its business: what happened (``diff``), and carrying any of it out.
"""

from watcher.policy.cadence import (
    BLIND_FAILURES,
    CONFIRM_EVERY,
    GIVE_UP_AFTER,
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
from watcher.policy.reminders import Limits, Reminding, remind
from watcher.policy.routing import DIGEST, Digest, Route, Traits, Verdict, post
from watcher.policy.topics import severity, topics

__all__ = [
    "BLIND_FAILURES",
    "CONFIRM_EVERY",
    "DIGEST",
    "GIVE_UP_AFTER",
    "LINGER",
    "LISTED_FROM",
    "LONGEST_SEND_RETRY",
    "MISSES",
    "SLOWEST_RETRY",
    "VANISHED_RETRY",
    "Cadence",
    "Digest",
    "Limits",
    "Reminding",
    "Route",
    "Traits",
    "Verdict",
    "is_blind",
    "last_word_is_in",
    "next_look",
    "post",
    "remind",
    "retry_look",
    "retry_send",
    "severity",
    "topics",
]
