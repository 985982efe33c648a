"""What rules match now: one look at AWS, for people who ask before they write a rule.  Nothing is written.

Not its business: finding jobs as they begin, which costs less (``sweep.finder``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from watcher import clock
from watcher.bedrock.client import Keys, Look
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.kind import MalformedResponse
from watcher.bedrock.kinds import KINDS
from watcher.config import Config
from watcher.daemon.chosen import credentials_of, settings_of
from watcher.errors import BadIdentifier, LookError, LookFault
from watcher.model import Outcome
from watcher.policy.discovery import Found, Rule
from watcher.sweep.finder import found_of

AT_ONCE = 8
"""Places looked at, and jobs asked about, at the same time."""


@dataclass(frozen=True, slots=True)
class Match:
    """A job that a rule wants, with AWS's tags."""

    rule: Rule
    job: Found
    tags: Mapping[str, str]


@dataclass(slots=True)
class Survey:
    """What was found, and what could not be looked at: errors by the scope or job that they are about."""

    matches: list[Match] = field(default_factory=list)
    errors: dict[str, LookError] = field(default_factory=dict)


async def survey(config: Config, rules: Sequence[Rule]) -> Survey:
    """Ask AWS what *rules* match now: running jobs, or those of the statuses that a rule names."""
    settings, result = settings_of(config), Survey()
    keys: dict[Credentials, Keys] = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def one(rule: Rule) -> None:
        whose = credentials_of(config, rule.account, "")
        ring = keys.setdefault(whose, Keys(whose, settings))
        look = Look(KINDS[rule.kind], rule.region, ring, account=rule.account)
        async with limiter:
            try:
                await _match(look, rule, result)
            except LookError as error:
                result.errors[f"{rule.account}, {rule.region}, {rule.kind}"] = error

    try:
        async with anyio.create_task_group() as tasks:
            for rule in rules:
                tasks.start_soon(one, rule)
    finally:
        for ring in keys.values():
            await ring.close()
    return result


async def _match(look: Look, rule: Rule, result: Survey) -> None:
    now = clock.now()
    since = now - rule.within if rule.within else 0.0
    async for job in _listed(look, rule, since):
        if not rule.fits(job, now):
            continue
        try:
            tags = await look.tags(job.arn)
        except LookError as error:
            if error.fault is not LookFault.DENIED:
                raise
            tags = {}
            result.errors.setdefault(f"tags in {rule.account}", error)
        if rule.fits_tags(tags):
            result.matches.append(Match(rule, job, tags))


async def _listed(look: Look, rule: Rule, since: float) -> AsyncIterator[Found]:
    """Yield the jobs of the rule's place that have one of its statuses, else those that run."""
    kind = KINDS[rule.kind]
    running = [word for word, outcome in kind.outcomes.items() if outcome is Outcome.RUNNING]
    words: Iterable[str] = rule.status or running
    for word in words if kind.list_members.status_equals else ("",):
        token: str | None = None
        while True:
            page = await look.page(since, token, word)
            for summary in page.summaries:
                try:
                    job = found_of(kind, summary)
                except (MalformedResponse, BadIdentifier):
                    continue
                if f":{rule.account}:" in job.arn and job.status in words:
                    yield job
            token = page.token
            if not token:
                break
