"""What went wrong with bedrock-watch itself, as ``status`` shows it: gaps, crashes, quarantined inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from watcher import crashes
from watcher.cli import values
from watcher.cli.quarantine import document
from watcher.cli.words import Cell, ago, plain, span

if TYPE_CHECKING:
    from watcher.cli.context import Context
    from watcher.crashes import CrashLog
    from watcher.model import Gap
    from watcher.store import Store
    from watcher.store.quarantine import Quarantined

_DAY = 86_400.0

SHOWN = 7 * _DAY
"""Seconds for which ``status`` shows a gap."""


@dataclass(frozen=True, slots=True)
class Incidents:
    """The crashes so far, the last gaps (newest first), and what is in quarantine."""

    crashes: CrashLog
    gaps: Sequence[Gap]
    quarantined: Sequence[Quarantined]

    def lines(self, now: float) -> Iterator[tuple[str, Cell]]:
        """Yield each as a line with its heading, the remedy below it."""
        for gap in self.gaps:
            length = (gap.ended_at - gap.began_at).total_seconds()
            words = f"for {span(length)}, until {ago(gap.ended_at.timestamp(), now)} ({plain(gap.cause)})"
            yield "not monitored", (words, "yellow")
        if self.crashes.total:
            yield "crashes", self._crashes(now)
        for one in self.quarantined:
            yield "quarantined", (plain(f"{one.name}: {one.title}, since {ago(one.since, now)}: {one.error}"), "red")
            yield "", plain(f"try it again: bedrock-watch quarantine retry {one.name}")

    def document(self, now: float) -> dict[str, Any]:
        """Return them as members of the JSON document."""
        from watcher.render.payload import change

        last = self.crashes.crashes[-1] if self.crashes.crashes else None
        told = last and {
            "at": values.at(last.at),
            "error": last.error,
            "doing": last.doing,
            "version": last.version,
        }
        return {
            "gaps": [change(gap) for gap in self.gaps],
            "crashes": {"total": self.crashes.total, "within_a_day": self._recent(now), "last": told},
            "quarantined": [document(one) for one in self.quarantined],
        }

    def _recent(self, now: float) -> int:
        return sum(0 <= now - one.at < _DAY for one in self.crashes.crashes)

    def _crashes(self, now: float) -> Cell:
        """Return the number of crashes and the cause of the latest one; red if it was within a day."""
        words = f"{self.crashes.total} in all"
        if not self.crashes.crashes:
            return words
        last, recent = self.crashes.crashes[-1], self._recent(now)
        words += f", {recent} within a day, the last {ago(last.at, now)}"
        words += f" while {last.doing}: {last.error}" if last.doing else f": {last.error}"
        return (plain(words), "red") if recent else plain(words)


def incidents_of(context: Context, store: Store, now: float) -> Incidents:
    """Return the incidents to show at *now* (epoch seconds)."""
    return Incidents(crashes.read(context.state_dir), store.own.gaps(now - SHOWN), store.quarantine.listed())
