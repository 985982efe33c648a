"""AWS's error codes: the fault that each one is, and what a person can do about it.

Sources: Amazon Bedrock API Reference and IAM API Reference, "Common errors"; AWS Security Token Service API Reference;
botocore's own lists of what it retries (``botocore.retries.standard``).
Not its business: answers without a code of AWS's (``bedrock.gateway``).
"""

from __future__ import annotations

from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from watcher.errors import LookFault

_CLOCK = "set this machine's clock: its time differs from AWS's by more than AWS allows"
_FRESH = "put fresh credentials in place; bedrock-watch reads them again by itself"
_SIGNATURE = "check the secret access key, and this machine's clock"
_UNKNOWN = (
    "check {who}: AWS does not know this access key. It may be inactive, a temporary key may lack its session token, or"
    " the account may not have enabled the region"
)
_CUT = "check the access key id of {who}, and any proxy that changes the Authorization header"

_KEYS = {
    "ExpiredToken": _FRESH,
    "ExpiredTokenException": _FRESH,
    "IncompleteSignature": _CUT,
    "IncompleteSignatureException": _CUT,
    "InvalidAccessKeyId": _UNKNOWN,
    "InvalidClientTokenId": _UNKNOWN,
    "InvalidSignatureException": _SIGNATURE,
    "MissingAuthenticationToken": _CUT,
    "MissingAuthenticationTokenException": _CUT,
    "RequestExpired": _CLOCK,
    "RequestInTheFuture": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "SignatureDoesNotMatch": _SIGNATURE,
    "UnrecognizedClientException": _UNKNOWN,
}
"""Refusals of the key that a request is signed with, and their remedies."""

FAULTS = {
    **dict.fromkeys(TransientRetryableChecker._TRANSIENT_ERROR_CODES, LookFault.SERVER),  # noqa: SLF001
    **dict.fromkeys(ThrottledRetryableChecker._THROTTLED_ERROR_CODES, LookFault.THROTTLED),  # noqa: SLF001
    **dict.fromkeys(_KEYS, LookFault.CREDENTIALS),
    "AccessDenied": LookFault.DENIED,
    "AccessDeniedException": LookFault.DENIED,
    "AuthFailure": LookFault.CREDENTIALS,
    "NotAuthorized": LookFault.DENIED,
    "NotSignedUp": LookFault.CREDENTIALS,
    "OptInRequired": LookFault.DENIED,
    "ResourceNotFoundException": LookFault.NOT_FOUND,
    "ServiceQuotaExceededException": LookFault.THROTTLED,
    "ValidationException": LookFault.INVALID,
}
"""The fault of each code, whatever its HTTP status."""


def remedy_of_key(code: str, who: str) -> str:
    """Return what to do about *who*'s key that AWS refuses with this code; empty when the code says nothing of keys."""
    return _KEYS.get(code, "").format(who=who)
