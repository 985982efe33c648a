"""The poll groups, kept in step with what the store says is watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import anyio

from watcher import clock
from watcher.bedrock.client import TRY_FOR, Keys, Look
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.kinds import KINDS
from watcher.daemon.chosen import account_of, credentials_of, limits_of, routes_of, rules_of, settings_of
from watcher.daemon.parts import Parts
from watcher.daemon.pulses import beat
from watcher.errors import LookError
from watcher.loop import Bell
from watcher.model import Job, JobArn, account_scope, scope_key
from watcher.policy import Cadence, Traits
from watcher.policy.discovery import Rule
from watcher.store.quarantine import JOB, LIST
from watcher.sweep import Finder, Group, Outage

LOOK_FOR_EVERY = 5.0
"""Seconds between two Lists for jobs of which somebody else says that something happens to them."""


class Place(NamedTuple):
    """What makes a poll group; the *account* is empty where it is not known."""

    profile: str
    account: str
    region: str
    kind: str

    @classmethod
    def of(cls, job: Job) -> Place:
        """Return where a job belongs."""
        return cls(job.profile, account_of(job), job.region, job.kind)

    @property
    def scope(self) -> str:
        """The group's key."""
        return scope_key(self.profile, self.account or "-", self.region, self.kind)

    def speaks_for(self, other: Place) -> bool:
        """Return whether of this one and *other*, which have the same credentials, this one tells of their loss.

        Credentials are of one account, so jobs given by name are of that of any other jobs with the same ones.
        """
        first = (not self.account, self.profile) < (not other.account, other.profile)
        return first and other.account in ("", self.account)


