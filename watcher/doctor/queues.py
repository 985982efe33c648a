"""The queues of SQS that hint at jobs: whether they can be read, and their messages deleted.

Not its business: what a message says (``hints``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import anyio

from watcher.bedrock.credentials import Credentials
from watcher.bedrock.queue import DELETE, RECEIVE, Queue
from watcher.bedrock.settings import Settings
from watcher.doctor.aws import PATIENCE
from watcher.doctor.finding import Finding, Grade
from watcher.errors import ExitCode, LookError

CHECK = "queue"

_MEANWHILE = "; its jobs are looked at by polling alone"


@dataclass(frozen=True, slots=True)
class Box:
    """A queue by its URL, what people call it, and *whose* credentials it is read with."""

    url: str
    title: str
    region: str
    whose: Credentials


async def check_queue(box: Box, settings: Settings) -> AsyncIterator[Finding]:
    """Ask the queue what the watch asks it; no message is taken from it."""
    queue = Queue(box.url, box.region, box.whose, settings)
    try:
        with anyio.fail_after(PATIENCE):
            await queue.probe()
    except TimeoutError:
        what = f"no answer within {PATIENCE:g} s{_MEANWHILE}"
        yield Finding(CHECK, box.title, Grade.FAIL, what, "check the network, and any proxy", ExitCode.AWS_REFUSED)
    except LookError as error:
        what = f"{error.what}{_MEANWHILE}"
        yield Finding(CHECK, box.title, Grade.FAIL, what, error.remedy, ExitCode.AWS_REFUSED)
    else:
        yield Finding(CHECK, box.title, Grade.OK, f"allowed: {RECEIVE}, {DELETE}, with {box.whose.who}")
    finally:
        with anyio.move_on_after(2.0, shield=True):
            await queue.close()
