"""A queue of SQS: receiving its messages, and deleting those that have been dealt with.

Not its business: what a message says (``eventbridge``), and when it has been dealt with (``hints``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import anyio

from watcher.bedrock.credentials import Credentials
from watcher.bedrock.faults import explain, explain_settings
from watcher.bedrock.keys import Keys
from watcher.bedrock.permissions import OF_A_QUEUE
from watcher.bedrock.redact import excerpt
from watcher.bedrock.settings import Settings
from watcher.errors import LookError, LookFault

RECEIVE, DELETE = OF_A_QUEUE

LONG_POLL = 20
"""Seconds that SQS waits for a message before it answers that there is none; its maximum."""

_BATCH = 10
_NO_RECEIPT = "none"
_SLACK = 10.0
_OWN_HOST = ".amazonaws.com"
_HASTE, _HASTY = 1.0, 5
"""An endpoint that reports an empty queue this fast (seconds), this often in a row, is not SQS."""

_PLACE = "check any proxy, endpoint_url, and that SQS answers at"


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
        self._hasty = 0
        self.longest_try = patient.longest_try + patient.credentials_timeout

    async def receive(self) -> list[Letter]:
        """Return what is there, having waited for it for LONG_POLL seconds at most."""
        began = anyio.current_time()
        response = await self._call(
            RECEIVE,
            lambda sqs: sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=LONG_POLL),
        )
        letters = read_messages(response)
        self._hasty = self._hasty + 1 if not letters and anyio.current_time() - began < _HASTE else 0
        if self._hasty >= _HASTY:
            what = f"it said {_HASTY} times at once that there is no message, though it was asked to wait for one"
            raise LookError(LookFault.ENDPOINT, "NoLongPolling", what, f"{_PLACE} {self._url}")
        return letters

    async def delete(self, letter: Letter) -> None:
        """Take a message off the queue."""
        await self._call(DELETE, lambda sqs: sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt))

    async def probe(self) -> None:
        """See whether messages may be received and deleted.

        None is taken off or hidden from others; but to SQS one that is there has been received once more.
        """
        response = await self._call(
            RECEIVE, lambda sqs: sqs.receive_message(QueueUrl=self._url, VisibilityTimeout=0, WaitTimeSeconds=0)
        )
        read_messages(response)
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
            client = await self._client()
            with anyio.fail_after(self.longest_try):
                return await ask(client)
        except Exception as error:  # the SDK may raise anything on foreign bytes
            raise self._explained(error, operation) from error

    async def _client(self) -> Any:  # noqa: ANN401 - the SDK is untyped
        try:
            return await self._keys.client(self._region)
        except LookError:
            raise
        except Exception as error:  # an invalid endpoint, region or proxy; the SDK raises many types for these
            raise explain_settings(error, self._keys.whose) from error

    def _explained(self, error: Exception, operation: str) -> LookError:
        whose = self._keys.whose
        known = error if isinstance(error, LookError) else explain(error, operation, whose)
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
        elif known.fault is LookFault.ENDPOINT:
            remedy = f"{_PLACE} {self._url}"
        return LookError(known.fault, known.code, known.reason, remedy)


def read_messages(response: Mapping[str, Any]) -> list[Letter]:
    """Return the messages of a *response* to ReceiveMessage; those without a receipt are left out.

    Raises LookError when none of those that are there can be dealt with, or they are no list.
    """
    messages = response.get("Messages") or []
    if not isinstance(messages, list):
        raise _unreadable(messages)
    letters = [
        Letter(one["Body"] if isinstance(one.get("Body"), str) else "", one["ReceiptHandle"])
        for one in messages
        if isinstance(one, dict) and isinstance(one.get("ReceiptHandle"), str) and one["ReceiptHandle"]
    ]
    if messages and not letters:
        raise _unreadable(messages[0])
    return letters


def _unreadable(what: object) -> LookError:
    remedy = "bedrock-watch asks again more slowly; what answers in the place of SQS?"
    return LookError(LookFault.MALFORMED, "MalformedResponse", f"a message is {excerpt(what)}", remedy)


def _endpoint(url: str) -> str | None:
    """Return where a queue that is not AWS's own is asked for; None for AWS's, whose place the SDK knows."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return None if host.startswith("sqs.") and _OWN_HOST in host else f"{parts.scheme}://{parts.netloc}"