class Watch:
    """Every poll group, by its scope's key."""

    def __init__(self, parts: Parts, on_news: Callable[[], None]) -> None:
        self.groups: dict[str, Group] = {}
        self.bells: dict[str, Bell] = {}
        self._parts, self._on_news = parts, on_news
        self._seen = 0, 0
        self._settings = settings_of(parts.config)
        self._places: dict[str, Place] = {}
        self._keys: dict[Credentials, Keys] = {}
        self._used: dict[str, Credentials] = {}
        self._left: list[Keys] = []
        self._accounts: dict[str, Outage] = {}
        self._rules_read = False
        self._set_aside: frozenset[str] = frozenset()
        self._unlisted: frozenset[str] = frozenset()
        self._looked_for: dict[str, float] = {}

    async def refresh(self) -> list[str]:
        """Take over what people have changed in the store; return the keys of groups that are new."""
        before, quarantine = set(self.groups), self._parts.store.quarantine
        self._set_aside = await self._parts.transact(quarantine.keys, JOB)
        self._unlisted = await self._parts.transact(quarantine.keys, LIST)
        for key, group in self.groups.items():
            group.may_list = key not in self._unlisted
        while jobs := await self._parts.transact(self._parts.store.ledger.roster, *self._seen):
            for job in jobs:
                self._place(job)
            self._seen = jobs[-1].revision, jobs[-1].id
        if not self._rules_read:
            await self._use_rules()
        return [key for key in self.groups if key not in before]

    def reconfigure(self) -> None:
        """Go by the configuration that has come into use; each group does so from its next turn on."""
        before, self._settings = self._settings, settings_of(self._parts.config)
        if self._settings != before:
            self._left.extend(self._keys.values())
            self._keys = {}
        for key, group in self.groups.items():
            self._configure(group)
            place = self._places[key]
            if self._settings != before or self._whose(place) != self._used[key]:
                group.look_with(self._eyes(place))
            self.bells[key].ring()
        self._rules_read = False

    def look_for(self, arn: JobArn) -> None:
        """Where a rule looks for such jobs, let it do so at once: of this one, not watched, something is said."""
        scope, now = Place("", arn.account, arn.region, arn.kind).scope, clock.now()
        finder = self.groups[scope].finder if scope in self.groups else None
        due = max(now, self._looked_for.get(scope, 0.0) + LOOK_FOR_EVERY)
        if finder is not None and due < finder.due_at:
            finder.due_at = self._looked_for[scope] = due
            self.bells[scope].ring()

    def clock_was_set(self) -> None:
        """Let nobody wait for a time that was reckoned by another clock."""
        for account in self._accounts.values():
            account.try_again()
        for group in self.groups.values():
            group.clock_was_set()
        for bell in self.bells.values():
            bell.ring()

    async def tidy(self) -> None:
        """Close the connections that a reload left behind, when no group asks through them any more."""
        if self._left and not any(group.turning_over for group in self.groups.values()):
            for keys in self._left:
                await keys.close()
            self._left = []

    async def close(self) -> None:
        """Close every group's connections to AWS."""
        for keys in (*self._keys.values(), *self._left):
            await keys.close()

    async def run(self, key: str) -> None:
        """Let a group take turns until the daemon stops."""
        # One call is tried for TRY_FOR seconds, and the try that is under way then has its own time.
        limit = 2 * (TRY_FOR + self._settings.longest_try + 2 * self._settings.credentials_timeout)
        group = self.groups[key]
        async with anyio.create_task_group() as beside:
            group.ask_beside(beside)
            await self._parts.take_turns(f"poll {key}", limit, group.turn, self.bells[key])
            group.ask_beside(None)
            beside.cancel_scope.cancel()

    async def once(self) -> bool:
        """Let each group take one turn, and look at the jobs that were found; return whether a look failed."""
        # The second round is for those that another group's try has let in: while credentials are lost, one tries.
        for _ in range(2):
            await self._turn_all(lambda group: not group.swept_at)
        await self.refresh()
        await self._turn_all(lambda group: any(job.state == "new" for job in group.jobs.awake.values()))
        return any(group.troubled for group in self.groups.values())

    async def _turn_all(self, which: Callable[[Group], bool]) -> None:
        async with anyio.create_task_group() as tasks:
            for group in filter(which, self.groups.values()):
                tasks.start_soon(group.turn)

    async def say_what_still_fails(self, began: float) -> None:
        """Log what AWS could not be asked about before *began*, too: only the process to which it began did say so."""
        parts, keys = self._parts, {*self.groups, *map(account_scope, self.groups)}
        for key, scope in (await parts.transact(parts.store.history.scopes)).items():
            if key in keys and scope.failing_since < began:
                self._say_it_fails(scope.last_error, scope=key)
        groups = [group for group in self.groups.values() if not group.blind]
        for job_id in [job.id for group in groups for job in group.jobs.awake.values() if job.failures]:
            job = await parts.transact(parts.store.jobs.get, job_id)
            if job.failing_since < began:
                self._say_it_fails(job.last_error, job=job.identifier)

    def _say_it_fails(self, last_error: str, **subject: str) -> None:
        error = LookError.load(last_error)
        self._parts.log.warning("still_failing", **subject, error=error.what, remedy=error.remedy)

    def _place(self, job: Job) -> None:
        watched = job.watched and job.state != "ended" and str(job.id) not in self._set_aside
        for key, group in self.groups.items():
            if not watched or key != job.scope:
                group.jobs.pop(job.id)
        if not watched:
            return
        group = self.groups.get(job.scope) or self._new_group(Place.of(job))
        group.jobs.take(job)
        self.bells[job.scope].ring()

    async def _use_rules(self) -> None:
        """Look for jobs by the rules of the configuration; each group by those that are about it."""
        parts, rules = self._parts, rules_of(self._parts.config)
        since = await parts.transact(parts.store.findings.since, [rule.mark for rule in rules], clock.now())
        by_place: dict[Place, list[Rule]] = {}
        for rule in rules:
            place = Place("", rule.account, rule.region, rule.kind)
            by_place.setdefault(place, []).append(replace(rule, since=since[rule.mark]))
        for place, its in by_place.items():
            group = self.groups.get(place.scope) or self._new_group(place)
            group.finder = group.finder or self._new_finder(place)
            group.finder.use(tuple(its))
            self.bells[place.scope].ring()
        for key, group in self.groups.items():
            if self._places[key] not in by_place:
                group.finder = None
        self._rules_read = True

    def _new_finder(self, place: Place) -> Finder:
        parts, traits = self._parts, Traits(account=place.account, region=place.region, unseen=True)
        book = parts.store.findings
        return Finder(place.scope, KINDS[place.kind], traits, book, parts.transact, now=clock.now, log=parts.log)

    def _new_group(self, place: Place) -> Group:
        parts, key = self._parts, place.scope
        group = Group(
            key,
            KINDS[place.kind],
            self._eyes(place),
            parts.store.ledger,
            parts.transact,
            account=self._account_of(key),
            now=clock.now,
            luck=parts.luck,
            on_news=self._on_news,
            log=parts.log,
            may_remind=parts.trust.may_remind,
        )
        self._configure(group)
        group.may_list = key not in self._unlisted
        self.groups[key], self.bells[key], self._places[key] = group, Bell(), place
        return group

    def _eyes(self, place: Place) -> Look:
        """Return how AWS is asked about all that is of one scope."""
        whose = self._used[place.scope] = self._whose(place)
        keys = self._keys.setdefault(whose, Keys(whose, self._settings))
        return Look(
            KINDS[place.kind], place.region, keys, account=place.account, on_try=beat, on_date=self._parts.trust.hear
        )

    def _configure(self, group: Group) -> None:
        config = self._parts.config
        cadence = Cadence(config.poll.fastest, config.poll.slowest, config.poll.blind_after)
        group.reconfigure(cadence, limits_of(config), routes_of(config))

    def _whose(self, place: Place) -> Credentials:
        """Return which credentials all that is of one scope is asked with."""
        return credentials_of(self._parts.config, place.account, place.profile)

    def _account_of(self, scope: str) -> Outage:
        """Return what all groups of the scope's account share."""
        key = account_scope(scope)
        if key not in self._accounts:
            parts = self._parts
            self._accounts[key] = Outage(
                key,
                parts.store.ledger,
                parts.transact,
                traits=lambda: self._traits(key),
                now=clock.now,
                wake=lambda: self._wake(key),
                on_news=self._on_news,
                log=parts.log,
                words=("account", "credentials_failing", "credentials_work_again"),
                elders=lambda: self._kin(key, lambda other, own: other.speaks_for(own)),
                youngers=lambda: self._kin(key, lambda other, own: own.speaks_for(other)),
            )
        return self._accounts[key]

    def _kin(self, key: str, related: Callable[[Place, Place], bool]) -> list[Outage]:
        """Return the accounts with the credentials of that one, and with jobs, which are *related* to it."""
        places = {account_scope(scope): place for scope, place in self._places.items()}
        own = places[key]
        return [
            self._accounts[other]
            for other, place in places.items()
            if self._whose(place) == self._whose(own) and related(place, own) and self._has_jobs(other)
        ]

    def _has_jobs(self, account: str) -> bool:
        groups = (group for key, group in self.groups.items() if account_scope(key) == account)
        return any(len(group.jobs) or group.finder for group in groups)

    async def _traits(self, account: str) -> list[Traits]:
        groups = [group for key, group in self.groups.items() if account_scope(key) == account]
        return [traits for group in groups for traits in await group.traits()]

    def _wake(self, account: str) -> None:
        for key, bell in self.bells.items():
            if account_scope(key) == account:
                bell.ring()
