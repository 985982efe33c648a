"""The verdict: what was lost, told out of order, made up, or repeated without a reason.  Pure.

It knows nothing of how the product works, only what it promises (see the package).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from chaos.duplicates import Duplicates, duplicates
from chaos.reasons import has_reason
from chaos.records import Evidence, History, Message, Told
from chaos.truth import Telling, follow, seen_for_certain

FOUNDED = frozenset({"watch_lost", "watch_regained", "vanished", "delivery_dead", "channel_stuck", "gap"})
"""The kinds of events that need a cause in what the harness did."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Findings, a sentence each; and *counts* for the table."""

    lost: tuple[str, ...]
    reordered: tuple[str, ...]
    phantoms: tuple[str, ...]
    duplicates: Duplicates
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.reordered or self.phantoms or self.duplicates.wrong)


def judge(evidence: Evidence) -> Verdict:
    """Return the verdict on *evidence*."""
    messages = (one for one in evidence.messages if one.outcome != "refused")
    arrived = named(sorted(messages, key=lambda message: message.began), evidence.histories)
    events, disagreeing = _events(arrived)
    tellings = {history.name: follow(history, _of(history.name, events)) for history in evidence.histories}
    phantoms = [*disagreeing, *(f"{one.channel}: {one.garbled}" for one in arrived if one.garbled)]
    phantoms += [word for telling in tellings.values() for word in telling.phantoms]
    phantoms += _unfounded(evidence, events, tellings)
    lost = [word for history in evidence.histories for word in _untold(evidence, history, tellings[history.name])]
    lost += _missing(evidence, arrived, events)
    counts = {
        "eras": sum(len(history.eras) for history in evidence.histories),
        "seen": sum(len(seen_for_certain(evidence, history)) for history in evidence.histories),
        "told": sum(len(telling.eras) for telling in tellings.values()),
        "events": len(events),
        "deliveries": len({(one.channel, told.event) for one in arrived for told in one.told}),
        "late": sum(told.late for one in arrived for told in one.told),
    }
    return Verdict(tuple(lost), tuple(_overtaken(arrived)), tuple(phantoms), duplicates(evidence, arrived), counts)


def named(messages: Iterable[Message], histories: Iterable[History]) -> list[Message]:
    """Return *messages* with the name of each job: as long as nobody could look at it, it goes by the end of its ARN."""
    names = {history.arn.rpartition("/")[2]: history.name for history in histories}
    return [
        replace(one, told=tuple(replace(told, subject=names.get(told.subject, told.subject)) for told in one.told))
        for one in messages
    ]


def _events(messages: list[Message]) -> tuple[dict[int, Told], list[str]]:
    """Return each event as it was told most fully, and where the channels tell it differently."""
    events: dict[int, Told] = {}
    for told in (told for one in messages for told in one.told):
        if told.event not in events or (events[told.event].steps is None and told.steps is not None):
            events[told.event] = told
    differing = []
    for one in messages:
        for told in one.told:
            full = events[told.event]
            if told.subject != full.subject or told.changes is None or full.changes is None:
                wrong = (told.subject, told.headline) != (full.subject, full.headline)
            else:
                # The fields that moved with a status are not repeated in words.
                wrong = not set(told.changes) <= set(full.changes) or told.failure != full.failure
            if wrong:
                differing.append(f"{one.channel} tells event {told.event} of {told.subject} otherwise than the others")
    return events, differing


def _of(subject: str, events: Mapping[int, Told]) -> list[Told]:
    return [told for _, told in sorted(events.items()) if told.subject == subject]


def _untold(evidence: Evidence, history: History, telling: Telling) -> Iterator[str]:
    """Yield the eras of *history* that had to be told and were not: the latest words before their end are others."""
    last = len(history.eras) - 1
    for era in sorted(seen_for_certain(evidence, history) | {last}):
        latest = max((told for told in telling.eras if told <= era), default=None)
        if latest is None or history.eras[latest].words != history.eras[era].words:
            what = "its end" if era == last else f"era {era}, which was seen for certain,"
            yield f"{history.name}: {what} ({history.eras[era].status}) was told nowhere"
    if history.failure and history.failure not in telling.failures:
        yield f"{history.name}: its failureMessage was told nowhere"


def _missing(evidence: Evidence, messages: list[Message], events: Mapping[int, Told]) -> Iterator[str]:
    """Yield what some channel knows and another one, that asked for it, does not."""
    arrived: dict[str, set[int]] = defaultdict(set)
    for one in messages:
        arrived[one.channel].update(told.event for told in one.told)
    for name, wish in evidence.wishes.items():
        for event, told in sorted(events.items()):
            # What the webhook does not know has no kinds here: then whoever wants everything wants it.
            if not wish.always or event in arrived[name] or wish.on.isdisjoint(told.kinds or {"appeared"}):
                continue
            if told.subject == f"channel/{name}":
                continue  # a channel is not told of its own death
            yield f"{name} was not told event {event} ({told.headline} {told.subject})"


def _overtaken(messages: list[Message]) -> Iterator[str]:
    """Yield what came after something newer of its subject.

    Several that were told together are one message, which may come again, whole or in parts: what is newer counts only
    where it was told without this one.
    """
    heard: dict[tuple[str, str], list[tuple[int, ...]]] = defaultdict(list)
    for one in messages:
        for subject in dict.fromkeys(told.subject for told in one.told):
            before = heard[one.channel, subject]
            events = tuple(told.event for told in one.told if told.subject == subject and not told.late)
            for place, event in enumerate(events):
                newer = {other for told in before if event not in told for other in told if other > event}
                newer |= {other for other in events[:place] if other > event}
                if newer:
                    yield f"{one.channel}: event {event} of {subject} came after event {max(newer)} ({_course(before)})"
            before.append(events)


def _course(told: list[tuple[int, ...]]) -> str:
    return "before it came " + ", ".join("+".join(map(str, events)) for events in told if events)


def _unfounded(evidence: Evidence, events: Mapping[int, Told], tellings: Mapping[str, Telling]) -> Iterator[str]:
    """Yield what was told of the watch itself, or of nothing that exists, without a reason."""
    for told in events.values():
        if told.subject not in tellings and not told.subject.startswith(
            ("scope/", "channel/", "watch/gap", "watch/operator")
        ):
            yield f"event {told.event} tells of {told.subject}, which does not exist"
        for kind in told.kinds & FOUNDED:
            if not has_reason(evidence, kind, told):
                yield f"event {told.event} tells {kind} of {told.subject}, and nothing was wrong"
        for kind in told.kinds & {"overdue", "stalled", "queued", "stopping", "channel_test"}:
            yield f"event {told.event} tells {kind} of {told.subject}, which nobody asked for"
