"""The other clients, each as it comes: boto3 with threads, boto3's paginator, Airflow's trigger, and the bare floor.

Run as ``python -m bench.rivals NAME ENDPOINT JOBS``: it makes itself ready, looks at all jobs once, and then once for
each line of stdin, and answers each time with the number of jobs that it has looked at.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bench.world import arn

_PATIENCE = 120.0
"""Seconds after which a client that waits in vain is called unmeasurable."""

Sweep = Callable[[], int]


class _Summary(msgspec.Struct):
    jobArn: str  # noqa: N815 - AWS's own names
    status: str
    lastModifiedTime: str  # noqa: N815
    statusDetails: msgspec.Raw  # noqa: N815


class _Page(msgspec.Struct):
    modelCustomizationJobSummaries: list[_Summary]  # noqa: N815
    nextToken: str | None = None  # noqa: N815


def boto3_get(endpoint: str, jobs: int) -> Sweep:
    """Ten threads, one client, a Get for each job."""
    client = _boto3(endpoint)
    pool = ThreadPoolExecutor(10)

    def sweep() -> int:
        def get(number: int) -> Any:
            return client.get_model_customization_job(jobIdentifier=arn(number))["status"]

        return len(list(pool.map(get, range(jobs))))

    return sweep


def boto3_list(endpoint: str, jobs: int) -> Sweep:
    """The paginator of List, with the largest pages."""
    del jobs
    paginator = _boto3(endpoint).get_paginator("list_model_customization_jobs")

    def sweep() -> int:
        pages = paginator.paginate(PaginationConfig={"PageSize": 1000})
        return sum(len(page["modelCustomizationJobSummaries"]) for page in pages)

    return sweep


def floor(endpoint: str, jobs: int) -> Sweep:
    """The least that can be done: List over one kept connection, unsigned, decoded, and not looked at."""
    del jobs
    parts = urlsplit(endpoint)
    loop = asyncio.new_event_loop()
    reader, writer = loop.run_until_complete(asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20))
    decoder = msgspec.json.Decoder(_Page)

    async def sweep() -> int:
        token, found = "0", 0
        while token:
            target = f"/model-customization-jobs?maxResults=1000&nextToken={token}"
            writer.write(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            page = decoder.decode(await reader.readexactly(length))
            token, found = page.nextToken or "", found + len(page.modelCustomizationJobSummaries)
        return found

    return lambda: loop.run_until_complete(sweep())


def airflow(endpoint: str, jobs: int) -> Sweep:
    """Airflow's deferrable trigger, one for each job, all in one event loop as its triggerer runs them."""
    # Airflow is no dependency, not even of the tests: README says how to add it.
    trigger = importlib.import_module("airflow.providers.amazon.aws.triggers.bedrock")
    waiting = trigger.BedrockCustomizeModelCompletedTrigger
    loop = asyncio.new_event_loop()
    polled = _count_waits(jobs)

    # Made before anything waits, so that one that cannot be made ends this process.
    ones = [
        waiting(job_name=arn(number), waiter_delay=1, waiter_max_attempts=10_000, aws_conn_id=None)
        for number in range(jobs)
    ]

    async def run(one: Any) -> None:
        async for _ in one.run():
            pass

    async def begin() -> None:
        begin.tasks = [asyncio.ensure_future(run(one)) for one in ones]  # type: ignore[attr-defined]

    del endpoint  # by AWS_ENDPOINT_URL, and the region by AWS_DEFAULT_REGION
    loop.run_until_complete(begin())
    return lambda: loop.run_until_complete(polled())


def _count_waits(jobs: int) -> Callable[[], Any]:
    """Return what waits until so many Gets more were made."""
    client = importlib.import_module("aiobotocore.client").AioBaseClient
    calls, made = 0, asyncio.Condition()
    plain = client._make_api_call

    async def counting(self: Any, *words: Any, **named: Any) -> Any:
        nonlocal calls
        try:
            return await plain(self, *words, **named)
        finally:
            calls += 1
            async with made:
                made.notify_all()

    client._make_api_call = counting

    async def polled() -> int:
        begun = calls
        async with asyncio.timeout(_PATIENCE), made:
            await made.wait_for(lambda: calls >= begun + jobs)
        return calls - begun

    return polled


def _boto3(endpoint: str) -> Any:
    return importlib.import_module("boto3").client("bedrock", region_name="us-east-1", endpoint_url=endpoint)


RIVALS: dict[str, Callable[[str, int], Sweep]] = {
    "boto3-get": boto3_get,
    "boto3-list": boto3_list,
    "airflow": airflow,
    "floor": floor,
}


def main(name: str, endpoint: str, jobs: int) -> None:
    """Sweep once, then once for each line of stdin."""
    answers, sys.stdout = sys.stdout, sys.stderr  # some clients log to stdout
    sweep = RIVALS[name](endpoint, jobs)
    print(json.dumps(sweep()), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps(sweep()), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
