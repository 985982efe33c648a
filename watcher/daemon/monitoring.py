"""Gaps in monitoring: from the last sign of life of an earlier process to this start, and while this one stood still.

The last sign of life is in the status file, which is written every few seconds; the database is not touched by an idle
daemon.  Time is measured by CLOCK_BOOTTIME, which counts while the machine sleeps and no step of the wall clock moves:
neither invents a gap, nor hides one.  Only over a restart of the machine the wall clock has to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import anyio

from watcher import clock, crashes
from watcher.clock import utc
from watcher.daemon.parts import Parts
from watcher.model import Gap, Posting

RECORDED = 10.0
"""Seconds; a shorter gap is about the pause between two polls, and is not an event."""

_EVERY = 1.0
_CRASHED_WITHIN = 15.0
"""Maximum seconds between a process's last sign of life and the crash that ended it."""

_LONGEST = 10 * 365 * 86_400.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Return the kernel's boot id (random(4)); empty if it cannot be read."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def boottime() -> float:
    """Return the seconds since the machine booted, including sleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def signs_of_life(ended: str) -> dict[str, Any]:
    """Return what the status file holds for the next process; *ended* is ``stopped`` when this is the last one."""
    return {"boot_id": boot_id(), "boottime": boottime(), "ended": ended}


@dataclass(frozen=True, slots=True)
class LastSign:
    """The last known sign of life of an earlier process."""

    written_at: float
    boottime: float
    boot_id: str
    ended: str

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> LastSign | None:
        """Return the sign of life in an untrusted status file; None if there is none."""
        written, booted = status.get("written_at"), status.get("boottime")
        if not _is_time(written) or not _is_time(booted):
            return None
        boot, ended = status.get("boot_id"), status.get("ended")
        return cls(float(written), float(booted), str(boot or ""), str(ended or ""))


def gap_since(last: LastSign, now: float, booted: float, boot: str, crashed_at: float) -> Gap | None:
    """Return the gap from *last* to *now*; None if no gap can be determined.

    *booted* and *boot* are this moment's ``boottime`` and ``boot_id``, *crashed_at* is when a process last crashed
    (epoch seconds; 0: never).
    """
    same_boot = bool(boot) and boot == last.boot_id
    seconds = booted - last.boottime if same_boot else now - last.written_at
    if not RECORDED <= seconds <= _LONGEST:
        return None
    cause = "rebooted"
    if same_boot or not boot:
        crashed = 0 <= crashed_at - last.written_at <= _CRASHED_WITHIN
        cause = "stopped" if last.ended == "stopped" else "crashed" if crashed else "killed"
    return Gap(utc(now - seconds), utc(now), cause)


class Continuity:
    """Detects gaps and records each as an event; calls *on_news* when there are messages to send."""

    def __init__(self, parts: Parts, on_news: Callable[[], None]) -> None:
        self._parts, self._on_news = parts, on_news

    async def begin(self, status: Mapping[str, Any]) -> None:
        """Record the gap since the process that wrote *status*, if there was one."""
        last = LastSign.of(status)
        if last is None:
            return
        recorded = crashes.read(self._parts.config.state_dir).crashes
        crashed_at = recorded[-1].at if recorded else 0.0
        gap = gap_since(last, clock.now(), boottime(), boot_id(), crashed_at)
        if gap is not None:
            await self._record(gap)

    async def watch(self) -> None:
        """Record each time for which this process stood still, until cancelled: the machine slept, or SIGSTOP."""
        before = boottime()
        while True:
            await anyio.sleep(_EVERY)
            now = boottime()
            stood_still, before = now - before - _EVERY, now
            if stood_still >= RECORDED:
                at = clock.now()
                await self._record(Gap(utc(at - stood_still), utc(at), "suspended"))
                before = boottime()

    async def _record(self, gap: Gap) -> None:
        parts, seconds = self._parts, (gap.ended_at - gap.began_at).total_seconds()
        told = seconds > parts.config.poll.blind_after
        postings = [Posting(one.name) for one in parts.config.channels if told and "gap" in one.on]
        parts.log.warning("monitoring_gap", seconds=round(seconds), cause=gap.cause, since=gap.began_at.isoformat())
        await parts.transact(parts.store.own.gap, gap, postings, clock.now())
        if postings:
            self._on_news()


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 250_000_000_000.0
