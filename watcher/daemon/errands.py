"""What people ask of the daemon through the database: a doctor's round with the service's own identity.

Not its business: the checks (``doctor``), and the rows (``store.requests``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from anyio import to_thread

from watcher import clock, files, presence
from watcher.bedrock.client import profile_region
from watcher.bedrock.kinds import KINDS
from watcher.config import Config, Mistake, examine
from watcher.daemon.chosen import account_of, credentials_of, keeper_of, rules_of, settings_of, wanted_jobs
from watcher.daemon.parts import Parts
from watcher.doctor.aws import Place
from watcher.doctor.queues import Box
from watcher.doctor.rounds import Patient
from watcher.doctor.rounds import examine as make_round
from watcher.errors import BadConfig, LookError
from watcher.loop import Bell
from watcher.model import CUSTOMIZATION, Job, JobArn

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
        jobs = await parts.transact(lambda: parts.store.jobs.listed(every=True))
        findings = await make_round(await to_thread.run_sync(_patient, parts.config, jobs))
        return {"by": whoami(), "findings": [finding.dump() for finding in findings]}


def whoami() -> dict[str, Any]:
    """Return who runs this process."""
    return {"pid": os.getpid(), "user": files.me()}


def _patient(config: Config, jobs: Sequence[Job]) -> Patient:
    """Return what the daemon looks at; blocks: files are read.

    The configuration as it is written now is looked at as well, before a reload does.
    """
    written, mistakes = examine(str(config.path)) if config.path else (config, ())
    return patient_of(config, written, mistakes, jobs)


def patient_of(config: Config, written: Config, mistakes: tuple[Mistake, ...], jobs: Sequence[Job]) -> Patient:
    """Return what a doctor looks at, when *jobs* are watched."""
    return Patient(
        config,
        written,
        mistakes,
        presence.database(config.state_dir),
        places_of(config, jobs),
        [Box(one.url, one.title, one.region, keeper_of(config, one)) for one in config.queues],
        settings_of(config),
    )


def places_of(config: Config, jobs: Sequence[Job]) -> list[Place]:
    """Return where AWS is asked for *jobs* and those of the configuration, each place with one of them, and by rules.

    Without any it is where AWS would be asked for a job given by name.
    """
    places: dict[tuple[Any, ...], Place] = {}
    best = sorted(jobs, key=lambda one: _BEST_FIRST.index(one.state))
    known = [(account_of(job), job.profile, job.region, job.kind, job.identifier) for job in best]
    for account, profile, region, kind, identifier in [*known, *_configured(config)]:
        place = Place(credentials_of(config, account, profile), region, KINDS[kind], account, identifier)
        places.setdefault((place.whose, region, kind, account), place)
    for rule in rules_of(config):
        place = Place(credentials_of(config, rule.account, ""), rule.region, KINDS[rule.kind], rule.account)
        places.setdefault((place.whose, rule.region, rule.kind, rule.account), place)
    if not places and (region := config.aws.region or _region_of(config)):
        return [Place(credentials_of(config, "", ""), region, KINDS[CUSTOMIZATION])]
    return list(places.values())


def _configured(config: Config) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield what ``places_of`` has to know of the jobs of a configuration, which the daemon may not have read yet."""
    try:
        wanted = wanted_jobs(config)
    except BadConfig:
        return  # a mistake, and told as such
    for job in wanted:
        account = job.identifier.account if isinstance(job.identifier, JobArn) else ""
        yield account, job.profile or "", job.region, job.kind, str(job.identifier)


def _region_of(config: Config) -> str:
    try:
        return profile_region(config.aws.profile or "")
    except LookError:
        return ""  # the profile is told of by what uses it
