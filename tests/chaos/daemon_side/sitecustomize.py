"""Inside the daemon's process: a clock that the harness moves, and, to prove the judge, a daemon that is broken.

Python imports a module of this name at its start.  The product has no hook for either, and is to have none.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watcher.model import Verdict


def _move_clock(file: Path) -> None:
    """Add the seconds in *file* (a double) to the wall clock, whatever they are at the moment."""
    with file.open("rb") as opened:
        offset = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    real = time.time
    time.time = lambda: real() + float(struct.unpack("d", offset)[0])


def _mark_first() -> None:
    """Mark each message as sent before it is sent: what is in flight when the process dies is lost."""
    from watcher import deliver  # noqa: PLC0415
    from watcher.model import Sent  # noqa: PLC0415

    send = deliver.Lane._send

    async def marked(lane: deliver.Lane, letter: deliver.Letter) -> Verdict:
        now = lane._now()
        await lane._transact(lane._queue.sent, letter.claim.deliveries, Sent(), now, now, False)
        return await send(lane, letter)

    deliver.Lane._send = marked  # type: ignore[assignment,method-assign]


def _never_doubt() -> None:
    """Take what was in flight at a crash for unsent: it is repeated without a word."""
    from watcher.store import outbox  # noqa: PLC0415

    def recover(self: outbox.Outbox, now: float) -> int:
        with self._db.transaction() as sql:
            return sql.execute(
                "UPDATE deliveries SET state = 'pending', next_attempt_at = ? WHERE state = 'sending'", (now,)
            ).rowcount

    outbox.Outbox.recover = recover  # type: ignore[method-assign]


def _overtake() -> None:
    """Let newer news of a job go while older news of it waits for another try."""
    from watcher.store import heads  # noqa: PLC0415

    heads._HEADS = heads._HEADS.replace(heads._IS_HEAD, "1")


BREAKS = {"mark-first": _mark_first, "never-doubt": _never_doubt, "overtake": _overtake}
"""Ways to break the daemon that the judge must find out."""

if "CHAOS_CLOCK" in os.environ:
    _move_clock(Path(os.environ["CHAOS_CLOCK"]))
if os.environ.get("CHAOS_BREAK"):
    BREAKS[os.environ["CHAOS_BREAK"]]()
