"""Jobs of every kind on the command line: how they are added, and how they are shown."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support_cli import Program, program
from support_simulator import NOON

from watcher import clock
from watcher.bedrock.kinds import KINDS
from watcher.identifiers import NAMED
from watcher.model import JobArn, Sighting
from watcher.simulator import others
from watcher.simulator.timeline import Script, begin
from watcher.store import Store
from watcher.store.jobs import Wanted

__all__ = ["program"]

SCRIPTS = (
    others.importing(),
    others.partial_batch(),
    others.failing_evaluation(),
    others.copying(),
    others.deployment(),
    others.provisioned(),
    others.prompt(),
)


def watch(store: Store, script: Script, phase: int) -> None:
    """Watch a scripted job, of which AWS has answered what it says in that *phase*."""
    run = begin(script, "abcdefghij12", NOON)
    kind, facts = KINDS[script.kind], run.response(phase)
    wanted = Wanted(JobArn.parse(run.arn), script.region)
    job, _ = store.jobs.add(wanted, clock.now(), ask=False)
    snapshot = kind.read(facts)
    base_model, customization = kind.alike(facts)
    store.ledger.record(
        Sighting(
            job=job.id,
            version=0,
            facts=facts,
            response=json.dumps(facts),
            snapshot=snapshot,
            transitions=(),
            postings=(),
            state="ended" if snapshot.outcome.terminal else "running",
            arn=run.arn,
            account=script.account,
            mark=1,
            base_model=base_model,
            customization=customization,
            reminded=(),
            remind_at=0.0,
            seen_at=clock.now(),
            next_poll_at=clock.now() + 60,
            closing_at=0.0,
        )
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_arn_picks_the_kind(program: Program, kind: str) -> None:
    resource = "amazon.nova-lite-v1:0/abcdefghij12" if kind == "model-customization-job" else "abcdefghij12"
    arn = f"arn:aws:bedrock:us-east-1:123456789012:{kind}/{resource}"
    assert program("add", arn) == 0
    assert "warning: arn" not in program.err
    program("list", "-o", "json")
    (job,) = program.document()["jobs"]
    assert (job["arn"], job["kind"], job["account"]) == (arn, kind, "123456789012")


@pytest.mark.parametrize("kind", NAMED)
def test_a_word_is_of_the_kind_that_is_said(program: Program, kind: str) -> None:
    """A name or an id; without --kind, it is the name of a customization job."""
    said = ["--kind", kind] if kind != "model-customization-job" else []
    assert program("add", "abcdefghij12", "--region", "us-east-1", *said) == 0
    program("list", "-o", "json")
    assert [job["kind"] for job in program.document()["jobs"]] == [kind]


def test_one_word_may_name_jobs_of_several_kinds(program: Program) -> None:
    for kind in ("model-import-job", "provisioned-model", "model-import-job"):
        assert program("add", "support", "--region", "us-east-1", "--kind", kind) == 0
    program("list", "-o", "json")
    assert sorted(job["kind"] for job in program.document()["jobs"]) == ["model-import-job", "provisioned-model"]


@pytest.mark.parametrize(
    ("word", "kind", "said"),
    [
        ("nightly", "model-invocation-job", "nor the id of a model-invocation-job (12 letters and digits): 'nightly'"),
        ("a.b", "provisioned-model", "nor the name of a provisioned-model: 'a.b'"),
        ("a_b", "model-import-job", "nor the name of a model-import-job: 'a_b'"),
        ("x", "evaluation-job", "'evaluation-job' is not one of"),
    ],
)
def test_a_word_that_aws_cannot_find_a_job_by_is_refused(program: Program, word: str, kind: str, said: str) -> None:
    assert program("add", word, "--region", "us-east-1", "--kind", kind) == 2
    assert said in program.err


def test_a_kind_that_the_arn_says_already_is_needless(program: Program) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:model-import-job/abcdefghij12"
    assert program("add", arn, "--kind", "model-import-job") == 0
    assert "--kind is for jobs given by name" in program.err


def test_the_list_tells_how_far_a_batch_is_and_what_each_job_is(program: Program) -> None:
    with program.store() as store:
        for script in SCRIPTS:
            watch(store, script, 0)
    assert program("list") == 0
    rows = {row[0]: row for row in program.rows()}
    assert rows["nightly-invoices"][1] == "Submitted (queued)"
    assert rows["support-units"][1] == "Creating"
    assert {row[-1] for row in rows.values()} == set(KINDS) - {"model-customization-job"}


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.kind for script in SCRIPTS])
def test_show_tells_all_of_a_job_of_any_kind(program: Program, script: Script) -> None:
    with program.store() as store:
        watch(store, script, -1)
    assert program("show", script.name) == 0
    assert re.search(rf"\n  kind +{script.kind}\n", program.out)
    assert program("show", script.name, "-o", "json") == 0
    (job,) = program.document().get("jobs", [program.document()])
    expected: dict[str, Any] | None = None
    if script.kind == "model-invocation-job":
        expected = {"total": 20_000, "processed": 18_400, "succeeded": 18_280, "failed": 120, "percent": 92}
        assert program("list", "--all") == 0
        assert "92 % of records" in program.out
    assert job["records"] == expected
    if script.failure_message:
        assert job["failure_message"] == script.failure_message
