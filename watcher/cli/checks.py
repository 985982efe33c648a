"""Of which jobs nobody would be told, which profiles are not here, and which rules name what AWS does not know.

As far as a configuration alone can say.

Not its business: what else is wrong with it (``doctor.choices``), and the jobs of the database (``routes``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from watcher.config import ChannelConfig, Config, JobConfig
from watcher.config.reader import suggest
from watcher.errors import LookError


def unknown_profiles(settings: Config) -> Iterator[str]:
    """Yield a warning for each account whose AWS profile this user does not have; the user of a service may."""
    named = {one.id: one.profile or one.source_profile for one in settings.accounts}
    if not any(named.values()):
        return
    # Here, not above: only a configuration with such accounts pays for AWS's SDK.
    from watcher.bedrock.client import profiles

    try:
        known = profiles()
    except LookError as error:
        yield f"not checkable here: the accounts' profiles: {error.what}"
        return
    for account, profile in named.items():
        if profile and profile not in known:
            yield f'not checkable here: account {account}: you have no AWS profile "{profile}"; the daemon\'s user must'


def unknown_rules(settings: Config) -> Iterator[str]:
    """Yield a warning for each word of a rule that no AWS job has."""
    for rule in settings.rules:
        yield from unknown_words(f'rule "{rule.name}"', rule.kinds, rule.status, rule.customization_types)


def unknown_words(
    where: str, kinds: Iterable[str], statuses: Sequence[str], types: Sequence[str] = ()
) -> Iterator[str]:
    """Yield a warning for each status and type that no job of *kinds* is known to have: AWS may have added it since."""
    if not (statuses or types):
        return
    from watcher.bedrock.customization import TYPES
    from watcher.bedrock.kinds import KINDS

    of_kinds = sorted({word for kind in kinds for word in KINDS[kind].outcomes})
    for key, given, known in (("status", statuses, of_kinds), ("customization type", types, sorted(TYPES))):
        for word in given:
            if word not in known:
                hint = suggest(word, known) or f"known are {', '.join(known)}"
                yield f'{where}: no job of these kinds is known to have the {key} "{word}": {hint}'


def untold_jobs(settings: Config) -> Iterator[str]:
    """Yield a warning for each job that no channel would tell of, or one when there is no channel at all."""
    if not settings.channels:
        yield "no channel is configured: nobody will be told anything; add a [[channel]]"
        return
    for job in settings.jobs:
        if reasons := _why_untold(settings.channels, job):
            yield f'job "{job.label or job.id}": no channel would tell of it: {reasons}'


def _why_untold(channels: Sequence[ChannelConfig], job: JobConfig) -> str:
    """Return why none of *channels* would tell of *job*; empty when one would, or may.

    What only AWS can say is not held against it: the account of a job given by name, the name of one given by ARN.
    """
    from watcher.cli.routes import untold
    from watcher.model import JobArn, parse_identifier
    from watcher.policy import Traits

    arn = parse_identifier(job.id, job.kind)
    account = arn.account if isinstance(arn, JobArn) else ""
    unknown = ["names" if account else "accounts"] + ([] if job.region else ["regions"])
    names = tuple(filter(None, (job.label, job.id)))
    return untold(channels, Traits(job.tags, account, job.region or "", names), unknown)
