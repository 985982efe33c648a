"""One round of all checks, with a bound in time.

Not its business: on whose behalf (``daemon``, ``cli``), and which places and jobs there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio import to_thread

from watcher.bedrock.client import Keys, Settings
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.redact import redacted
from watcher.config import Config, Mistake
from watcher.doctor import aws, channels, configuration, database, files, queues
from watcher.doctor.aws import Place
from watcher.doctor.finding import Finding, Grade
from watcher.doctor.queues import Box
from watcher.errors import ExitCode

LONGEST = 50.0
"""Seconds after which what has no answer yet is given up."""


TOGETHER = 16
"""Checks that run at once."""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined: the configuration in use, its database, and where AWS is asked, which queues, and how.

    *written* is the configuration as it is in its file now, with its *mistakes*: it may not be in use yet, or never.
    """

    config: Config
    written: Config
    mistakes: tuple[Mistake, ...]
    database: Path
    places: Sequence[Place]
    boxes: Sequence[Box]
    settings: Settings


@dataclass(frozen=True, slots=True)
class _Check:
    """A check by its name and subject, for when it has no answer in time; *code* is that failure's."""

    name: str
    subject: str
    run: Callable[[], AsyncIterator[Finding]]
    code: int = ExitCode.FAILED


_REMEDY = "check AWS's settings (environment, ~/.aws/config), endpoint_url, and any proxy"


async def examine(patient: Patient) -> list[Finding]:
    """Run every check, many at once; return their findings in the order of the checks."""
    keys = {place.whose: Keys(place.whose, patient.settings) for place in patient.places}
    checks = [*_here(patient), *_of_aws(patient, keys), *_of_channels(patient)]
    found: list[list[Finding]] = [[] for _ in checks]
    together = anyio.CapacityLimiter(TOGETHER)

    async def run(number: int, check: _Check) -> None:
        with anyio.move_on_after(LONGEST) as scope:
            async with together:
                try:
                    async for finding in check.run():
                        found[number].append(finding)
                except Exception as error:  # noqa: BLE001 - the SDK fails in as many ways as there are answers
                    what = f"the check failed: {type(error).__name__}: {redacted(str(error))[:300]}"
                    found[number].append(Finding(check.name, check.subject, Grade.FAIL, what, _REMEDY, check.code))
        if scope.cancelled_caught:
            what = f"no answer within {LONGEST:g} s"
            found[number].append(
                Finding(check.name, check.subject, Grade.FAIL, what, "check the network, and any proxy", check.code)
            )

    try:
        async with anyio.create_task_group() as tasks:
            for number, check in enumerate(checks):
                tasks.start_soon(run, number, check)
    finally:
        with anyio.move_on_after(5.0, shield=True):
            for one in keys.values():
                await one.close()
    return list(dict.fromkeys(finding for each in found for finding in each))


def _here(patient: Patient) -> list[_Check]:
    config = patient.config
    return [
        _Check(
            configuration.CHECK,
            str(config.path),
            lambda: _threaded(lambda: configuration.check_configuration(patient.written, patient.mistakes)),
        ),
        _Check(
            files.CHECK,
            str(config.state_dir),
            lambda: _threaded(lambda: files.check_files(config, patient.written)),
        ),
        _Check(
            database.CHECK,
            str(patient.database),
            lambda: _threaded(lambda: database.check_database(patient.database, thorough=False)),
        ),
    ]


def _of_aws(patient: Patient, keys: Mapping[Credentials, Keys]) -> list[_Check]:
    places: dict[Credentials, list[Place]] = defaultdict(list)
    for place in patient.places:
        places[place.whose].append(place)
    checks = []
    for whose, theirs in places.items():
        accounts = frozenset(place.account for place in theirs if place.account)
        checks.append(_identity(keys[whose], theirs[0].region, accounts))
    regions = {place.region: place.whose for place in reversed(patient.places)}
    checks += [_region(keys[whose], region) for region, whose in sorted(regions.items())]
    checks += [_permissions(keys[place.whose], place) for place in patient.places]
    return checks + [_queue(box, patient.settings) for box in patient.boxes]


def _identity(keys: Keys, region: str, accounts: frozenset[str]) -> _Check:
    subject = f"identity of {keys.whose.who}"
    return _Check(aws.CHECK, subject, lambda: aws.check_identity(keys, region, accounts), ExitCode.AWS_REFUSED)


def _region(keys: Keys, region: str) -> _Check:
    return _Check(aws.CHECK, region, lambda: aws.check_region(keys, region), ExitCode.AWS_REFUSED)


def _permissions(keys: Keys, place: Place) -> _Check:
    return _Check(aws.CHECK, place.title, lambda: aws.check_permissions(keys, place), ExitCode.AWS_REFUSED)


def _queue(box: Box, settings: Settings) -> _Check:
    return _Check(queues.CHECK, box.title, lambda: queues.check_queue(box, settings), ExitCode.AWS_REFUSED)


def _of_channels(patient: Patient) -> list[_Check]:
    def reach(number: int) -> Callable[[], AsyncIterator[Finding]]:
        channel = patient.config.channels[number]
        return lambda: _threaded(lambda: filter(None, [channels.check_channel_reachable(channel)]))

    return [
        _Check(channels.CHECK, channel.name, reach(number), ExitCode.DELIVERY_FAILED)
        for number, channel in enumerate(patient.config.channels)
    ]


async def _threaded(check: Callable[[], Iterable[Finding]]) -> AsyncIterator[Finding]:
    """Run a check that blocks in a thread, which is left behind when it takes too long."""
    for finding in await to_thread.run_sync(lambda: list(check()), abandon_on_cancel=True):
        yield finding
