"""What a start does about earlier crashes: count them, quarantine their cause, and alert people first.

The third crash within ten minutes, or the third with the same input within a day, is an event; the inputs are put into
quarantine in the same transaction.  Not its business: recording a crash (``crashes``), releasing an input (``store``).
"""

from __future__ import annotations

from collections.abc import Sequence

from watcher import __version__, clock, crashes
from watcher.clock import utc
from watcher.crashes import Crash
from watcher.daemon.parts import Parts
from watcher.model import Crash as CrashReported
from watcher.store import damage
from watcher.store.quarantine import KINDS, ROW, Quarantined

TOO_MANY = 3
"""Number of crashes that triggers an event."""

WINDOW, SAME_INPUT = 600.0, 86_400.0
"""Time windows in seconds: for any crashes, and for crashes with the same input."""


async def report_crashes(parts: Parts) -> bool:
    """Report crashes since the last report if there are too many; return whether there is an event to send."""
    quarantine = parts.store.quarantine
    released = await parts.transact(quarantine.retry_all_but, __version__, clock.now())
    for one in released:
        parts.log.info("quarantine_released", input=one.name, title=one.title, reason="another version runs")
    log = crashes.read(parts.config.state_dir)
    fresh = _since(log.crashes, await parts.transact(quarantine.reported))
    counted = too_many(fresh)
    if not counted:
        return False
    last, now = counted[-1], clock.now()
    inputs = inputs_of(counted, now)
    event = CrashReported(
        count=len(counted),
        doing=last.doing,
        error=last.error,
        quarantined=", ".join(one.title for one in inputs),
        since_at=utc(counted[0].at),
    )
    channels = [channel.name for channel in parts.config.channels if "crash" in channel.on]
    await parts.transact(quarantine.report, last.id, event, inputs, channels, now)
    for one in inputs:
        remedy = f"try it again: bedrock-watch quarantine retry {one.name}"
        parts.log.error("quarantined", input=one.name, title=one.title, error=one.error, remedy=remedy)
    parts.log.error("crashed_repeatedly", count=len(counted), error=last.error, doing=last.doing or "not known")
    return bool(channels)


async def set_damage_aside(parts: Parts, known: set[str]) -> None:
    """Log database rows that could not be read, and add them to the quarantine.

    *known* are those that are listed already: a row is named once.
    """
    fresh = {row: why for row, why in damage.drain().items() if row not in known}
    if not fresh:
        return
    now = clock.now()
    known.update(fresh)
    for row, why in fresh.items():
        parts.log.error("row_unreadable", row=row, error=why, remedy="restore a backup, or mend the row")
    rows = [Quarantined(ROW, row, f"row {row}", why, now, __version__) for row, why in fresh.items()]
    await parts.transact(parts.store.quarantine.put, rows, now)


def too_many(fresh: Sequence[Crash]) -> Sequence[Crash]:
    """Return the crashes that make an event, oldest first; none when there are not enough of them."""
    if not fresh:
        return ()
    last = fresh[-1]
    recent = [one for one in fresh if 0 <= last.at - one.at <= WINDOW]
    if len(recent) >= TOO_MANY:
        return recent
    same = [one for one in fresh if 0 <= last.at - one.at <= SAME_INPUT and _inputs(one) & _inputs(last)]
    return same if len(same) >= TOO_MANY else ()


def inputs_of(counted: Sequence[Crash], now: float) -> list[Quarantined]:
    """Return the inputs that caused these crashes of this version, each once."""
    found = {
        (cause.kind, cause.key): Quarantined(cause.kind, cause.key, cause.title, crash.error, now, __version__)
        for crash in counted
        if crash.version == __version__
        for cause in crash.causes
        if cause.kind in KINDS and cause.key
    }
    return list(found.values())


def _since(listed: Sequence[Crash], reported: str) -> Sequence[Crash]:
    places = [place for place, one in enumerate(listed) if one.id == reported]
    return listed[places[-1] + 1 :] if places else listed


def _inputs(crash: Crash) -> set[tuple[str, str]]:
    return {(cause.kind, cause.key) for cause in crash.causes if cause.kind}
