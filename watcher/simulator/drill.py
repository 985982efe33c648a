"""What the jobs of a fire drill have in common: account, region, pace, tags, and ARNs that survive a restart.

In a drill AWS's clock is the real one, and a job's steps are shortened: a job is created when it begins, so a
discovery rule that lists new jobs by their creation time finds it.  Outside a drill a job is created in the past and
keeps its real duration (``timeline``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from watcher.errors import UsageError
from watcher.simulator.timeline import Script

TAGS: Final[Mapping[str, str]] = {"purpose": "fire-drill"}
"""AWS's own tags of every job of a drill; the drill's discovery rule matches by them."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One fire drill.  *speed* is how many times faster than in AWS a job runs; *seed* decides the ARNs."""

    seed: str = "drill"
    region: str = "us-east-1"
    account: str = "123456789012"
    speed: float = 60.0
    tags: Mapping[str, str] = field(default_factory=lambda: dict(TAGS))

    def __post_init__(self) -> None:
        if not self.speed >= 1:  # also refuses a NaN
            raise UsageError(f"speed = {self.speed:g} is too slow", "give 1 or more")

    @property
    def defaults(self) -> dict[str, Any]:
        """What a script of the drill has unless an order says otherwise (see ``scripts.Changes``)."""
        return {"region": self.region, "account": self.account, "speed": self.speed, "tags": self.tags}

    def job_id(self, script: Script, earlier: int) -> str:
        """Return the 12 characters that end the ARN; *earlier* counts the jobs of that kind and name before it."""
        words = (self.seed, script.kind, script.region, script.account, script.name, str(earlier))
        return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]


def shortened(script: Script) -> Script:
    """Return *script* with its steps as short as its speed makes them, by a clock that runs as the real one does."""
    phases = tuple(replace(phase, seconds=phase.seconds / script.speed) for phase in script.phases)
    return replace(script, phases=phases, speed=1.0)
