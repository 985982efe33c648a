"""How Bedrock says no: one exception with the HTTP status, AWS's error type and its message.

Sources: statuses and types from botocore's service model (bedrock, 2023-04-20) and the "Common Errors" page of the
AWS API references; the header ``x-amzn-ErrorType``, its suffix after a colon, and the messages as public traces of
Bedrock show them.  Where no trace of AWS's wording is known, the function says so.

Not its business: when to refuse (``listing``, ``faults``, ``server``).
"""

from __future__ import annotations

from collections.abc import Mapping

_SUFFIX = ":http://internal.amazon.com/coral/com.amazon.bedrock/"


class Refusal(Exception):
    """An answer that is an error; *front* says that AWS's front end refuses, before Bedrock sees the request."""

    def __init__(
        self, status: int, code: str, message: str, *, front: bool = False, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.message = message
        self.headers = {"x-amzn-ErrorType": code if front else code + _SUFFIX, **(headers or {})}


def not_found(identifier: str, noun: str = "job") -> Refusal:
    """Return the answer for a job that does not exist here (AWS's exact wording is not known)."""
    return Refusal(404, "ResourceNotFoundException", f"Could not find the {noun} {identifier}.")


def invalid(member: str, value: str, constraint: str) -> Refusal:
    """Return the answer for one request member that breaks *constraint*; AWS's common validation wording."""
    return Refusal(
        400,
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must"
        f" {constraint}",
    )


def conflict(name: str, status: str, noun: str) -> Refusal:
    """Return the answer to stopping a job that does not run, or cannot stop (AWS's exact wording is not known)."""
    return Refusal(409, "ConflictException", f"The {noun} {name} is {status} and cannot be stopped.")


def denied(operation: str, resource: str) -> Refusal:
    """Return the answer to a caller whose policies do not allow *operation*; *resource* is empty for a List."""
    action = f"bedrock:{operation}"
    where = f" on resource: {resource}" if resource else ""
    return Refusal(
        403,
        "AccessDeniedException",
        f"User: arn:aws:sts::123456789012:assumed-role/bedrock-watch/simulated is not authorized to perform: {action}"
        f"{where} because no identity-based policy allows the {action} action",
    )


def expired_token() -> Refusal:
    """Return the answer to temporary credentials that are over."""
    return Refusal(403, "ExpiredTokenException", "The security token included in the request is expired", front=True)


def unrecognized_client() -> Refusal:
    """Return the answer to an access key or session token that AWS does not know."""
    return Refusal(
        403, "UnrecognizedClientException", "The security token included in the request is invalid.", front=True
    )


def invalid_signature() -> Refusal:
    """Return the answer to a wrong secret key; a skewed clock gets the same type."""
    return Refusal(
        403,
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access"
        " Key and signing method. Consult the service documentation for details.",
        front=True,
    )


def throttled(retry_after: float) -> Refusal:
    """Return the answer to too many requests, with Retry-After in whole seconds (RFC 9110, section 10.2.3)."""
    return Refusal(
        429,
        "ThrottlingException",
        "Too many requests, please wait before trying again.",
        headers={"Retry-After": f"{retry_after:.0f}"},
    )


def internal() -> Refusal:
    """Return the answer of a Bedrock with a bug (AWS's exact wording is not known)."""
    return Refusal(500, "InternalServerException", "An internal server error occurred. Retry your request.")


def unavailable() -> Refusal:
    """Return the answer of a Bedrock under water (AWS's exact wording is not known)."""
    return Refusal(503, "ServiceUnavailableException", "Bedrock is unable to process your request.")
