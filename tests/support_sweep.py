"""A poll group over a real store, and an AWS in memory that the tests move by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

import anyio
import anyio.lowlevel
import msgspec
from support_jobs import arn

from watcher.bedrock.answers import Answer, Page, read_page
from watcher.bedrock.customization import KIND
from watcher.errors import LookError, LookFault
from watcher.logs import Log
from watcher.model import DEFAULT_EVENTS, JobArn, Transition
from watcher.policy import Cadence, Limits, Route
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.sweep import Group, Outage

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

NO_REMINDERS = Limits(0, 0, 0, 0)
"""The jobs of these tests are old, and it is not told."""

ACCOUNT = "default@123456789012/*/*"
"""The scope of all that the group's account has."""

SUMMARIZED = ("jobArn", "jobName", "status", "statusDetails", "lastModifiedTime", "creationTime", "customizationType")


class Diary:
    """A logger whose lines can be read."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def debug(self, event: str, **fields: Any) -> None:
        """Take no note."""

    def info(self, event: str, **fields: Any) -> None:
        """Take note."""
        self.lines.append(event)

    warning = error = info


@dataclass
class Aws:
    """Jobs by identifier; *get_error* and *list_error* are raised instead of an answer, *listed* overrides List.

    *errors* and *tags_errors* are by the job, *list_errors* by the place in the list at which a page begins.
    """

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, LookError] = field(default_factory=dict)
    get_error: LookError | None = None
    list_error: LookError | None = None
    listed: list[dict[str, Any]] | None = None
    gets: list[str] = field(default_factory=list)
    lists: int = 0
    page_size: int = 1000
    asked: list[tuple[float, str]] = field(default_factory=list)
    tag: dict[str, dict[str, str]] = field(default_factory=dict)
    tags_error: LookError | None = None
    tags_errors: dict[str, LookError] = field(default_factory=dict)
    list_errors: dict[int, LookError] = field(default_factory=dict)
    tagged: list[str] = field(default_factory=list)

    async def get(self, identifier: str) -> Answer:
        """Answer as GetModelCustomizationJob does."""
        self.gets.append(identifier)
        await anyio.lowlevel.checkpoint()
        error = self.errors.get(identifier) or self.get_error
        if error:
            raise error
        if identifier not in self.jobs:
            raise not_found()
        facts = self.jobs[identifier]
        return Answer(facts, json.dumps(facts))

    async def page(self, created_after: float, token: str | None, status: str = "") -> Page:
        """Answer as ListModelCustomizationJobs does, newest first."""
        self.lists += 1
        self.asked.append((created_after, status))
        begin = int(token or 0)
        if error := self.list_error or self.list_errors.get(begin):
            raise error
        jobs = sorted(self.jobs.values(), key=created, reverse=True)
        fitting = [job for job in jobs if created(job) > created_after and status in ("", job["status"])]
        every = self.listed if self.listed is not None else fitting
        rows = [{key: job[key] for key in SUMMARIZED if key in job} for job in every[begin : begin + self.page_size]]
        more = {"nextToken": str(begin + self.page_size)} if begin + self.page_size < len(every) else {}
        body = msgspec.json.encode({KIND.list_members.summaries: rows, **more})
        return read_page(body, KIND.list_members)

    async def tags(self, arn: str) -> dict[str, str]:
        """Answer as ListTagsForResource does."""
        self.tagged.append(arn)
        if error := self.tags_error or self.tags_errors.get(arn):
            raise error
        return self.tag.get(arn, {})


def created(job: dict[str, Any]) -> float:
    """Return when a job was created, in epoch seconds."""
    return datetime.fromisoformat(job["creationTime"]).timestamp()


def not_found() -> LookError:
    """Return what AWS says of a job that it does not find."""
    return LookError(LookFault.NOT_FOUND, "ResourceNotFoundException", "not found", "check the account")


def refusal(fault: LookFault, code: str = "Code") -> LookError:
    """Return an error of that class."""
    return LookError(fault, code, "a reason", "a remedy")


class Scene:
    """One group, its AWS, its store and its clock."""

    def __init__(self, store: Store) -> None:
        self.store, self.aws, self.log, self.now = store, Aws(), Diary(), 1_800_000_000.0
        self.cadence, self.limits = Cadence(), NO_REMINDERS
        self.account = self.new_account()
        self.group = self.new_group()

    def new_group(self) -> Group:
        """Return a group as a fresh process would make it."""
        log: Log = self.log
        group = Group(
            "default@123456789012/us-east-1/model-customization-job",
            KIND,
            self.aws,
            self.store.ledger,
            self._transact,
            account=self.account,
            now=lambda: self.now,
            luck=lambda: 0.5,
            on_news=lambda: None,
            log=log,
        )
        group.limits = self.limits
        group.cadence, group.routes = self.cadence, (Route("all", DEFAULT_EVENTS),)
        return group

    def new_account(self) -> Outage:
        """Return what an account's groups share, as a fresh process would make it."""
        log: Log = self.log
        return Outage(
            ACCOUNT,
            self.store.ledger,
            self._transact,
            traits=lambda: self.group.traits(),  # noqa: PLW0108 - it comes after the account
            now=lambda: self.now,
            on_news=lambda: None,
            log=log,
            words=("account", "credentials_failing", "credentials_work_again"),
        )

    def restart(self) -> None:
        """Forget all that is not in the store."""
        self.account = self.new_account()
        self.account = self.new_account()
        self.group = self.new_group()
        for job in self.store.ledger.roster(0):
            if job.watched and job.state != "ended":
                self.group.jobs.take(job)

    def watch(self, *numbers: int, identifier: str = "") -> None:
        """Add jobs by number, or one by any identifier."""
        for number in numbers:
            self.store.jobs.add(Wanted(JobArn.parse(arn(number)), "us-east-1"), self.now, ask=False)
        if identifier:
            self.store.jobs.add(Wanted(identifier, "us-east-1"), self.now, ask=True)
        self.restart()

    def turn(self, after: float = 0.0) -> float | None:
        """Take a turn, *after* some seconds."""
        self.now += after
        return anyio.run(self.group.turn)

    def told(self) -> list[tuple[str, list[Transition]]]:
        """Return the events so far: subjects and transitions."""
        return [(event.subject, list(event.transitions)) for event, _ in self.store.history.events()]

    def messages(self) -> int:
        """Return how many deliveries were queued."""
        return len(self.store.history.deliveries())

    async def _transact(self, verb: Callable[[*Ts], T], *args: *Ts) -> T:
        return verb(*args)


@contextmanager
def scene(directory: Path) -> Iterator[Scene]:
    """Give a scene with a database in *directory*."""
    store = Store.open(directory / "scene.db")
    try:
        yield Scene(store)
    finally:
        store.close()
