"""What people ask of the daemon through the database: a doctor's round with the service's own identity.

Not its business: the checks (``doctor``), and the rows (``store.requests``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from watcher import clock, files, presence
from watcher.bedrock.client import profile_region
from watcher.bedrock.kinds import KINDS
from watcher.config import Config, Mistake, examine
from watcher.daemon.parts import Parts
from watcher.daemon.watch import account_of, credentials_of, rules_of, settings_of
from watcher.doctor.aws import Place
from watcher.doctor.rounds import Patient
from watcher.doctor.rounds import examine as make_round
from watcher.errors import LookError
from watcher.loop import Bell
from watcher.model import CUSTOMIZATION, Job

DOCTOR = "doctor"

LIMIT = 120.0
"""Seconds that an errand may take before the loop is called late; a round has its own, shorter bound."""

_BEST_FIRST = ("running", "closing", "ended", "new", "vanished")


class Errands:
    """Answers one request after the other; a ring of the *bell* says that there may be one."""

    def __init__(self, parts: Parts) -> None:
        self.bell = Bell()
        self._parts = parts

    async def turn(self) -> float | None:
        """Answer the oldest request; return None: the bell rings for the next one."""
        parts = self._parts
        request = await parts.transact(parts.store.requests.take, clock.now())
        if request is None:
            return None
        try:
            answer = await self._answer(request.what)
        except Exception as error:  # noqa: BLE001 - a bug of the doctor's must not end the watch: whoever asked is told
            parts.log.error("errand_failed", errand=request.what, error=repr(error))
            answer = {"error": f"{type(error).__name__}: {error}"}
        await parts.transact(parts.store.requests.answer, request.id, answer, clock.now())
        return clock.now()

    async def _answer(self, what: str) -> dict[str, Any]:
        if what != DOCTOR:
            return {"error": f"this daemon knows no errand {what!r}"}
        parts = self._parts
        # As it is read now: what somebody has changed since is looked at before a reload does.
        path = parts.config.path
        written, mistakes = examine(str(path)) if path else (parts.config, ())
        jobs = await parts.transact(lambda: parts.store.jobs.listed(every=True))
        findings = await make_round(patient_of(parts.config, written, mistakes, jobs))
        return {"by": whoami(), "findings": [finding.dump() for finding in findings]}


def whoami() -> dict[str, Any]:
    """Return who runs this process."""
    return {"pid": os.getpid(), "user": files.me()}


def patient_of(config: Config, written: Config, mistakes: tuple[Mistake, ...], jobs: Sequence[Job]) -> Patient:
    """Return what a doctor looks at, when *jobs* are watched."""
    return Patient(
        config,
        written,
        mistakes,
        presence.database(config.state_dir),
        list(places_of(config, jobs)),
        settings_of(config),
    )


def places_of(config: Config, jobs: Sequence[Job]) -> Iterable[Place]:
    """Return where AWS is asked for *jobs*, each place with one of them, and by rules; else where it would be asked."""
    places: dict[tuple[Any, ...], Place] = {}
    for job in sorted(jobs, key=lambda one: _BEST_FIRST.index(one.state)):
        account = account_of(job)
        whose = credentials_of(config, account, job.profile)
        place = Place(whose, job.region, KINDS[job.kind], account, job.identifier)
        places.setdefault((whose, job.region, job.kind, account), place)
    for rule in rules_of(config):
        whose = credentials_of(config, rule.account, "")
        place = Place(whose, rule.region, KINDS[rule.kind], rule.account)
        places.setdefault((whose, rule.region, rule.kind, rule.account), place)
    if not places and (region := config.aws.region or _region_of(config)):
        place = Place(credentials_of(config, "", ""), region, KINDS[CUSTOMIZATION])
        places[(region,)] = place
    return places.values()


def _region_of(config: Config) -> str:
    try:
        return profile_region(config.aws.profile or "")
    except LookError:
        return ""  # the profile is told of by what uses it
