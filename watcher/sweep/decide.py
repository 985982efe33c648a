"""What one answer, or one failure, means for one job.  Pure: time and luck are arguments.

Not its business: asking, and writing it down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from watcher.bedrock.answers import Answer
from watcher.bedrock.kind import Kind, MalformedResponse, text_of
from watcher.clock import utc
from watcher.diff import diff, is_stale, merge
from watcher.errors import BadIdentifier, LookError, LookFault
from watcher.model import (
    JobArn,
    Sighting,
    Snapshot,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.policy import (
    BLIND_FAILURES,
    LINGER,
    MISSES,
    SLOWEST_RETRY,
    VANISHED_RETRY,
    Cadence,
    Limits,
    Reminding,
    Route,
    is_blind,
    last_word_is_in,
    next_look,
    post,
    remind,
    retry_look,
)
from watcher.store.ledger import Miss, Scope
from watcher.sweep.watched import Watched, mark_of_facts

AGAIN = "bedrock-watch asks again soon"

_AHEAD = timedelta(days=1)
"""How far AWS's clock may be ahead of ours: with more its signatures would not be taken either."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What every decision of one turn shares: the configuration in force, and the turn's luck in [0, 1).

    *may_remind* is False while the clock is not known to be right: then nothing takes too long.
    """

    kind: Kind
    cadence: Cadence
    limits: Limits
    routes: tuple[Route, ...]
    luck: float
    may_remind: bool = True


def sight(
    how: Circumstances,
    job: Watched,
    answer: Answer,
    known: tuple[int, Mapping[str, Any] | None],
    usual: tuple[float, ...],
    now: float,
) -> Sighting | None:
    """Return what is to be written about a successful Get; None for a response that is older than what is known.

    *known* is the stored version and facts, *usual* how many seconds jobs like this one took.  Raises LookError when
    the response is not one of this job.
    """
    version, old_facts = known
    fresh = _read(how.kind, answer.facts)
    _check_age(fresh, now)
    arn = _arn(how.kind, job, answer.facts)
    old = None if old_facts is None else _stored(how.kind, old_facts)
    if old is None:
        old_facts = None
    if old is not None and is_stale(old, fresh):
        return None
    facts = merge(old_facts or {}, answer.facts)
    new = _read(how.kind, facts)
    told, possible = frozenset(job.reminded), how.kind.reminders
    reminding = remind(new, how.limits, utc(now), expected=job.expected, usual=usual, told=told, possible=possible)
    if reminding.due and not how.may_remind:
        reminding = Reminding((), told, utc(now))
    transitions = (*diff(old, new), *_regained(job), *reminding.due)
    traits = replace(job.traits, account=arn.account, names=tuple(dict.fromkeys((*job.traits.names, new.name))))
    closing_at = (job.closing_at or now + LINGER) if new.outcome.terminal else 0.0
    state = _state(new, closing_at, now)
    moved = new.changed_at or new.created_at
    changed_at = moved.timestamp() if moved else now
    base_model, customization = how.kind.alike(facts)
    return Sighting(
        job=job.id,
        version=version,
        facts=facts,
        response=answer.text,
        snapshot=new,
        transitions=transitions,
        postings=post(transitions, [traits], how.routes, utc(now)),
        state=state,
        arn=str(arn),
        account=arn.account,
        mark=mark_of_facts(how.kind, answer.facts),
        base_model=base_model,
        customization=customization,
        reminded=tuple(sorted(reminding.told)),
        remind_at=reminding.next_at.timestamp() if reminding.next_at else 0.0,
        seen_at=now,
        next_poll_at=now + next_look(how.cadence, max(now - changed_at, 0.0), how.luck),
        closing_at=closing_at,
    )


def _stored(kind: Kind, facts: Mapping[str, Any]) -> Snapshot | None:
    """Return the stored snapshot; None if it is unreadable (another version, or somebody else, wrote it)."""
    try:
        return kind.read(facts)
    except MalformedResponse:
        return None


def is_worth_writing(job: Watched, seen: Sighting, old_facts: Mapping[str, Any] | None) -> bool:
    """Return whether a sighting differs from what is stored: an idle look writes nothing."""
    return bool(
        seen.transitions
        or job.asked
        or job.failures
        or seen.state != job.state
        or seen.facts != old_facts
        or seen.reminded != job.reminded
        or seen.remind_at != job.remind_at
        or seen.seen_at - job.confirmed_at > 3600.0  # the daily confirmation, whatever hour it has
    )


def miss(how: Circumstances, job: Watched, error: LookError, now: float) -> Miss:
    """Return the state of a job after a failed look, with the news that it makes, if any."""
    failures, since = job.failures + 1, job.failing_since or now
    transitions: tuple[Transition, ...] = ()
    state = ""
    if error.fault is LookFault.NOT_FOUND and job.state != "new":
        if job.misses + 1 >= MISSES and job.state != "vanished":
            transitions, state = (Vanished(str(error.what)),), "vanished"
    elif not job.blind_since and is_blind(how.cadence, since, failures, now):
        transitions = (WatchLost(error.what, error.remedy, utc(since)),)
    gone = "vanished" in (state, job.state)
    delay = VANISHED_RETRY if gone else _retry(how, error, failures, since, now)
    postings = post(transitions, [job.traits], how.routes, utc(now))
    return Miss(failures, since, now + delay, error.dump(), transitions, postings, state)


def scope_miss(how: Circumstances, scope: Scope | None, error: LookError, now: float) -> Miss:
    """Return the state of a whole scope after a failed turn, with the news that it makes, not yet addressed."""
    failures = scope.failures + 1 if scope else 1
    since = scope.failing_since if scope else now
    transitions: tuple[Transition, ...] = ()
    if not (scope and scope.blind_since) and is_blind(how.cadence, since, failures, now):
        transitions = (WatchLost(error.what, error.remedy, utc(since)),)
    delay = _retry(how, error, failures, since, now)
    return Miss(failures, since, now + delay, error.dump(), transitions)


def _retry(how: Circumstances, error: LookError, failures: int, since: float, now: float) -> float:
    """Return the delay until the next try; at most until an outage must be reported."""
    delay = retry_look(how.cadence, failures, how.luck, error.retry_after)
    told_at = since + how.cadence.blind_after
    if failures < BLIND_FAILURES - 1 or now >= told_at:
        return delay
    return max(min(delay, told_at - now), min(error.retry_after, SLOWEST_RETRY))


def shared_fault(errors: Sequence[LookError], *, looked: bool, others_work: bool = False) -> LookError | None:
    """Return the error that a whole scope shares, or None when each job has its own.

    *looked*: whether something in the scope could be looked at.  *others_work*: whether there are jobs that were not
    asked this time and worked the last time.
    """
    if not errors:
        return None
    first = errors[0]
    of_all = next((error for error in errors if error.fault in _OF_ALL), None)
    if of_all is not None or looked or not are_alike(errors):
        return of_all
    if others_work and first.fault is not LookFault.THROTTLED:
        return None  # two failing jobs that happen to be due together must not slow down the healthy ones
    return first if len(errors) > 1 or first.of_scope else None


def are_alike(errors: Sequence[LookError]) -> bool:
    """Return whether *errors* can share one cause outside the jobs."""
    faults = {error.fault for error in errors}
    return bool(faults) and (faults <= _OUTAGE or (len(faults) == 1 and faults <= _SHARED))


_OF_ALL = frozenset({LookFault.CREDENTIALS, LookFault.SETTINGS})
"""Errors that a single job cannot cause."""

_OUTAGE = frozenset({LookFault.SERVER, LookFault.THROTTLED, LookFault.NETWORK, LookFault.ENDPOINT})
"""Errors of an outage of AWS or the network, which may alternate."""

_SHARED = frozenset({LookFault.DENIED, LookFault.MALFORMED})


def _read(kind: Kind, facts: Mapping[str, Any]) -> Snapshot:
    try:
        return kind.read(facts)
    except MalformedResponse as error:
        raise LookError(LookFault.MALFORMED, "MalformedResponse", str(error), AGAIN) from error


def _check_age(fresh: Snapshot, now: float) -> None:
    """Raise LookError for a change of the future: every later answer would be taken for an older truth."""
    if fresh.changed_at is not None and fresh.changed_at > utc(now) + _AHEAD:
        what = f"its last change is of {fresh.changed_at:%Y-%m-%d %H:%M:%S}, which is to come"
        raise LookError(LookFault.MALFORMED, "MalformedResponse", what, "check this machine's clock")


def _arn(kind: Kind, job: Watched, facts: Mapping[str, Any]) -> JobArn:
    try:
        text = text_of(facts, kind.members.arn, required=True)
        arn = JobArn.parse(text)
    except (MalformedResponse, BadIdentifier) as error:
        raise LookError(LookFault.MALFORMED, "MalformedResponse", str(error), AGAIN) from error
    if job.arn and job.arn != text and not _same_job(arn, job.arn):
        raise LookError(
            LookFault.INVALID,
            "AnotherJob",
            f"{job.identifier} now means {text}, not {job.arn}",
            "add the new job by its ARN",
        )
    return arn


def _same_job(arn: JobArn, known: str) -> bool:
    try:
        return arn.same_job(JobArn.parse(known))
    except BadIdentifier:  # text in the database is as untrusted as AWS's text
        return False


def _regained(job: Watched) -> tuple[Transition, ...]:
    return (WatchRegained(utc(job.failing_since or job.blind_since)),) if job.blind_since else ()


def _state(snapshot: Snapshot, closing_at: float, now: float) -> str:
    if not snapshot.outcome.terminal:
        return "running"
    return "ended" if last_word_is_in(snapshot) or now >= closing_at else "closing"
