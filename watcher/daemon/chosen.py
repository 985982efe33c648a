"""What the configuration says, in the words of the parts that go by it.

Not its business: reading it (``config``), and who goes by it when (``watch``, ``reload``).
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from watcher.bedrock.client import Settings, profile_region
from watcher.bedrock.credentials import Credentials
from watcher.config import Config, QueueConfig
from watcher.errors import BadConfig, LookError
from watcher.model import CUSTOMIZATION, Job, JobArn, parse_identifier
from watcher.policy import Digest, Limits, Route
from watcher.policy.discovery import Rule
from watcher.store.jobs import Wanted


def account_of(job: Job) -> str:
    """Return the account that the job's group is sure to be of; a name tells none."""
    return job.account if job.identifier == job.arn else ""


def credentials_of(config: Config, account: str, profile: str) -> Credentials:
    """Return whose credentials are used: the job's own *profile*, else those of its *account*, else those of all."""
    default = config.aws.profile or ""
    described = config.account(account)
    if profile or described is None:
        return Credentials(profile or default)
    if described.role_arn is None:
        return Credentials(described.profile or default)
    source = described.source_profile or default
    return Credentials(source, described.role_arn, described.external_id or "", described.session_name)


def keeper_of(config: Config, queue: QueueConfig) -> Credentials:
    """Return whose credentials a queue is read with."""
    return credentials_of(config, queue.account or "", queue.profile or "")


def rules_of(config: Config) -> list[Rule]:
    """Return the rules of the configuration, one for each account, region and kind that it looks in."""
    return [
        Rule(
            rule.name,
            account,
            region,
            kind,
            rule.names,
            rule.customization_types if kind == CUSTOMIZATION else (),
            rule.tags,
            rule.status,
            rule.created_within or 0.0,
        )
        for rule in config.rules
        for account, regions in rule.places.items()
        for region in regions
        for kind in rule.kinds
    ]


def settings_of(config: Config) -> Settings:
    """Return how AWS is reached, by the configuration."""
    aws = config.aws
    return Settings(
        endpoint_url=aws.endpoint_url,
        ca_bundle=str(aws.ca_bundle) if aws.ca_bundle else None,
        ca_changed_at=config.bundles.get(aws.ca_bundle, 0) if aws.ca_bundle else 0,
        verify_ssl=aws.verify_ssl,
        sign=aws.sign,
        connect_timeout=aws.connect_timeout,
        read_timeout=aws.read_timeout,
        credentials_timeout=aws.credentials_timeout,
    )


def routes_of(config: Config) -> tuple[Route, ...]:
    """Return who is told of what, by the configuration."""
    zone = ZoneInfo(config.timezone) if config.timezone else None
    return tuple(
        Route(
            channel.name,
            channel.on,
            tags=channel.tags,
            accounts=channel.accounts,
            regions=channel.regions,
            names=channel.names,
            digest=Digest(*channel.digest, zone) if channel.digest else None,
        )
        for channel in config.channels
    )


def limits_of(config: Config) -> Limits:
    """Return how long is too long, by the configuration."""
    remind = config.remind
    return Limits(remind.overdue_factor, remind.stall_after, remind.stopping_after, remind.queued_after)


def wanted_jobs(config: Config) -> list[Wanted]:
    """Return the jobs of the configuration; raises BadConfig for a name whose region nothing tells."""
    wanted = []
    for job in config.jobs:
        identifier = parse_identifier(job.id, job.kind)
        region = (
            identifier.region
            if isinstance(identifier, JobArn)
            else job.region or _region(job.id, job.profile or config.aws.profile)
        )
        tags = tuple(sorted(job.tags))
        wanted.append(
            Wanted(identifier, region, job.profile or "", job.label, tags, expected=job.expect, kind=job.kind)
        )
    return wanted


def _region(name: str, profile: str | None) -> str:
    try:
        region = profile_region(profile or "")
    except LookError as error:
        raise BadConfig(f"job {name!r}: {error.what}", error.remedy) from error
    if not region:
        raise BadConfig(f"job {name!r} is given by name, and nothing tells its region", "set its region, or aws.region")
    return region
