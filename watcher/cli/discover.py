"""``bedrock-watch discover``: what the rules, or the options, match in AWS now.

Not its business: the rules that the daemon goes by (``sweep.finder``); this asks AWS itself, with your credentials.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from watcher import clock
from watcher.cli import service
from watcher.cli.checks import unknown_words
from watcher.cli.context import Context
from watcher.cli.options import output_option, seconds
from watcher.cli.output import name_database, note, print_json, print_table, warn_unverified
from watcher.cli.words import counted, plain, some, span
from watcher.config.sections import ACCOUNT, REGION
from watcher.errors import ExitCode, UsageError
from watcher.identifiers import CUSTOMIZATION, NOUNS

if TYPE_CHECKING:
    from watcher.daemon.survey import Match, Survey
    from watcher.policy.discovery import Rule
    from watcher.store import Store

_HEADERS = ("JOB", "STATUS", "AGE", "REGION", "ACCOUNT", "KIND", "RULE", "WATCHED")
_SPARE = ("RULE", "KIND", "ACCOUNT", "REGION")
_YEAR = 366 * 86_400.0


@click.command()
@click.option("--add", "adding", is_flag=True, help="Watch what is found and is not watched yet.")
@click.option("--account", metavar="ID", help="Look in this account alone; its 12 digits.")
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Look in this region, repeatable.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    type=click.Choice(list(NOUNS)),
    help=f"Jobs of this kind, repeatable.  [default: {CUSTOMIZATION}]",
)
@click.option("--name", "names", multiple=True, metavar="GLOB", help='Jobs of such a name ("prod-*"), repeatable.')
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Customization type (FINE_TUNING), repeatable.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Tag in AWS, key=value or key; all have to fit.")
@click.option("--status", "statuses", multiple=True, metavar="STATUS", help="AWS's status; by default, all but over.")
@click.option("--created-within", "within", metavar="TIME", help='Jobs younger than this ("7d").')
@output_option
@click.pass_obj
def discover(  # noqa: PLR0913 - one argument an option
    context: Context,
    *,
    adding: bool,
    account: str | None,
    regions: tuple[str, ...],
    kinds: tuple[str, ...],
    names: tuple[str, ...],
    types: tuple[str, ...],
    tags: tuple[str, ...],
    statuses: tuple[str, ...],
    within: str | None,
    output: str,
) -> int:
    """Show which jobs in AWS match the configuration's rules now, or match the options.

    Without --kind, options match model customization jobs only, and stderr says so, because each other kind needs its
    own permission.  The command calls AWS with your credentials, not the daemon's, and changes nothing without --add.
    It exits with 5 if some calls to AWS failed.
    """
    import anyio

    from watcher.daemon.survey import survey

    if types and kinds and CUSTOMIZATION not in kinds:
        raise UsageError("--type is of customization jobs", f"add --kind {CUSTOMIZATION}, or leave it out")
    age = 0.0 if within is None else seconds("--created-within", within, _YEAR)
    chosen = any((account, regions, kinds, names, types, tags, statuses, within))
    rules = _described(context, account, regions, kinds) if chosen else _configured(context)
    if chosen:
        rules = [_narrowed(rule, names, types, tags, statuses, age) for rule in rules]
        for warning in unknown_words("the options", [rule.kind for rule in rules], statuses, types):
            note(f"warning: {warning}")
    if adding:
        service.refuse_if_watched_elsewhere(context)
        name_database(context)
    warn_unverified(context)
    found = anyio.run(partial(survey, context.config, rules, tagged=adding or output != "table"))
    with context.store(create=adding) as store:
        watched = {match.job.arn: _watched(store, match) for match in found.matches}
        if adding:
            new = [match for match in found.matches if watched[match.job.arn] != "yes"]
            _add(store, new)
            watched |= {match.job.arn: "added" for match in new}
        _print(context, found, watched, output)
    _say(found, watched, adding=adding)
    if chosen and not kinds:
        note(
            f"looked for {NOUNS[CUSTOMIZATION]}s only; for other jobs: --kind {'|'.join(set(NOUNS) - {CUSTOMIZATION})}"
        )
    return ExitCode.AWS_REFUSED if found.errors else ExitCode.DONE


def _configured(context: Context) -> list[Rule]:
    from watcher.daemon.chosen import rules_of

    rules = rules_of(context.config)
    if not rules:
        raise UsageError(
            "the configuration has no rule",
            "describe jobs by options: bedrock-watch discover --account 123456789012 --region us-east-1",
        )
    return rules


def _described(context: Context, account: str | None, regions: Sequence[str], kinds: Sequence[str]) -> list[Rule]:
    """Return a rule for each place that the options name, or leave to the configuration."""
    from watcher.policy.discovery import Rule

    config = context.config
    if account is not None and not re.fullmatch(ACCOUNT, account):
        raise UsageError(f"not an account: {account!r}", "give its 12 digits")
    for region in regions:
        if not re.fullmatch(REGION, region):
            raise UsageError(f"not a region: {region!r}", "write it like us-east-1")
    accounts = [account] if account else [one.id for one in config.accounts]
    if not accounts:
        raise UsageError("nothing says which account", "add --account with its 12 digits")
    rules = []
    for one in accounts:
        known = config.account(one)
        default = (known.regions if known else ()) or ((config.aws.region,) if config.aws.region else ())
        if not (regions or default):
            raise UsageError(f"nothing says in which regions to look in account {one}", "add --region")
        rules += [Rule("", one, region, kind) for region in regions or default for kind in kinds or (CUSTOMIZATION,)]
    return rules


def _narrowed(
    rule: Rule,
    names: tuple[str, ...],
    types: tuple[str, ...],
    tags: tuple[str, ...],
    statuses: tuple[str, ...],
    within: float,
) -> Rule:
    from dataclasses import replace

    its_types = types if rule.kind == CUSTOMIZATION else ()
    return replace(rule, names=names, types=its_types, tags=tags, status=statuses, within=within)


def _watched(store: Store, match: Match) -> str:
    """Return whether a job is watched: yes, no, or that a person removed it."""
    from watcher.errors import UnknownJob

    try:
        job = store.jobs.find(match.job.arn)
    except UnknownJob:
        return "no"
    return "yes" if job.watched else "removed"


def _add(store: Store, matches: Sequence[Match]) -> None:
    from watcher.model import JobArn
    from watcher.policy.discovery import label_of, tags_of
    from watcher.store.jobs import Wanted

    with store.database.transaction():
        for match in matches:
            arn = JobArn.parse(match.job.arn)
            label, tags = label_of(match.tags), tags_of(match.tags)
            store.jobs.add(Wanted(arn, arn.region, None, label or None, tags or None), clock.now(), ask=False)


def _print(context: Context, found: Survey, watched: dict[str, str], output: str) -> None:
    matches = sorted(found.matches, key=lambda match: -match.job.created_at)
    if output != "table":
        print_json(output, {}, "jobs", [_document(match, watched[match.job.arn]) for match in matches])
        return
    now = clock.now()
    if matches:
        rows = [
            (
                plain(match.job.name),
                plain(match.job.status),
                span(now - match.job.created_at) if match.job.created_at else "",
                match.rule.region,
                match.rule.account,
                match.rule.kind,
                plain(match.rule.name),
                watched[match.job.arn],
            )
            for match in matches
        ]
        print_table(context, _HEADERS, rows, _SPARE)


def _document(match: Match, watched: str) -> dict[str, Any]:
    from watcher.cli import values

    job, rule = match.job, match.rule
    return {
        "arn": job.arn,
        "name": job.name,
        "kind": rule.kind,
        "status": job.status,
        "account": rule.account,
        "region": rule.region,
        "created_at": values.at(job.created_at),
        "tags": dict(match.tags),
        "rule": rule.name or None,
        "watched": watched,
    }


def _say(found: Survey, watched: dict[str, str], *, adding: bool) -> None:
    new = sum(word != "yes" for word in watched.values())
    if not found.matches:
        note("no job matches now")
    elif new:
        them = "it" if new == 1 else "them"
        jobs = counted(new, "job")
        note(f"{jobs} added" if adding else f"{jobs} not watched yet: --add watches {them}")
    if found.unreadable:
        note(
            f"left out, for they cannot be read: {counted(len(found.unreadable), 'row')} of AWS's list"
            f" (first: {plain(found.unreadable[0])})"
        )
    places: dict[str, list[str]] = {}
    for where, error in sorted(found.errors.items()):
        places.setdefault(str(error), []).append(where)
    for said, everywhere in places.items():
        note(f"could not look ({some(everywhere, 1)}): {said}")
