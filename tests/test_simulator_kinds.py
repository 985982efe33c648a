"""Each kind of the simulated Bedrock, asked by botocore itself: its paths, its filters, its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import support_simulator as support
from botocore import xform_name
from support_simulator import NOON, Bedrock, Clock, client, code

from watcher.bedrock.kind import Kind
from watcher.bedrock.kinds import KINDS
from watcher.errors import UsageError
from watcher.identifiers import COPY, NAMED
from watcher.simulator import SCENARIOS, Fault, Refusal, Script, Simulator
from watcher.simulator import Kind as Trouble
from watcher.simulator.plays import PLAYS

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)
bedrock = pytest.fixture(support.bedrock)

EACH_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def scripts(kind: Kind) -> Iterator[Script]:
    """Yield every ready script of that kind."""
    yield from (make() for make in SCENARIOS.values() if make().kind == kind.name)


def get(bedrock: Bedrock, kind: Kind, identifier: str) -> dict[str, Any]:
    """Return what a Get answers."""
    found: dict[str, Any] = getattr(bedrock, xform_name(kind.get_operation))(**{kind.identifier: identifier})
    return found


def listed(bedrock: Bedrock, kind: Kind, **filters: object) -> list[str]:
    """Return the ARNs on one page of a List."""
    page = getattr(bedrock, xform_name(kind.list_operation))(**filters)
    return [row[kind.list_members.arn] for row in page[kind.list_members.summaries]]


@EACH_KIND
def test_a_list_has_the_jobs_of_its_kind_and_no_others(kind: Kind, simulator: Simulator, bedrock: Bedrock) -> None:
    arns = {make().kind: simulator.play(make()) for make in SCENARIOS.values()}
    assert arns[kind.name] in listed(bedrock, kind)
    assert all(f":{kind.name}/" in arn for arn in listed(bedrock, kind))
    for other, arn in arns.items():
        if other != kind.name:
            assert code(lambda arn=arn: get(bedrock, kind, arn)) == ("ResourceNotFoundException", 404)  # type: ignore[misc]


@EACH_KIND
def test_a_job_is_found_by_what_aws_takes_and_by_nothing_else(
    kind: Kind, simulator: Simulator, bedrock: Bedrock
) -> None:
    script = next(scripts(kind))
    arn = simulator.play(script)
    words = [word for word in (script.name, arn[-12:]) if found(bedrock, kind, word)]
    assert get(bedrock, kind, arn)[kind.members.arn] == arn
    play = PLAYS[kind.name]
    assert words == [script.name] * play.named + [arn[-12:]] * play.short
    assert bool(words) == (kind.name in NAMED)


def found(bedrock: Bedrock, kind: Kind, word: str) -> bool:
    try:
        get(bedrock, kind, word)
    except bedrock.exceptions.ResourceNotFoundException:
        return False
    return True


@EACH_KIND
def test_filters_and_pages_work_under_each_kinds_own_names(
    kind: Kind, simulator: Simulator, clock: Clock, bedrock: Bedrock
) -> None:
    first = next(scripts(kind))
    old = simulator.play(first)
    clock.now = NOON + 3 * 86_400
    new = simulator.play(first)
    play = PLAYS[kind.name]
    assert listed(bedrock, kind, sortOrder="Ascending") == [old, new]
    assert listed(bedrock, kind, maxResults=1) == [new]
    for pages in bedrock_pages(bedrock, kind):
        assert len(pages) == 1
    if play.bounds:
        after, before = play.bounds
        middle = datetime.fromtimestamp(NOON, UTC) + timedelta(days=1)
        assert listed(bedrock, kind, **{after: middle}) == [new]
        assert listed(bedrock, kind, **{before: middle}) == [old]
        status = first.phases[-1].status
        assert listed(bedrock, kind, statusEquals=status) == [old]
    named = "targetModelNameContains" if kind.name == COPY else "nameContains"
    if play.name_filter:
        assert listed(bedrock, kind, **{named: first.name[2:5]}) == [new, old]
        assert listed(bedrock, kind, **{named: "nobody"}) == []


def bedrock_pages(bedrock: Bedrock, kind: Kind) -> Iterator[list[Any]]:
    """Yield the summaries of each page of one."""
    token: dict[str, str] = {}
    while True:
        page = getattr(bedrock, xform_name(kind.list_operation))(maxResults=1, **token)
        yield page[kind.list_members.summaries]
        if "nextToken" not in page:
            return
        token = {"nextToken": page["nextToken"]}


@EACH_KIND
def test_a_denial_names_the_kinds_own_operation(kind: Kind, simulator: Simulator, bedrock: Bedrock) -> None:
    simulator.inject(Fault(kind=Trouble.DENIED))
    for ask, operation in ((lambda: get(bedrock, kind, "x"), 0), (lambda: listed(bedrock, kind), 1)):
        with pytest.raises(bedrock.exceptions.AccessDeniedException, match=f"bedrock:{kind.operations[operation]}"):
            ask()


@EACH_KIND
def test_only_what_can_be_stopped_stops(kind: Kind, simulator: Simulator, clock: Clock, endpoint: str) -> None:
    arn = simulator.play(next(scripts(kind)))
    if "Stopping" not in kind.outcomes:
        with pytest.raises(Refusal, match="cannot be stopped"):
            simulator.stop(arn)
        return
    simulator.stop(arn, seconds=5)
    with client(endpoint) as bedrock:
        assert get(bedrock, kind, arn)[kind.members.status] == "Stopping"
        clock.now += 6
        assert get(bedrock, kind, arn)[kind.members.status] == "Stopped"


def test_the_statuses_that_are_played_are_those_that_are_classed() -> None:
    """Two tables, each checked against AWS's model by its own test, and against the other here."""
    for name, play in PLAYS.items():
        assert set(play.statuses) == set(KINDS[name].outcomes)
        assert play.terminal == {word for word, outcome in KINDS[name].outcomes.items() if outcome.terminal}


def test_a_kind_that_is_not_played_is_refused() -> None:
    with pytest.raises(UsageError, match="no kind 'agent'"):
        Script("x", next(scripts(KINDS["evaluation-job"])).phases, kind="agent")
