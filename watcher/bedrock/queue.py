"""A queue of SQS: receiving its messages, and deleting those that have been dealt with.

Not its business: what a message says (``eventbridge``), and when it has been dealt with (``hints``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from watcher.bedrock.credentials import Credentials
from watcher.bedrock.faults import explain
from watcher.bedrock.keys import Keys
from watcher.bedrock.permissions import OF_A_QUEUE
from watcher.bedrock.settings import Settings
from watcher.errors import LookError, LookFault

RECEIVE, DELETE = OF_A_QUEUE

LONG_POLL = 20
"""Seconds that SQS waits for a message before it answers that there is none; its maximum."""

_BATCH = 10
_NO_RECEIPT = "none"
_SLACK = 10.0
_OWN_HOST = ".amazonaws.com"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as received: what it says, and what it is deleted by."""

    body: str
    receipt: str


class Queue:
    """One queue, by its URL.  Raises LookError, and nothing else, for whatever AWS and the credentials do."""

    def __init__(self, url: str, region: str, whose: Credentials, settings: Settings) -> None:
        self._url = url
        self._region = region
        patient = replace(settings, endpoint_url=_endpoint(url), read_timeout=LONG_POLL + _SLACK, connections=2)
        self._keys = Keys(whose, patient, service="sqs")
        self.longest_try = patient.longest_try + patient.credentials_timeout

    async def receive(self) -> list[Letter]:
        """Return what is there, having waited for it for LONG_POLL seconds at most."""
        response = await self._call(
            RECEIVE,
            lambda sqs: sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=LONG_POLL),
        )
        return [Letter(one.get("Body", ""), one["ReceiptHandle"]) for one in response.get("Messages", ())]

    async def delete(self, letter: Letter) -> None:
        """Take a message off the queue."""
        await self._call(DELETE, lambda sqs: sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt))

    async def probe(self) -> None:
        """See whether messages may be received and deleted.

        None is taken off or hidden from others; but to SQS one that is there has been received once more.
        """
        await self._call(
            RECEIVE, lambda sqs: sqs.receive_message(QueueUrl=self._url, VisibilityTimeout=0, WaitTimeSeconds=0)
        )
        try:
            await self.delete(Letter("", _NO_RECEIPT))
        except LookError as error:
            if error.fault is not LookFault.INVALID:  # who may not delete is refused before the receipt is read
                raise

    async def close(self) -> None:
        """Close the connections."""
        await self._keys.close()

    async def _call(self, operation: str, ask: Callable[[Any], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
        try:
            answer = await ask(await self._keys.client(self._region))
        except (BotoCoreError, ClientError, ResponseParserError, OSError, ValueError) as error:
            raise self._explained(error, operation) from error
        return answer

    def _explained(self, error: Exception, operation: str) -> LookError:
        known, whose = explain(error, operation, self._keys.whose), self._keys.whose
        if known.fault is LookFault.CREDENTIALS:
            self._keys.forget()
            return known
        remedy = known.remedy
        if known.code.lower().startswith("kms"):
            remedy = f"allow kms:Decrypt on the key that the queue is encrypted with to {whose.who}"
        elif known.fault is LookFault.DENIED:
            remedy = f"allow sqs:{operation} on {self._url} to {whose.who}"
        elif known.fault in (LookFault.NOT_FOUND, LookFault.INVALID):
            remedy = f"check the queue's url, and that it is seen with {whose.who}"
        return LookError(known.fault, known.code, known.reason, remedy)


def _endpoint(url: str) -> str | None:
    """Return where a queue that is not AWS's own is asked for; None for AWS's, whose place the SDK knows."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return None if host.startswith("sqs.") and _OWN_HOST in host else f"{parts.scheme}://{parts.netloc}"
