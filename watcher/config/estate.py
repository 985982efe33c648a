"""The keys that say which accounts there are, with whose credentials, and which of their jobs are watched by rule.

Not its business: whether AWS agrees (``bedrock``).
"""

from __future__ import annotations

import re
from dataclasses import replace

from watcher.config.reader import Table, suggest
from watcher.config.sections import A_REGION, ACCOUNT, AN_ACCOUNT, REGION
from watcher.config.values import AccountConfig, AwsConfig, DiscoverConfig
from watcher.identifiers import CUSTOMIZATION, NOUNS

# AWS STS API reference, AssumeRole: RoleArn, ExternalId, RoleSessionName.
_ROLE = r"arn:aws(-[a-z0-9]+)*:iam::[0-9]{12}:role/[\x21-\x7e]{1,512}"
_A_ROLE = "a role's ARN, such as arn:aws:iam::123456789012:role/bedrock-watch"
_EXTERNAL_ID = r"[\w+=,.@:/-]{2,1224}"
_SESSION_NAME = r"[\w+=,.@-]{2,64}"
_NAME = r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}"
_A_NAME = "a name of letters, digits, dots, dashes, underscores and spaces (at most 64)"
_WORD = r"[A-Za-z_]{1,64}"
_A_WORD = "AWS's own word"
_OF_A_ROLE = ("external_id", "session_name", "source_profile")
_MINUTE, _YEAR = 60.0, 366 * 86_400.0


def read_accounts(tables: list[Table]) -> tuple[AccountConfig, ...]:
    """Read the ``[[account]]`` tables."""
    accounts: dict[str, AccountConfig] = {}
    for table in tables:
        account = _account(table)
        table.close()
        if account is None:
            continue
        if account.id in accounts:
            table.wrong("id", f"there are two accounts {account.id}", "keep one of the two")
        accounts[account.id] = account
    return tuple(accounts.values())


def read_rules(tables: list[Table], accounts: tuple[AccountConfig, ...], aws: AwsConfig) -> tuple[DiscoverConfig, ...]:
    """Read the ``[[discover]]`` tables; one that names no account is for all of *accounts*."""
    rules: dict[str, DiscoverConfig] = {}
    for number, table in enumerate(tables, 1):
        rule = _rule(table, accounts, aws, number)
        table.close()
        if rule.name in rules:
            table.wrong("name", f'there are two rules named "{rule.name}"', "rename one of them")
        rules[rule.name] = rule
    return tuple(rules.values())


def _account(table: Table) -> AccountConfig | None:
    account = table.matching("id", ACCOUNT, AN_ACCOUNT)
    if account is None and "id" not in table:
        table.wrong("id", "is missing", f"give {AN_ACCOUNT}")
    default = AccountConfig("")
    found = AccountConfig(
        account or "",
        name=table.text("name"),
        profile=table.text("profile"),
        role_arn=table.matching("role_arn", _ROLE, _A_ROLE),
        external_id=table.matching("external_id", _EXTERNAL_ID, "an external ID (2 to 1224 letters, digits, +=,.@:/-)"),
        session_name=table.matching("session_name", _SESSION_NAME, "a session name (2 to 64 letters, digits, +=,.@-)")
        or default.session_name,
        source_profile=table.text("source_profile"),
        regions=table.texts("regions", REGION, A_REGION) or (),
    )
    if "profile" in table and "role_arn" in table:
        how = "give profile, or role_arn (assumed with source_profile, else with [aws] profile)"
        table.wrong("", "has both profile and role_arn", how)
    for key in _OF_A_ROLE:
        if key in table and "role_arn" not in table:
            table.wrong(key, "is for a role", "give role_arn, or leave it out")
    if account and found.role_arn and found.role_arn.split(":")[4] != account:
        table.wrong(
            "role_arn", f"is a role of account {found.role_arn.split(':')[4]}", f"it has to be one of {account}"
        )
    return found if account else None


def _rule(table: Table, accounts: tuple[AccountConfig, ...], aws: AwsConfig, number: int) -> DiscoverConfig:
    account = table.matching("account", ACCOUNT, AN_ACCOUNT)
    if account is None and "account" not in table and not accounts:
        table.wrong("account", "is missing", f"give {AN_ACCOUNT}, or describe your accounts in [[account]] tables")
    chosen = (account,) if account else tuple(each.id for each in accounts)
    regions = table.texts("regions", REGION, A_REGION) or ()
    places = {
        one: regions or next((each.regions for each in accounts if each.id == one), ()) or _of(aws.region)
        for one in chosen
    }
    if nowhere := [one for one, found in places.items() if not found]:
        table.wrong("regions", f"nothing says in which regions to look in account {nowhere[0]}", "give regions")
    name = table.matching("name", _NAME, _A_NAME)
    rule = DiscoverConfig(
        name=name or "",
        account=account,
        regions=regions,
        places=places,
        kinds=_kinds(table),
        names=table.texts("names") or (),
        customization_types=table.texts("customization_types", _WORD, _A_WORD) or (),
        tags=table.texts("tags") or (),
        status=table.texts("status", _WORD, _A_WORD) or (),
        created_within=table.seconds("created_within", None, _MINUTE, _YEAR),
    )
    if rule.customization_types and CUSTOMIZATION not in rule.kinds:
        table.wrong("customization_types", "are those of customization jobs", f'add "{CUSTOMIZATION}" to kinds')
    return rule if name else replace(rule, name=f"rule {number}")


def _kinds(table: Table) -> tuple[str, ...]:
    kinds = table.texts("kinds")
    if kinds is None:
        return DiscoverConfig("").kinds
    for kind in kinds:
        if kind not in NOUNS:
            remedy = suggest(kind, NOUNS) or f"the kinds are {', '.join(NOUNS)}"
            table.wrong("kinds", f"no such kind: {kind if re.fullmatch(r'[a-z-]{1,64}', kind) else '...'}", remedy)
    return tuple(kind for kind in kinds if kind in NOUNS)


def _of(region: str | None) -> tuple[str, ...]:
    return (region,) if region else ()
