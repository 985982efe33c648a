"""Distinguish AWS's responses from those of a proxy, a gateway or another server.

AWS names each refusal by a code: in the header ``x-amzn-errortype``, or in ``__type`` or ``code`` of a JSON object.
That is where botocore reads it, too (``RestJSONParser._inject_error_code``, ``BaseJSONParser._do_error_parse``; AWS
restJson1 protocol, "Operation error serialization" in the Smithy documentation).  What has no such code is not AWS's:
only the status line of it is used.
Not its business: what AWS's own codes mean (``bedrock.faults``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from watcher.bedrock.redact import excerpt, redacted
from watcher.errors import LookError, LookFault

FOREIGN = "bedrock-watch:foreign"
"""Member of a parsed error that marks it as not written by AWS."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._]{0,99}")
_LONGEST_MESSAGE = 2000

_FAULTS: Mapping[int, LookFault] = {
    HTTPStatus.REQUEST_TIMEOUT: LookFault.NETWORK,
    HTTPStatus.TOO_MANY_REQUESTS: LookFault.THROTTLED,
}
_RETRIED = {
    LookFault.NETWORK: "bedrock-watch retries. If it lasts, check the network and any proxy",
    LookFault.THROTTLED: "bedrock-watch retries more slowly. If it lasts, check any proxy, or raise poll.fastest",
    LookFault.SERVER: "bedrock-watch retries. If it lasts, check any proxy or gateway in front of AWS",
}
_PLACE = "check endpoint_url, AWS_ENDPOINT_URL and any proxy: another server answers in AWS's place"
_REMEDIES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "a proxy or gateway wants a sign-in of its own: let the daemon reach AWS without it",
    HTTPStatus.FORBIDDEN: "a proxy or firewall refuses: let it pass requests to AWS from this machine",
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "give the proxy's user name and password in HTTPS_PROXY",
}


def read_refusal(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return a response with a *status* of 300 or more as botocore parses errors, and whether it is *FOREIGN*.

    Never raises, whatever the bytes are.
    """
    said = _object(body)
    code = _code(headers, said)
    metadata = {"RequestId": headers.get("x-amzn-requestid", "")}
    if not code:
        where = f" to {headers['location'][:200]}" if status < 400 and "location" in headers else ""
        error = {"Code": f"HTTP {status}", "Message": f"not an answer of AWS's{where}; {_begins(body)}"}
        return {"Error": error, "ResponseMetadata": metadata, FOREIGN: True}
    message = said.get("message", said.get("Message", ""))
    text = message if isinstance(message, str) else json.dumps(message)
    return {"Error": {"Code": code, "Message": text[:_LONGEST_MESSAGE]}, "ResponseMetadata": metadata}


def foreign(status: int, code: str, reason: str, retry_after: float = 0.0) -> LookError:
    """Return the error of a refusal that AWS did not write."""
    fault = LookFault.SERVER if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _FAULTS.get(status)
    if fault is not None:
        return LookError(fault, code, reason, _RETRIED[fault], retry_after=retry_after)
    return LookError(LookFault.ENDPOINT, code, reason, _remedy(status))


def elsewhere(code: str, reason: str) -> LookError:
    """Return the error of a server that speaks AWS's protocol, but does not have this service."""
    return LookError(LookFault.ENDPOINT, code, reason, _PLACE)


def no_object(body: bytes) -> LookError:
    """Return the error of a *body* that came with a status of success and is no JSON object: AWS sends only these."""
    return LookError(LookFault.ENDPOINT, "NotAnAwsAnswer", _begins(body), _PLACE)


def unreadable(problem: object, body: bytes) -> LookError:
    """Return the error of a *body* that begins as an answer of AWS's does and cannot be read: one job's fault."""
    reason = f"{' '.join(redacted(str(problem)).split())[:200]}; {_begins(body)}"
    return LookError(LookFault.MALFORMED, "MalformedResponse", reason, "bedrock-watch asks again soon")


def is_object(body: bytes) -> bool:
    """Return whether *body* begins as a JSON object does."""
    return body.lstrip(b" \t\r\n").startswith(b"{")


def _remedy(status: int) -> str:
    if status < HTTPStatus.BAD_REQUEST:
        return "bedrock-watch follows no redirects: set endpoint_url to the address that answers, or check any proxy"
    return _REMEDIES.get(status, _PLACE)


def _code(headers: Mapping[str, str], said: Mapping[str, Any]) -> str:
    """Return AWS's code of an error; empty when none is given where AWS gives it."""
    for candidate in (headers.get("x-amzn-errortype"), said.get("__type")):
        if code := _short(candidate):
            return code
    # Other servers have a member of that name, too, and other words in it.
    codes = (_short(said.get(member)) for member in ("code", "Code"))
    return next((code for code in codes if code.endswith("Exception")), "")


def _short(code: object) -> str:
    """Return ``a.b#NotFoundException:http://...`` as ``NotFoundException``; empty for whatever is no code."""
    short = code.split(":", 1)[0].rsplit("#", 1)[-1] if isinstance(code, str) else ""
    return short if _CODE.fullmatch(short) else ""


def _object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that *body* is; an empty one when it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _begins(body: bytes) -> str:
    start = excerpt(body)
    return f"it begins {start!r}" if start else "it is empty"
