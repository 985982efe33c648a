"""What is going to happen, from a seed: the same seed makes the same plan.

When exactly each thing happens to a process is the machine's affair; so a plan is reproduced, and a race is not.
Not its business: carrying any of it out (``arena``, ``lives``, ``troubles``, ``people``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from chaos.front import WRONG_NAME
from chaos.gateway import KINDS, LIST_ONLY
from chaos.histories import REGIONS, life
from chaos.inboxes import COMMON, OF_SLACK, OF_THE_WEB
from chaos.services import SERVICES, STRANGERS
from watcher.simulator import Script

CHANNELS = ("hook", "mail", "slack")
"""Those that are there all the time; ``extra`` comes and goes with the configuration."""

EXTRA = "extra"

MOODS = {"mail": COMMON, "slack": OF_SLACK}
"""How a receiver may behave, by its channel; else as one that speaks HTTP."""

FAULTS = (
    "throttled",
    "internal",
    "unavailable",
    "hang",
    "reset",
    "slow",
    "html_ok",
    "html_bad_gateway",
    "malformed",
    "truncated",
    "wrong_type",
    "wrong_status",
    "denied",
    "expired_token",
    "stale",
    "missing",
    "duplicated",
    "not_found",
    *KINDS,
)
"""What the endpoint suffers from, by the simulator's names and the gateway's."""

_LIST_ONLY = LIST_ONLY | {"missing", "duplicated"}


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it: at least so many kills and seconds, so many jobs, and how long these live at most."""

    kills: int
    seconds: float
    jobs: int
    longest: float


FULL = Size(kills=200, seconds=600, jobs=72, longest=150)
SHORT = Size(kills=20, seconds=0, jobs=14, longest=60)


@dataclass(frozen=True, slots=True)
class Birth:
    """A job that begins when *after* kills are done, and who tells the daemon: the command line or a reload."""

    script: Script
    after: int
    configured: bool


@dataclass(frozen=True, slots=True)
class Death:
    """How one daemon lives and ends: *seconds* from its start (*early*), or from when it is ready.

    With *in_flight* it ends as soon as a receiver has a message in its hands, within those seconds.  *stopped*: how
    long it stands still (SIGSTOP) before.  *twin*: a second daemon is started beside it, or together with it.
    """

    seconds: float
    early: bool
    in_flight: bool
    signal: str
    stopped: float
    twin: str
    reload: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """After *pause* seconds, something is so for *seconds*: *what*, to *whom*, and on which *side* of it."""

    pause: float
    what: str
    whom: str = ""
    side: str = ""
    seconds: float = 0.0


class Plan:
    """Everything that happens, by one seed.  The iterators never end; the arena takes what it needs."""

    def __init__(self, seed: int, size: Size) -> None:
        self.seed, self.size = seed, size
        luck = self._luck("jobs")
        names = [f"job-{number:03}" for number in range(1, size.jobs + 1)]
        self.births = [
            Birth(
                life(name, luck, luck.uniform(size.longest / 4, size.longest)),
                round(0.85 * size.kills * (number / size.jobs) ** 1.2),
                luck.random() < 0.2,
            )
            for number, name in enumerate(names)
        ]

    def deaths(self) -> Iterator[Death]:
        """Yield the daemon's lives; four of five end by SIGKILL."""
        luck = self._luck("deaths")
        while True:
            early = luck.random() < 0.2
            calm = luck.random() < 0.03
            yield Death(
                seconds=luck.uniform(15, 25) if calm else luck.uniform(0.0, 1.5 if early else 3.2),
                early=early,
                in_flight=not early and luck.random() < 0.4,
                signal="SIGTERM" if luck.random() < 0.08 else "SIGKILL",
                stopped=luck.uniform(0.3, 3.0) if not early and luck.random() < 0.1 else 0.0,
                twin=luck.choice(("second", "together")) if luck.random() < 0.06 else "",
                reload=luck.choice(("good", "channel", "bad")) if not early and luck.random() < 0.3 else "",
            )

    def faults(self) -> Iterator[Trouble]:
        """Yield what goes wrong at the endpoint; now and then for long enough to be told of."""
        luck = self._luck("faults")
        while True:
            what = luck.choice(FAULTS)
            long = luck.random() < 0.06 and what not in _LIST_ONLY | {"slow", "stale"}
            yield Trouble(
                pause=luck.uniform(0.5, 6.0),
                what=what,
                whom=luck.choice(REGIONS) if luck.random() < 0.7 else "",
                side="List"
                if what in _LIST_ONLY
                else "Get"
                if what == "not_found"
                else luck.choice(("Get", "List", "both")),
                seconds=luck.uniform(9, 14) if long else luck.uniform(0.4, 4.0),
            )

    def strangers(self) -> Iterator[Trouble]:
        """Yield who stands in the place of one of AWS's other services, or shows another host's certificate."""
        luck = self._luck("strangers")
        while True:
            whom = luck.choice((*SERVICES, WRONG_NAME))
            yield Trouble(luck.uniform(2.0, 10.0), luck.choice(STRANGERS), whom, seconds=luck.uniform(1.0, 6.0))

    def moods(self, channel: str) -> Iterator[Trouble]:
        """Yield what goes wrong at one receiver; now and then for longer than a send's patience."""
        luck = self._luck(f"moods of {channel}")
        while True:
            seconds = luck.uniform(16, 19) if luck.random() < 0.03 else luck.uniform(0.5, 6.0)
            yield Trouble(luck.uniform(1.0, 7.0), luck.choice(MOODS.get(channel, OF_THE_WEB)), channel, seconds=seconds)

    def machine(self) -> Iterator[Trouble]:
        """Yield what goes wrong with the disk, the database's lock and the clock."""
        luck = self._luck("machine")
        while True:
            what = luck.choice(("disk", "limit", "lock", "clock", "clock"))
            seconds = luck.uniform(2.0, 8.0)
            side = ""
            if what == "lock":
                seconds = luck.uniform(11.0, 13.0) if luck.random() < 0.15 else luck.uniform(0.5, 4.0)
            if what == "clock":
                side = str(luck.choice((-3600, -90, 90, 3600)))
            yield Trouble(luck.uniform(4.0, 12.0), what, side=side, seconds=seconds)

    def people(self) -> Iterator[Trouble]:
        """Yield what people ask of the command line, while all this goes on; *whom* is the job's place in the list."""
        luck = self._luck("people")
        words = (
            "add",
            "remove",
            "mute",
            "retry",
            "revive",
            "list",
            "status",
            "show",
            "events",
            "deliveries",
            "check",
            "stop",
        )
        while True:
            yield Trouble(
                luck.uniform(0.2, 3.0), luck.choice(words), str(luck.random()), seconds=luck.uniform(1.0, 8.0)
            )

    def _luck(self, what: str) -> random.Random:
        return random.Random(f"{self.seed}/{what}")
