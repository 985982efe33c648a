"""Which messages arrived twice, why, and whether they said so.  Pure."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.records import Evidence, Message, Told

_DYING = 1.0
"""Seconds for which a message may still travel when its sender is dead."""

_UNMARKABLE = ("disk", "lock", "stopped")


@dataclass(frozen=True, slots=True)
class Duplicates:
    """How many repeats had which reason, and *wrong*: those without a mark, or without a reason."""

    after_death: int = 0
    after_doubt: int = 0
    after_trouble: int = 0
    wrong: tuple[str, ...] = ()

    @property
    def all(self) -> int:
        """How many there were."""
        return self.after_death + self.after_doubt + self.after_trouble + len(self.wrong)


def duplicates(evidence: Evidence, messages: Sequence[Message]) -> Duplicates:
    """Return what was repeated among *messages*."""
    by_news: dict[tuple[str, int], list[tuple[Message, Told]]] = defaultdict(list)
    for one in sorted(messages, key=lambda message: message.began):
        for told in one.told:
            by_news[one.channel, told.event].append((one, told))
    reasons: dict[str, int] = defaultdict(int)
    wrong = []
    for (channel, event), copies in sorted(by_news.items()):
        for (earlier, _), (_, repeated) in itertools.pairwise(copies):
            reason = _reason(evidence, messages, earlier)
            if not repeated.repeat:
                wrong.append(f"{channel}: event {event} came again without saying that it may be a repeat")
            elif not reason:
                wrong.append(f"{channel}: event {event} came again for no reason")
            else:
                reasons[reason] += 1
    return Duplicates(reasons["death"], reasons["doubt"], reasons["trouble"], tuple(wrong))


def _reason(evidence: Evidence, messages: Sequence[Message], earlier: Message) -> str:
    """Return why the sender of *earlier* could not know, or not write down, that it had arrived."""
    if earlier.outcome == "uncertain":
        return "doubt"
    following = min(
        (one.began for one in messages if one.channel == earlier.channel and one.began > earlier.began),
        default=float("inf"),
    )
    # The next message on the same channel leaves only when this one is marked.
    if any(earlier.began - _DYING <= life.end <= following for life in evidence.lives):
        return "death"
    troubles = (span for span in evidence.spans if span.what in _UNMARKABLE)
    if any(span.begin <= following and earlier.began <= span.end for span in troubles):
        return "trouble"
    return ""
