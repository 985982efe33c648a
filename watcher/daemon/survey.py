"""What rules match now: one look at AWS, for people who ask before they write a rule.  Nothing is written.

Not its business: finding jobs as they begin, which costs less (``sweep.finder``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from watcher import clock
from watcher.bedrock.client import Keys, Look
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.kind import MalformedResponse
from watcher.bedrock.kinds import KINDS
from watcher.config import Config
from watcher.daemon.chosen import credentials_of, settings_of
from watcher.errors import BadIdentifier, LookError
from watcher.model import Outcome
from watcher.policy.discovery import Found, Rule
from watcher.sweep.finder import found_of
from watcher.sweep.reading import Reading

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
    """What was found, and what could not be looked at: errors by the scope or job that they are about.

    *unreadable* says what was wrong with each row of List that was left out.
    """

    matches: list[Match] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    errors: dict[str, LookError] = field(default_factory=dict)


async def survey(config: Config, rules: Sequence[Rule], *, tagged: bool) -> Survey:
    """Ask AWS what *rules* match now: running jobs, or those of the statuses that a rule names.

    Their tags are asked for when a rule is by tags, or they are wanted in the answer (*tagged*): a question for each.
    """
    settings, result = settings_of(config), Survey()
    keys: dict[Credentials, Keys] = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def one(rule: Rule) -> None:
        whose = credentials_of(config, rule.account, "")
        ring = keys.setdefault(whose, Keys(whose, settings))
        look = Look(KINDS[rule.kind], rule.region, ring, account=rule.account)
        async with limiter:
            try:
                await _match(look, rule, result, tagged=tagged)
            except LookError as error:
                result.errors[f"{rule.account}, {rule.region}, {rule.kind}"] = error

    try:
        async with anyio.create_task_group() as tasks:
            for rule in rules:
                tasks.start_soon(one, rule)
    finally:
        for ring in keys.values():
            await ring.close()
    # A job that several rules want is the first one's, as it is for the daemon.
    by_rule = sorted(result.matches, key=lambda match: -rules.index(match.rule))
    result.matches = list({match.job.arn: match for match in by_rule}.values())
    return result


async def _match(look: Look, rule: Rule, result: Survey, *, tagged: bool) -> None:
    now = clock.now()
    since = now - rule.within if rule.within else 0.0
    jobs = [job async for job in _listed(look, rule, since, result) if rule.may_fit(job, now)]
    tags = await _tags(look, rule, jobs, result) if tagged or rule.tags else {}
    for job in jobs:
        its = tags.get(job.arn, {})
        if rule.fits_tags(its):
            result.matches.append(Match(rule, job, its))


async def _tags(look: Look, rule: Rule, jobs: Sequence[Found], result: Survey) -> dict[str, Mapping[str, str]]:
    """Return the tags of the jobs, by ARN, as far as AWS tells them."""
    tags: dict[str, Mapping[str, str]] = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)
    where = f"tags in {rule.account}, {rule.region}"

    async def ask(job: Found) -> None:
        async with limiter:
            if where in result.errors:
                return  # the others' would most likely be refused, too
            try:
                tags[job.arn] = await look.tags(job.arn)
            except LookError as error:
                result.errors[where] = error

    async with anyio.create_task_group() as tasks:
        for job in jobs:
            tasks.start_soon(ask, job)
    return tags


async def _listed(look: Look, rule: Rule, since: float, result: Survey) -> AsyncIterator[Found]:
    """Yield the jobs of the rule's place that have one of its statuses, else those that run."""
    kind = KINDS[rule.kind]
    words = {
        word
        for word, outcome in kind.outcomes.items()
        if (word in rule.status if rule.status else outcome is Outcome.RUNNING)
    }
    for word in sorted(words) if kind.list_members.status_equals or not words else ("",):
        reading = Reading()
        while not reading.ended:
            page = await look.page(since, reading.token, word)
            reading.turn(page)
            result.unreadable += page.unreadable
            for summary in page.summaries:
                try:
                    job = found_of(kind, summary)
                except (MalformedResponse, BadIdentifier) as error:
                    result.unreadable.append(f"{summary.arn}: {error}"[:300])
                    continue
                if f":{rule.account}:" in job.arn and job.status in words:
                    yield job
