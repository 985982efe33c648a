"""SQS and STS beside the simulated Bedrock, as far as bedrock-watch uses them, for drills of queues and roles.

Both are served at ``POST /``: SQS by its JSON protocol (Amazon SQS Developer Guide, "Making requests in AWS JSON
protocol"), STS by AWS's query protocol (AWS STS API reference, AssumeRole and GetCallerIdentity).  No signature is
checked, and the keys that STS gives are good for this simulator alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import uuid
from typing import TYPE_CHECKING, Any, Final, NoReturn
from xml.sax.saxutils import escape

import msgspec
from aiohttp import web

from watcher.simulator.control import foreign
from watcher.simulator.events import VISIBILITY
from watcher.simulator.timeline import timestamp

if TYPE_CHECKING:
    from watcher.simulator.server import Simulator

QUEUE: Final = "bedrock-jobs"
"""The queue's name; its URL is the endpoint, an account, and this name."""

_LONGEST_WAIT = 20.0
_MOST = 10
_AGAIN = 0.1
_ROLE = r"arn:[a-z0-9-]+:iam::(?P<account>[0-9]{12}):role/(?:.*/)?(?P<name>[^/]+)"
_KEY = r"AWS4-HMAC-SHA256 Credential=(?P<key>A[KS]IA(?P<account>[0-9]{12}))/"
_SESSION = 3600.0


class _Receive(msgspec.Struct, rename="pascal"):
    """ReceiveMessage's members that are used; times are seconds."""

    queue_url: str
    max_number_of_messages: int = 1
    wait_time_seconds: float = 0.0
    visibility_timeout: float = VISIBILITY


class _Delete(msgspec.Struct, rename="pascal"):
    """DeleteMessage's members."""

    queue_url: str
    receipt_handle: str


class _RefusedError(Exception):
    """What SQS or STS refuses: its code, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def _refuse(code: str, message: str) -> NoReturn:
    raise _RefusedError(code, message)


def services(simulator: Simulator) -> web.RouteDef:
    """Return the route at which both are served."""

    async def serve(request: web.Request) -> web.Response:
        if reason := foreign(request):
            return web.Response(status=403, text=reason)
        target = request.headers.get("X-Amz-Target", "")
        if target:
            return await _sqs(simulator, target.rpartition(".")[2], await request.read())
        return _sts(simulator, request, {key: str(value) for key, value in (await request.post()).items()})

    return web.post("/", serve)


async def _sqs(simulator: Simulator, operation: str, body: bytes) -> web.Response:
    """Answer one call of SQS."""
    simulator.counts[operation if operation in {"ReceiveMessage", "DeleteMessage"} else "other"] += 1
    try:
        if operation == "ReceiveMessage":
            return _json(await _receive(simulator, msgspec.json.decode(body, type=_Receive, strict=False)))
        if operation == "DeleteMessage":
            wanted = msgspec.json.decode(body, type=_Delete)
            _check(wanted.queue_url)
            if not simulator.events.delete(wanted.receipt_handle):
                _refuse("ReceiptHandleIsInvalid", "The specified receipt handle isn't valid.")
            return _json({})
        _refuse("UnsupportedOperation", "The simulated SQS receives and deletes messages, no more.")
    except _RefusedError as refused:
        return _json({"__type": f"com.amazonaws.sqs#{refused.code}", "message": refused.message}, status=400)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        return _json({"__type": "com.amazonaws.sqs#InvalidParameterValue", "message": str(error)}, status=400)


async def _receive(simulator: Simulator, wanted: _Receive) -> dict[str, Any]:
    """Wait for messages as long as the caller does, and return them."""
    _check(wanted.queue_url)
    loop = asyncio.get_running_loop()
    until = loop.time() + min(max(wanted.wait_time_seconds, 0.0), _LONGEST_WAIT)
    most = min(max(wanted.max_number_of_messages, 1), _MOST)
    while True:
        now = simulator.clock()
        simulator.events.collect(simulator.jobs, now)
        if found := simulator.events.receive(most, wanted.visibility_timeout, now):
            break
        if loop.time() >= until:
            return {}
        await asyncio.sleep(_AGAIN)
    return {
        "Messages": [
            {
                "MessageId": one.id,
                "ReceiptHandle": one.receipt,
                "MD5OfBody": hashlib.md5(one.body.encode(), usedforsecurity=False).hexdigest(),
                "Body": one.body,
            }
            for one in found
        ]
    }


def _check(url: str) -> None:
    """Raise _RefusedError unless *url* is the queue's."""
    if url.rpartition("/")[2] != QUEUE:
        _refuse("QueueDoesNotExist", "The specified queue does not exist.")


def _sts(simulator: Simulator, request: web.Request, form: dict[str, str]) -> web.Response:
    """Answer one call of STS."""
    operation = form.get("Action", "")
    simulator.counts[operation if operation in {"AssumeRole", "GetCallerIdentity"} else "other"] += 1
    try:
        if operation == "AssumeRole":
            return _xml(operation, _assumed(simulator, form))
        if operation == "GetCallerIdentity":
            return _xml(operation, _identity(request.headers.get("Authorization", "")))
        _refuse("InvalidAction", "The simulated STS knows AssumeRole and GetCallerIdentity, no more.")
    except _RefusedError as refused:
        error = f"<Type>Sender</Type><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message>"
        text = f"<ErrorResponse><Error>{error}</Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
        return web.Response(status=400, text=text, content_type="text/xml")


def _assumed(simulator: Simulator, form: dict[str, str]) -> str:
    """Return AssumeRole's result: keys of the role's account, for an hour unless the caller says otherwise."""
    role = re.fullmatch(_ROLE, form.get("RoleArn", ""))
    seconds, session = form.get("DurationSeconds", f"{_SESSION:g}"), form.get("RoleSessionName", "")
    if not role or not session or not re.fullmatch(r"[0-9]{1,6}", seconds):
        _refuse("ValidationError", "RoleArn, RoleSessionName or DurationSeconds is not valid.")
    account, name = role["account"], f"{escape(role['name'])}/{escape(session)}"
    return (
        f"<AssumedRoleUser><AssumedRoleId>AROADRILL:{escape(session)}</AssumedRoleId>"
        f"<Arn>arn:aws:sts::{account}:assumed-role/{name}</Arn></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>fire-drill</SecretAccessKey>"
        f"<SessionToken>{uuid.uuid4()}</SessionToken>"
        f"<Expiration>{timestamp(simulator.clock() + int(seconds))}</Expiration></Credentials>"
    )


def _identity(authorization: str) -> str:
    """Return GetCallerIdentity's result, by the account that the access key names (see ``jobs.Caller``)."""
    key = re.match(_KEY, authorization)
    account = key["account"] if key else "000000000000"
    return f"<Arn>arn:aws:iam::{account}:user/drill</Arn><UserId>AIDADRILL</UserId><Account>{account}</Account>"


def _json(document: dict[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), status=status, content_type="application/x-amz-json-1.0")


def _xml(operation: str, result: str) -> web.Response:
    text = (
        f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{operation}Result>{result}'
        f"</{operation}Result><ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return web.Response(text=text, content_type="text/xml")
