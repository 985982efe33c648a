"""What AWS has to allow, and what is called at all: IAM policies of exactly the operations that looking needs.

Pure, and cheap to import.  Not its business: what is watched (``cli.iam``), and asking AWS (``client``).
Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; IAM User Guide,
"IAM JSON policy element reference".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from watcher.bedrock.kinds import KINDS

ANY = "*"
"""The account of jobs given by name, as long as nobody knows whose they are; and the region where none is named."""

READ_TAGS = "ListTagsForResource"

OF_A_QUEUE = ("ReceiveMessage", "DeleteMessage")
"""All that is ever asked of a queue of SQS."""

Statement = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """Jobs of one kind in one region of one *account* are looked at; *found* by a rule, and by their *tags* if so."""

    account: str
    kind: str
    region: str
    found: bool = False
    tags: bool = False

    @property
    def lists(self) -> bool:
        """Whether List is asked: to find jobs, or because it tells whether they moved."""
        return self.found or KINDS[self.kind].listed

    def arn(self, home: str) -> str:
        """Return the ARN pattern of all that is looked at; ANY region is one of the partition *home*."""
        where = home if self.region == ANY else partition(self.region)
        return f"arn:{where}:bedrock:{self.region}:{self.account}:{self.kind}/*"


@dataclass(frozen=True, slots=True, order=True)
class QueueNeed:
    """The messages of a queue of one *account* are received and deleted."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return f"arn:{partition(self.region)}:sqs:{self.region}:{self.account}:{self.name}"


def policies(needs: Iterable[Need], queues: Iterable[QueueNeed] = (), home: str = "aws") -> dict[str, dict[str, Any]]:
    """Return the least policy of each account, by its number (ANY where it is not known).

    *home* is the partition of what is needed in any region.
    """
    by_account: dict[str, list[Need]] = {}
    for need in sorted(set(needs)):
        by_account.setdefault(need.account, []).append(need)
    read: dict[str, list[str]] = {}
    for queue in sorted(set(queues)):
        read.setdefault(queue.account, []).append(queue.arn)
    return {
        account: document([*_statements(by_account.get(account, ()), home), *_queues(read.get(account, []))])
        for account in {**by_account, **read}
    }


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """Return a policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def assume(roles: Iterable[str]) -> Statement:
    """Return the statement by which roles may be assumed: for the identity that the daemon has by itself."""
    return _allow("AssumeRoles", ["sts:AssumeRole"], sorted(set(roles)))


def partition(region: str) -> str:
    """Return the partition of a region (AWS General Reference; botocore's ``partitions.json``)."""
    prefixes = {
        "cn-": "aws-cn",
        "us-gov-": "aws-us-gov",
        "us-iso-": "aws-iso",
        "us-isob-": "aws-iso-b",
        "eu-isoe-": "aws-iso-e",
        "us-isof-": "aws-iso-f",
        "eusc-": "aws-eusc",
    }
    return next((name for prefix, name in prefixes.items() if region.startswith(prefix)), "aws")


def home_of(regions: Iterable[str]) -> str:
    """Return the partition that all these regions are in; else AWS's main one."""
    found = {partition(region) for region in regions}
    return found.pop() if len(found) == 1 else "aws"


def _statements(needs: Sequence[Need], home: str) -> list[Statement]:
    """Return one statement for each kind's Get, one for all Lists (which have no resource), and one for tags."""
    statements = []
    for kind in KINDS:
        arns = sorted({need.arn(home) for need in needs if need.kind == kind})
        if arns:
            get = KINDS[kind].get_operation
            statements.append(_allow(get, [f"bedrock:{get}"], arns))
    lists = {f"bedrock:{KINDS[need.kind].list_operation}" for need in needs if need.lists}
    if lists:
        statements.append(_allow("ListJobs", sorted(lists), [ANY]))
    if tagged := sorted({need.arn(home) for need in needs if need.tags}):
        statements.append(_allow("ReadTags", [f"bedrock:{READ_TAGS}"], tagged))
    return statements


def _queues(arns: list[str]) -> list[Statement]:
    return [_allow("ReadQueues", [f"sqs:{operation}" for operation in OF_A_QUEUE], arns)] if arns else []


def _allow(sid: str, actions: list[str], resources: list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
