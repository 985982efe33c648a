"""The table that a run ends with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from chaos.arena import Result
from chaos.records import Evidence

_MOST = 12


def write(result: Result) -> str:
    """Return the table, and what is wrong, if anything is."""
    rows = list(_rows(result))
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}".rstrip() for name, value in rows]
    for name, findings in _findings(result):
        lines += [f"\n{name}:", *(f"  {word}" for word in findings[:_MOST])]
        if len(findings) > _MOST:
            lines.append(f"  and {len(findings) - _MOST} more")
    lines.append(f"\n{'GOOD' if result.good else 'BAD'} (seed {result.stage.plan.seed})")
    return "\n".join(lines)


def _rows(result: Result) -> Iterator[tuple[str, str]]:
    stage, verdict = result.stage, result.verdict
    counts, told = stage.counts, verdict.counts
    yield "seed", str(stage.plan.seed)
    yield "duration", f"{result.seconds:.0f} s"
    yield (
        "kills (SIGKILL)",
        f"{counts['kills']}, of these and SIGTERMs {counts['deaths in flight']} with a send in flight",
    )
    for name in ("SIGTERM", "SIGSTOP", "starts", "starts given up (disk, lock)", "two at once", "ended by itself"):
        yield name, str(counts[name])
    yield "reloads", f"{counts['reloads']} good, {counts['reloads of a bad configuration']} bad"
    yield "commands", _listed(counts, "command ")
    yield "endpoint", _listed(counts, "endpoint ")
    yield "in AWS's place", _listed(counts, "gateway ")
    yield "in other services' place", _listed(counts, "stranger ")
    asked = Counter(one.fault.partition(":")[0] for one in (*stage.services.asked, *stage.front.asked))
    yield "of their requests spoilt", ", ".join(f"{name} {count}" for name, count in sorted(asked.items())) or "none"
    looks = result.evidence.looks
    yield "requests", f"{len(looks)}, {sum(bool(look.fault) for look in looks)} of them spoilt"
    yield "receivers", _listed(counts, "receiver ")
    machine = (
        "disk full",
        "file size limited",
        "clock moved",
        "database locked",
        "database locked, longer than is waited",
    )
    yield "machine", ", ".join(f"{name} {counts[name]}" for name in machine)
    yield (
        "jobs",
        f"{len(result.evidence.histories)}, {told['eras']} eras, {told['seen']} seen for certain, {told['told']} told",
    )
    yield "events", str(told["events"])
    yield (
        "deliveries",
        f"{told['deliveries']} in {sum(inbox.tries for inbox in stage.inboxes.values())} tries, {told['late']} late",
    )
    yield "lost", str(len(verdict.lost))
    yield "reordered", str(len(verdict.reordered))
    yield "phantom", str(len(verdict.phantoms))
    repeats = verdict.duplicates
    yield (
        "duplicated",
        f"{repeats.all}, all marked: {repeats.after_death} after a death in flight, {repeats.after_doubt} after an open"
        f" outcome, {repeats.after_trouble} in other trouble"
        if not repeats.wrong
        else f"{repeats.all}, of which {len(repeats.wrong)} without a mark or a reason",
    )
    yield "longest blindness", f"{longest_blindness(result.evidence):.1f} s"
    yield "COULD NOT BE DONE", "; ".join(stage.notes) or "nothing"


def longest_blindness(evidence: Evidence) -> float:
    """Return the longest time, in seconds, in which a region with jobs gave no good answer."""
    longest = 0.0
    for region in {history.region for history in evidence.histories}:
        ends = [history.eras[-1].begins for history in evidence.histories if history.region == region]
        good = sorted(look.at for look in evidence.looks if look.region == region and not look.fault)
        gaps = [min(later, max(ends)) - earlier for earlier, later in pairwise(good)]
        longest = max([longest, *gaps])
    return longest


def _findings(result: Result) -> Iterator[tuple[str, tuple[str, ...]]]:
    verdict = result.verdict
    for name, words in (
        ("LOST", verdict.lost),
        ("REORDERED", verdict.reordered),
        ("PHANTOM", verdict.phantoms),
        ("DUPLICATED", verdict.duplicates.wrong),
        ("BUGS", tuple(result.stage.bugs)),
    ):
        if words:
            yield name, words


def _listed(counts: dict[str, int], prefix: str) -> str:
    found = {name.removeprefix(prefix): count for name, count in sorted(counts.items()) if name.startswith(prefix)}
    return ", ".join(f"{name} {count}" for name, count in found.items()) or "none"
