"""What AWS answers, as far as polling needs it decoded.

Source: Amazon Bedrock API reference, ListModelCustomizationJobs and GetModelCustomizationJob.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec


class Summary(msgspec.Struct, frozen=True):
    """One job of a List page, as far as it tells whether the job must be asked for."""

    jobArn: str  # noqa: N815 - AWS's own names
    status: str
    jobName: str = ""  # noqa: N815
    lastModifiedTime: str | float | None = None  # noqa: N815
    statusDetails: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815


class Page(msgspec.Struct, frozen=True):
    """One page of List."""

    modelCustomizationJobSummaries: list[Summary] = []  # noqa: N815
    nextToken: str | None = None  # noqa: N815


class Answer(NamedTuple):
    """A Get response: its members, and its text as AWS sent it."""

    facts: dict[str, Any]
    text: str
