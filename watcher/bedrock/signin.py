"""What AWS's sign-in service answers to a refresh of its token, checked before the SDK keeps it.

The SDK writes whatever it got into the token file, which the AWS CLI reads too.  Source: IAM Identity Center OIDC API
Reference, CreateToken: ``accessToken`` is a string, ``expiresIn`` a number of seconds.
Not its business: credentials (``bedrock.material``).
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import CredentialRetrievalError

from watcher.bedrock.material import is_sendable

LONGEST = 366 * 86_400
"""Seconds; AWS's sign-ins last 90 days at most."""

_EVENT = "after-call.sso-oidc.CreateToken"


class UnusableToken(CredentialRetrievalError):  # type: ignore[misc]
    """An answer without a token that can be sent, or without its end."""

    remedy = "check any proxy or gateway in front of AWS's sign-in service (oidc), or sign in again: aws sso login"


def refuse_unusable_tokens(events: Any) -> None:  # noqa: ANN401 - botocore is untyped
    """Have every refresh checked; *events* are those of a session."""
    events.register(_EVENT, _check)


def _check(http_response: Any, parsed: Any, **_: object) -> None:  # noqa: ANN401
    """Raise UnusableToken unless the answer is an error, which the SDK understands, or has a token and its end."""
    if http_response.status_code >= 300:
        return
    answer = parsed if isinstance(parsed, dict) else {}
    token, lasts = answer.get("accessToken"), answer.get("expiresIn")
    if not isinstance(token, str) or not is_sendable(token):
        problem = "AWS's sign-in service answers without a usable access token"
    elif not isinstance(lasts, int) or not 0 < lasts <= LONGEST:
        problem = "AWS's sign-in service does not say for how long its access token is good"
    else:
        return
    raise UnusableToken(provider="sso", error_msg=problem)
