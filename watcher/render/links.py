"""Where to go on reading: addresses in the AWS console.

Not its business: AWS's manual (``advice``), how a link is marked up (the printers).

What is known, and what is assumed: the console's host of a partition, its regional form
(``<region>.console.aws.amazon.com``) and the address of an S3 prefix are in public use, in aws and in aws-us-gov, and
documented for aws-cn.  The fragments are those of the pages that list what a kind of job is or makes, as they are in
public use.  Of the page of one job no address is documented, and those in public use contradict each other: hence the
list, where the job is found by its name.  Evaluations and prompt optimizations have no page that is known well
enough: the console's first one stands for it.  The hosts of other partitions (iso, eusc) are not publicly known well
enough: no link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from watcher.errors import BadIdentifier
from watcher.model import COPY, CUSTOMIZATION, DEPLOYMENT, IMPORT, INVOCATION, PROVISIONED, JobArn
from watcher.render.particulars import place_of
from watcher.render.story import Link, Story

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}

_PAGES = {
    CUSTOMIZATION: "custom-models",
    COPY: "custom-models",
    DEPLOYMENT: "custom-models",
    IMPORT: "imported-models",
    INVOCATION: "batch-inference",
    PROVISIONED: "provisioned-throughput",
}

# Amazon S3 User Guide, "General purpose bucket naming rules".
_S3 = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)


def links(story: Story) -> Iterator[Link]:
    """Yield the links of a job: the page of its region that lists such jobs, and where its output goes."""
    try:
        arn = JobArn.parse(story.job.arn) if story.job else None
    except BadIdentifier:
        return  # not learnt yet
    console = _CONSOLES.get(arn.partition) if arn else None
    if arn is None or console is None:
        return
    host = f"https://{arn.region}.{console}"
    yield Link("Bedrock console", f"{host}/bedrock/home?region={arn.region}#/{_PAGES.get(arn.kind, 'overview')}")
    if story.snapshot is not None:
        yield from _bucket(host, arn.region, place_of(arn.kind, story.snapshot.facts))


def _bucket(host: str, region: str, uri: str) -> Iterator[Link]:
    match = _S3.fullmatch(uri)
    if match is None:
        return
    folder = (match[2] or "").strip("/")
    prefix = f"&prefix={quote(folder, safe='', errors='replace')}%2F" if folder else ""
    yield Link("Output in S3", f"{host}/s3/buckets/{match[1]}?region={region}{prefix}")
