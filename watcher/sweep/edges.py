"""What the sweep needs of the outside, as small protocols; the daemon passes the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, TypeVarTuple

from watcher.bedrock.answers import Answer, Page
from watcher.model import Job, Posting, Sighting, Transition
from watcher.policy import Traits
from watcher.store.findings import Finding, Findings
from watcher.store.ledger import Miss, Scope

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Eyes(Protocol):
    """How AWS is asked.  Raises LookError, and nothing else."""

    async def get(self, identifier: str) -> Answer:
        """Return what AWS says of one job."""

    async def page(self, created_after: float, token: str | None, status: str = "") -> Page:
        """Return one page of the jobs created after *created_after* (epoch seconds), of one *status* or of all."""

    async def tags(self, arn: str) -> Mapping[str, str]:
        """Return the tags that a job has in AWS."""


class Book(Protocol):
    """What the sweep remembers.  Each verb is one transaction."""

    def jobs(self, ids: Sequence[int]) -> list[Job]:
        """Return the jobs of these numbers."""

    def traits(self, ids: Sequence[int]) -> list[Traits]:
        """Return what channels can choose the jobs of these numbers by."""

    def facts(self, job: int) -> tuple[int, Mapping[str, Any] | None]:
        """Return the snapshot's version and merged facts."""

    def usual(self, base_model: str, customization: str, now: float) -> tuple[float, ...]:
        """Return how many seconds the last completed jobs of that base model and type took."""

    def record(self, sighting: Sighting) -> int:
        """Write snapshot, event and deliveries."""

    def missed(self, job: int, miss: Miss, now: float) -> None:
        """Write that a look at a job failed."""

    def scope(self, key: str) -> Scope | None:
        """Return what is wrong with a scope."""

    def answer(self, jobs: Sequence[int]) -> None:
        """Write that those who asked about *jobs* have their answer."""

    def scope_missed(self, key: str, miss: Miss, now: float) -> None:
        """Write that a whole scope could not be looked at."""

    def scope_regained(
        self, key: str, now: float, transitions: tuple[Transition, ...], postings: Sequence[Posting]
    ) -> None:
        """Write that a scope can be looked at again."""


class FindingsBook(Protocol):
    """What discovery remembers.  Each verb is one transaction."""

    def findings(self, key: str) -> Findings:
        """Return how far the jobs of a scope are known."""

    def unknown(self, arns: Sequence[str]) -> set[str]:
        """Return which of these jobs a rule may take up."""

    def find(self, key: str, state: Findings, found: Sequence[Finding], now: float) -> None:
        """Watch what was found, and write how far the scope's jobs are known now."""


class Transact(Protocol):
    """Runs a verb where the database lives; a cancellation waits for it to end."""

    async def __call__(self, verb: Callable[[*Ts], T], *args: *Ts) -> T:
        """Return what ``verb(*args)`` returns."""
