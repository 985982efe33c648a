"""A second Bedrock, which is not ours: moto's server, with a job that is made, watched by its name, and stopped.

What is special about moto 5.2.5: a Get finds names only, ``failureMessage`` is always "Failure Message" and
``endTime`` is always set, times carry no offset, a stop is at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from moto.server import ThreadedMotoServer
from support_daemon import Home, hook_url, posted
from support_receivers import web_receiver
from support_simulator import client

NAME = "nova-support-v3"


@pytest.fixture
def moto() -> Iterator[str]:
    """The URL of a moto that has no jobs yet."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # Its jobs are the process's, not the server's: those of an earlier test are still there.
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=60).raise_for_status()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def create(bedrock: Any, name: str = NAME) -> str:
    """Make a job as a user does, and return its ARN."""
    made = bedrock.create_model_customization_job(
        jobName=name,
        customModelName=f"{name}-model",
        roleArn="arn:aws:iam::123456789012:role/bedrock-customization",
        baseModelIdentifier="amazon.nova-lite-v1:0:300k",
        trainingDataConfig={"s3Uri": "s3://bucket/train.jsonl"},
        outputDataConfig={"s3Uri": "s3://bucket/output"},
        hyperParameters={"epochCount": "2"},
    )
    return str(made["jobArn"])


def test_a_job_that_is_watched_by_its_name_is_told_when_it_is_stopped_and_as_nothing_worse(
    moto: str, tmp_path: Path
) -> None:
    """The failureMessage and endTime that moto gives a running job are not a failure, and not an end."""
    with client(moto, read_timeout=60) as bedrock, web_receiver() as hook:
        arn = create(bedrock)
        home = Home(tmp_path, moto, [NAME], {"hook": hook_url(hook)})
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT state, arn FROM jobs") == [("running", arn)])
            bedrock.stop_model_customization_job(jobIdentifier=NAME)  # type: ignore[attr-defined]
            daemon.wait_for(lambda: hook.requests)
            assert daemon.terminate() == 0
        (alert,) = posted(hook)
    assert alert.title.startswith(f"[bedrock] STOPPED {NAME} after ")
    assert "Job: InProgress -> Stopped" in alert.body
    assert "Failure Message" not in alert.body
    assert home.query(
        "SELECT state, json_extract(response, '$.failureMessage') FROM jobs JOIN snapshots ON job = id"
    ) == [("ended", "Failure Message")]
    assert home.logged("job_failing") == home.logged("bug") == []


def test_jobs_are_found_on_a_list_that_answers_null_for_absent_members(moto: str, tmp_path: Path) -> None:
    """Moto answers ``"customizationType": null``, where AWS leaves the member out."""
    with client(moto, read_timeout=60) as bedrock:
        arn = create(bedrock, "nova-found")
        home = Home(tmp_path, moto)
        words = ("--account", "123456789012", "--region", "us-east-1", "--kind", "model-customization-job")
        found = home.run("discover", *words, "-o", "json")
    assert (found.returncode, found.stderr) == (0, "bedrock-watch: 1 job not watched yet: --add watches it\n")
    assert [job["arn"] for job in json.loads(found.stdout)["jobs"]] == [arn]


def test_jobs_that_motos_list_shows_with_null_members_are_watched_by_that_list(moto: str, tmp_path: Path) -> None:
    """Three jobs that are due together are listed; the List has null for what is absent, and that is no fault."""
    names = [f"{NAME}-{number}" for number in range(3)]
    with client(moto, read_timeout=60) as bedrock, web_receiver() as hook:
        for name in names:
            create(bedrock, name)
        home = Home(tmp_path, moto, names, {"hook": hook_url(hook)})
        with home.running() as daemon:
            listed = home.directory / "operations"
            daemon.wait_for(lambda: home.query("SELECT count(*) FROM snapshots") == [(len(names),)])
            daemon.wait_for(lambda: "ListModelCustomizationJobs" in listed.read_text())
            bedrock.stop_model_customization_job(jobIdentifier=names[1])  # type: ignore[attr-defined]
            daemon.wait_for(lambda: hook.requests)
            assert daemon.terminate() == 0
        (alert,) = posted(hook)
    assert alert.title.startswith(f"[bedrock] STOPPED {names[1]} after ")
    for trouble in ("list_failed", "list_rows_unreadable", "job_failing", "bug"):
        assert home.logged(trouble) == []
