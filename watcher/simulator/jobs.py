"""The jobs that exist, who may see which, and their documents, encoded once for each phase.

A job's documents change only when its phase does, so a page of a thousand unchanged jobs costs one copy.
Not its business: HTTP (``server``), what goes wrong (``faults``).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec

from watcher.simulator.listing import Key, Query, token
from watcher.simulator.plays import Play
from watcher.simulator.refusals import conflict
from watcher.simulator.timeline import Run, stop

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/,\s]+)/bedrock/aws4_request")
_ACCOUNT = re.compile(r"A[KS]IA(?P<account>\d{12})")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: *region* and *account* are empty where the request does not say, and then hide nothing.

    The region is that of the SigV4 credential scope (AWS General Reference, "Create a signed AWS API request").  An
    access key names no account; here, by our convention, one of ``AKIA`` (or ``ASIA``, of a session) and twelve digits
    acts for that account.  *key* is the access key, *token* that of the session.
    """

    region: str = ""
    account: str = ""
    key: str = ""
    token: str = ""

    @classmethod
    def of(cls, authorization: str, token: str = "") -> Caller:
        """Read an Authorization header; an unsigned request gives a caller who sees everything."""
        scope = _SCOPE.match(authorization)
        if not scope:
            return cls()
        account = _ACCOUNT.fullmatch(scope["key"])
        return cls(scope["region"], account["account"] if account else "", scope["key"], token)

    def sees(self, job: Job) -> bool:
        """Whether the job is in the caller's region and account."""
        script = job.run.script
        return self.region in ("", script.region) and self.account in ("", script.account)


class Job:
    """One job: its run, which a stop replaces, and its encoded documents by phase."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._documents: dict[tuple[str, int], msgspec.Raw] = {}

    @cached_property
    def key(self) -> Key:
        """Where the job stands in a list."""
        return int(self.run.created * 1000), self.run.arn

    def status(self, now: float) -> str:
        """Return AWS's status word at *now*."""
        return self.run.phases[self.run.index(now)].status

    def response(self, now: float) -> msgspec.Raw:
        """Return the encoded body of a Get at *now*."""
        return self._encoded("response", now)

    def summary(self, now: float) -> msgspec.Raw:
        """Return the encoded summary of a List at *now*."""
        return self._encoded("summary", now)

    def stop(self, now: float, seconds: float) -> None:
        """Stop the job; raises Refusal (ConflictException) when it no longer runs."""
        play = self.run.play
        if self.status(now) in (*play.terminal, "Stopping") or "Stopping" not in play.statuses:
            raise conflict(self.run.name, self.status(now), play.noun)
        # The documents of the phases so far stay true: a stop only changes what comes after.
        self.run = stop(self.run, now, seconds)

    def _encoded(self, kind: str, now: float) -> msgspec.Raw:
        run = self.run
        index = run.index(now)
        key = (kind, index)
        if key not in self._documents:
            document = run.response(index) if kind == "response" else run.summary(index)
            self._documents[key] = msgspec.Raw(msgspec.json.encode(document))
        return self._documents[key]


class Jobs:
    """All jobs of one kind, in the order of their creation."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._order: list[Job] = []
        self._by_arn: dict[str, Job] = {}
        self._by_word: dict[str, list[Job]] = {}
        self._names: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Job]:
        return iter(tuple(self._order))

    def add(self, job: Job) -> None:
        """Add a job."""
        insort(self._order, job, key=lambda each: each.key)
        self._by_arn[job.run.arn] = job
        self._names[job.run.name] += 1
        word = job.run.name if self._play.named else job.run.job_id if self._play.short else ""
        if word:
            self._by_word.setdefault(word, []).append(job)

    def count(self, name: str) -> int:
        """Return how many jobs have that name."""
        return self._names[name]

    def find(self, identifier: str, caller: Caller) -> Job | None:
        """Return the job of that ARN, or the latest of that name, that *caller* sees."""
        job = self._by_arn.get(identifier)
        found = [job] if job else self._by_word.get(identifier, [])
        return next((job for job in reversed(found) if caller.sees(job)), None)

    def page(self, query: Query, caller: Caller, now: float) -> tuple[list[Job], str]:
        """Return one page of a List, and the token of the next one (empty after the last)."""
        page: list[Job] = []
        for job in self._from(query):
            if not self._fits(job, query, caller, now):
                continue
            if len(page) == query.limit:
                return page, token(page[-1].key)
            page.append(job)
        return page, ""

    def _from(self, query: Query) -> Iterator[Job]:
        """Yield the jobs in the query's order, from where its token says."""
        order = self._order
        if query.ascending:
            start = bisect_right(order, query.after, key=lambda job: job.key) if query.after else 0
            return (order[place] for place in range(start, len(order)))
        end = bisect_left(order, query.after, key=lambda job: job.key) if query.after else len(order)
        return (order[place] for place in range(end - 1, -1, -1))

    def _fits(self, job: Job, query: Query, caller: Caller, now: float) -> bool:
        """Whether the job passes every filter."""
        after, before = query.created
        return (
            caller.sees(job)
            and after < job.key[0] < before
            and query.name in job.run.name
            and (not query.status or query.status == job.status(now))
        )
