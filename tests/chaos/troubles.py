"""What goes wrong around the daemon: at the endpoint, at the receivers, and in the machine."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from contextlib import closing

from chaos.front import WRONG_NAME
from chaos.gateway import KINDS
from chaos.inboxes import Mood
from chaos.lives import limit
from chaos.plan import Trouble
from chaos.stage import Stage
from watcher.simulator import Fault, Kind

_CHUNK = 1 << 16


def faults(stage: Stage) -> None:
    """Let the endpoint suffer until the run is over."""
    for trouble in stage.plan.faults():
        if stage.over.wait(trouble.pause):
            return
        if trouble.what in KINDS:
            _stand_in(stage, trouble)
            continue
        fault = _fault(stage, trouble)
        if fault is None:
            continue
        stage.simulator.inject(fault)
        stage.counts[f"endpoint {trouble.what}"] += 1
        stage.over.wait(trouble.seconds)
        if trouble.what == "not_found":
            # Whoever reads that a job was lost sight of asks for it.
            stage.insist("add", stage.arn(fault.job), "--no-wait")


def strangers(stage: Stage) -> None:
    """Let others answer in place of AWS's other services, or of Bedrock's host, until the run is over."""
    for trouble in stage.plan.strangers():
        if stage.over.wait(trouble.pause):
            return
        if trouble.whom == WRONG_NAME:
            stage.front.show(bad=True)
            stage.over.wait(trouble.seconds)
            stage.front.show(bad=False)
            stage.counts[f"gateway {WRONG_NAME}"] += 1
            continue
        stage.services.obstruct(trouble.whom, trouble.what, trouble.seconds)
        stage.over.wait(trouble.seconds)
        stage.counts[f"stranger {trouble.whom}: {trouble.what}"] += 1


def moods(stage: Stage, channel: str) -> None:
    """Let one receiver have its moods until the run is over."""
    inbox = stage.inboxes[channel]
    for trouble in stage.plan.moods(channel):
        if stage.over.wait(trouble.pause):
            return
        mood = Mood(trouble.what)
        with stage.span(mood, channel):
            inbox.mood = mood
            if mood is Mood.DOWN:
                inbox.down()
            stage.over.wait(trouble.seconds)
            if mood is Mood.DOWN:
                inbox.up()
            inbox.mood = Mood.WELL
        stage.counts[f"receiver {mood}"] += 1


def machine(stage: Stage) -> None:
    """Let the disk, the lock and the clock go wrong until the run is over."""
    happens = {"disk": _full, "limit": _limited, "lock": _locked, "clock": _clock_off}
    for trouble in stage.plan.machine():
        if stage.over.wait(trouble.pause):
            return
        if trouble.what == "disk" and not stage.small_disk:
            continue
        happens[trouble.what](stage, trouble)


def _stand_in(stage: Stage, trouble: Trouble) -> None:
    """Let somebody else answer in AWS's place, for a while."""
    stage.simulator.obstruct(trouble.what, region=trouble.whom, operation=trouble.side, seconds=trouble.seconds)
    stage.counts[f"gateway {trouble.what}"] += 1
    stage.over.wait(trouble.seconds)


def _fault(stage: Stage, trouble: Trouble) -> Fault | None:
    kind, seconds = Kind(trouble.what), trouble.seconds
    if kind is not Kind.NOT_FOUND:
        return Fault(
            kind=kind,
            operation="List" if trouble.side == "List" else "Get" if trouble.side == "Get" else "both",
            region=trouble.whom,
            seconds=seconds,
            delay=0.7,
        )
    jobs = stage.running()
    if not jobs:
        return None
    return Fault(kind=kind, operation="Get", job=random.Random(seconds).choice(jobs), seconds=seconds)


def _full(stage: Stage, trouble: Trouble) -> None:
    """Fill the small disk to its last byte, for a while."""
    ballast = stage.home.state / "ballast"
    with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(stage.home.database, timeout=1)) as connection:
        # What is written next must need room: the log of the database is made to begin anew.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with stage.span("disk"):
        try:
            with ballast.open("wb", buffering=0) as opened, contextlib.suppress(OSError):
                while opened.write(bytes(_CHUNK)):
                    pass
            stage.over.wait(trouble.seconds)
        finally:
            ballast.unlink()
    stage.counts["disk full"] += 1


def _limited(stage: Stage, trouble: Trouble) -> None:
    """Let no file of the daemon grow, by RLIMIT_FSIZE, for a while."""
    with stage.span("disk"):
        stage.limited = True
        limit(stage, stage.daemon)
        stage.over.wait(trouble.seconds)
        stage.limited = False
        limit(stage, stage.daemon)
    stage.counts["file size limited"] += 1


def _locked(stage: Stage, trouble: Trouble) -> None:
    """Hold the database's write lock in another process's stead, for a while."""
    if not stage.home.database.exists():
        return
    with closing(sqlite3.connect(stage.home.database, timeout=5, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            return
        with stage.span("lock"):
            stage.over.wait(trouble.seconds)
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
    stage.counts["database locked, longer than is waited" if trouble.seconds > 10 else "database locked"] += 1


def _clock_off(stage: Stage, trouble: Trouble) -> None:
    """Move the daemon's clock, and after a while move it back."""
    stage.clock.add(float(trouble.side))
    with stage.span("clock", trouble.side):
        stage.home.move_clock(float(trouble.side))
        stage.over.wait(trouble.seconds)
        stage.home.move_clock(0.0)
    stage.counts["clock moved"] += 2


def calm(stage: Stage) -> None:
    """Have everything well again, for good."""
    stage.simulator.clear()
    stage.services.clear()
    stage.front.show(bad=False)
    stage.limited = False
    stage.home.move_clock(0.0)
    for inbox in stage.inboxes.values():
        inbox.up()
        inbox.mood = Mood.WELL
    time.sleep(0.2)
