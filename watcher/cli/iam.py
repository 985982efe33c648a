"""``bedrock-watch iam-policy``: the least that AWS has to allow, for what is watched now.

Not its business: which operations a kind needs (``bedrock.permissions``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from watcher.cli.context import Context
from watcher.cli.output import note, write
from watcher.cli.words import some
from watcher.config.sections import ACCOUNT, REGION
from watcher.errors import ExitCode, UsageError
from watcher.identifiers import CUSTOMIZATION, NOUNS, JobArn, parse_identifier

if TYPE_CHECKING:
    from watcher.bedrock.permissions import Need
    from watcher.config import Config

OWN = "daemon"
"""Under this name stands what the daemon's own identity needs beside the policies of the accounts."""


@click.command("iam-policy")
@click.option("--account", metavar="ID", help="The policy of this account alone; its 12 digits.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    type=click.Choice(list(NOUNS)),
    help=f"Also for jobs of this kind, repeatable: {', '.join(NOUNS)}.",
)
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Where --kind is meant, repeatable.")
@click.pass_obj
def iam_policy(context: Context, *, account: str | None, kinds: tuple[str, ...], regions: tuple[str, ...]) -> int:
    """Print the minimal IAM policy (JSON) for polling the watched jobs.

    It covers all jobs, rules and queues of the configuration, and the jobs that were added and have not ended.  With
    several accounts, each policy is listed under its account number.  Jobs that were added by name and never found,
    so that their account is unknown, are under "*", and what the daemon's own identity needs to assume roles is under
    "daemon".  Use --kind for jobs that are not watched yet.  Nothing is sent to AWS.
    """
    from watcher.bedrock.permissions import ANY, Need, QueueNeed, assume, document, policies

    _check(account, kinds, regions)
    needs = set(_needs(context))
    needs |= {Need(account or ANY, kind, region) for kind in kinds for region in regions or (ANY,)}
    queues = [QueueNeed(one.account or ANY, one.region, one.name) for one in context.config.queues]
    found = policies(
        (need for need in needs if account in (None, need.account)),
        (queue for queue in queues if account in (None, queue.account)),
        _home(context.config, needs),
    )
    if not found:
        where = f" in account {account}" if account else ""
        example = f"bedrock-watch iam-policy --kind {CUSTOMIZATION} --account 123456789012"
        raise UsageError(f"nothing is watched{where}, so nothing needs to be allowed", f"add jobs, or say: {example}")
    roles = [] if account else [one.role_arn for one in context.config.accounts if one.role_arn and one.id in found]
    if roles:
        found[OWN] = document([assume(roles)])
    _print(found)
    return ExitCode.DONE


def _home(config: Config, needs: Iterable[Need]) -> str:
    """Return the partition that all regions are in which are named anywhere."""
    from watcher.bedrock.permissions import ANY, home_of

    regions = {region for one in config.accounts for region in one.regions}
    regions |= {need.region for need in needs} | {queue.region for queue in config.queues}
    return home_of((regions | {config.aws.region or ANY}) - {ANY})


def _check(account: str | None, kinds: tuple[str, ...], regions: tuple[str, ...]) -> None:
    import re

    if account is not None and not re.fullmatch(ACCOUNT, account):
        raise UsageError(f"not an account: {account!r}", "give its 12 digits")
    for region in regions:
        if not re.fullmatch(REGION, region):
            raise UsageError(f"not a region: {region!r}", "write it like us-east-1")
    if regions and not kinds:
        raise UsageError("--region says where --kind is meant", "add --kind; the watched jobs' regions are known")


def _print(found: dict[str, dict[str, Any]]) -> None:
    """Print one policy as it is, several by their accounts."""
    if len(found) == 1:
        write(json.dumps(*found.values(), indent=2))
        return
    write(json.dumps(found, indent=2))
    note(f"each is a policy of its own ({some(list(found))}); --account prints one alone")


def _needs(context: Context) -> Iterator[Need]:
    """Yield the permissions for running jobs, and for all jobs of the configuration, ended or never found."""
    from watcher.bedrock.permissions import ANY, Need

    with context.store() as store:
        jobs = store.jobs.listed(every=True)
    for job in jobs:
        if job.state != "ended":
            yield Need(job.account or ANY, job.kind, job.region)
    accounts = {(job.identifier, job.kind, job.region): job.account for job in jobs}
    for one in context.config.jobs:
        arn = parse_identifier(one.id, one.kind)
        account = arn.account if isinstance(arn, JobArn) else accounts.get((one.id, one.kind, one.region or ""))
        yield Need(account or ANY, one.kind, one.region or ANY)
    yield from _of_rules(context.config)


def _of_rules(config: Config) -> Iterator[Need]:
    from watcher.bedrock.permissions import Need

    for rule in config.rules:
        for account, regions in rule.places.items():
            for region in regions:
                for kind in rule.kinds:
                    yield Need(account, kind, region, found=True, tags=True)  # labels come from them
