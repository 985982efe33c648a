"""The keys that say which queues tell of jobs at once.

Not its business: whether AWS agrees (``bedrock``).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from urllib.parse import urlsplit

from watcher.config.reader import Table
from watcher.config.sections import A_REGION, REGION
from watcher.config.values import AwsConfig, QueueConfig

# Amazon SQS Developer Guide, "Queue and message identifiers": https://sqs.<region>.amazonaws.com/<account>/<name>.
_URL = r"https?://[^\s/?#@]+/(?:[^\s?#]+/)?[A-Za-z0-9_-]{1,80}(\.fifo)?"
_A_URL = "a queue's URL, such as https://sqs.us-east-1.amazonaws.com/123456789012/bedrock-jobs"
_HOST = rf"(?:.*\.)?sqs\.(?P<region>{REGION})\..*"


def read_queues(tables: list[Table], aws: AwsConfig) -> tuple[QueueConfig, ...]:
    """Read the ``[[queue]]`` tables."""
    queues: dict[str, QueueConfig] = {}
    for table in tables:
        queue = _queue(table, aws)
        table.close()
        if queue is None:
            continue
        if queue.url in queues:
            table.wrong("url", "is there twice", "keep one of the two")
        queues[queue.url] = queue
    times = Counter(one.name for one in queues.values())
    return tuple(replace(one, title=one.name if times[one.name] == 1 else one.url) for one in queues.values())


def _queue(table: Table, aws: AwsConfig) -> QueueConfig | None:
    url = table.matching("url", _URL, _A_URL)
    region, profile = table.matching("region", REGION, A_REGION), table.text("profile")
    if url is None:
        if "url" not in table:
            table.wrong("url", "is missing", f"give {_A_URL}")
        return None
    parts = urlsplit(url)
    *_, owner, name = ("", *parts.path.split("/"))
    told = re.fullmatch(_HOST, parts.hostname or "")
    place = region or (told["region"] if told else aws.region)
    if place is None:
        table.wrong("region", "is missing, and the url does not tell it", f"give {A_REGION}")
    account = owner if re.fullmatch(r"[0-9]{12}", owner) else None
    return QueueConfig(url, name=name, region=place or "", account=account, profile=profile)
