"""What AWS's and the SDK's errors mean: exceptions in, LookError out.

Classed by ``Error.Code`` and ``operation_name`` (Amazon Bedrock API reference, common errors; IAM and STS
references), and by the names of botocore's exceptions.
"""

from __future__ import annotations

import errno
import resource
from dataclasses import replace
from http import HTTPStatus

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from watcher.bedrock.bounds import Redirected, UnlikeAws
from watcher.bedrock.codes import FAULTS, remedy_of_key
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.gateway import FOREIGN, elsewhere, foreign
from watcher.bedrock.material import LoginSession, UnusableKeys
from watcher.bedrock.redact import redacted
from watcher.bedrock.signin import UnusableToken
from watcher.bedrock.trust import UnusableBundle
from watcher.errors import WRONG_ACCOUNT, LookError, LookFault

_STATUSES = {
    401: LookFault.CREDENTIALS,
    403: LookFault.DENIED,
    408: LookFault.NETWORK,
    429: LookFault.THROTTLED,
}

_CREDENTIALS = (
    sdk.NoCredentialsError,
    sdk.PartialCredentialsError,
    sdk.CredentialRetrievalError,
    sdk.ProfileNotFound,
    sdk.ConfigParseError,
    sdk.InvalidConfigError,
    sdk.SSOError,
    sdk.TokenRetrievalError,
    sdk.NoAuthTokenError,
    sdk.MetadataRetrievalError,
    sdk.RefreshWithMFAUnsupportedError,
    sdk.UnknownCredentialError,
)

_FROM_THE_SDK = (sdk.BotoCoreError, sdk.ClientError, RuntimeError)
"""Errors that the SDK raises deliberately; RuntimeError means that new credentials are already expired."""

_SIGNED_IN = (sdk.SSOError, sdk.TokenRetrievalError)
"""What is mended by signing in."""


def explain(error: Exception, operation: str, whose: Credentials) -> LookError:
    """Return the LookError that *error*, raised while asking for *operation* with *whose* credentials, means."""
    if isinstance(error, sdk.ClientError):
        return _without_secrets(_refusal(error, operation, whose))
    return _without_secrets(_exhausted(error) or _of_the_way(error, whose))


def _without_secrets(error: LookError) -> LookError:
    code, reason, remedy = redacted(error.code)[:200], redacted(error.reason), redacted(error.remedy)
    return LookError(error.fault, code, reason, remedy, retry_after=error.retry_after)


def _of_the_way(error: Exception, whose: Credentials) -> LookError:
    """Return the LookError of an *error* that came before an answer, or in the place of one."""
    name = type(error).__name__
    if isinstance(error, _CREDENTIALS):
        return LookError(LookFault.CREDENTIALS, name, _line(error), _sign_in(error, whose))
    if isinstance(error, (sdk.SSLError, UnlikeAws, UnusableBundle)):
        return _untrusted(error)
    if isinstance(error, (sdk.HTTPClientError, sdk.ConnectionError, OSError)):
        return LookError(LookFault.NETWORK, name, _line(error), "check the region, the network, and any proxy")
    if isinstance(error, sdk.ParamValidationError):
        return LookError(LookFault.INVALID, name, _line(error), "check the job's identifier")
    unread = isinstance(error, (ResponseParserError, UnicodeError))
    if isinstance(error, (sdk.BotoCoreError, ValueError)) and not unread:
        return explain_settings(error, whose)
    # Whatever else the SDK raises, it could not read what was sent: boto/botocore#2463 and its kin.
    return LookError(LookFault.MALFORMED, name, _line(error), "bedrock-watch asks again soon")


def explain_settings(error: Exception, whose: Credentials) -> LookError:
    """Return the LookError of an *error* that the SDK raises before it sends anything: its settings cannot be used."""
    if isinstance(error, (*_CREDENTIALS, sdk.ClientError, OSError)):
        return explain(error, "", whose)
    remedy = f"check [aws] in the configuration, the variables AWS_*, and what ~/.aws/config says of {whose.who}"
    return LookError(LookFault.SETTINGS, type(error).__name__, _line(error), remedy)


def _exhausted(error: BaseException) -> LookError | None:
    """Return the error if *error* was caused by exhausted file descriptors; else None."""
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, OSError) and reason.errno in (errno.EMFILE, errno.ENFILE):
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            what = f"{reason.strerror}: this process may have {limit} open at once"
            remedy = "raise LimitNOFILE of the service (ulimit -n), or watch fewer accounts and regions"
            return LookError(LookFault.NETWORK, "TooManyOpenFiles", what, remedy)
        reason = reason.__cause__ or reason.__context__
    return None


def _untrusted(error: Exception) -> LookError:
    """Return the error for a server that is not AWS, or for unusable certificates."""
    name, line = type(error).__name__, _line(error)
    if isinstance(error, UnusableBundle):
        remedy = "check the file that aws.ca_bundle, AWS_CA_BUNDLE or the profile's ca_bundle names"
        return LookError(LookFault.SETTINGS, name, line, remedy)
    if isinstance(error, Redirected):
        remedy = "bedrock-watch follows no redirects: check endpoint_url, AWS_ENDPOINT_URL and any proxy"
        return LookError(LookFault.ENDPOINT, name, line, remedy)
    if isinstance(error, UnlikeAws):
        return LookError(LookFault.MALFORMED, name, line, "check any proxy or gateway in front of AWS")
    remedy = (
        "if a proxy or an endpoint of your own uses its own certificates, set aws.ca_bundle (or AWS_CA_BUNDLE) to its"
        " authority's file; else check endpoint_url and the clock: this server is not AWS"
    )
    return LookError(LookFault.NETWORK, name, line, remedy)


def _retry_after(error: sdk.ClientError) -> float:
    """Return the ``Retry-After`` header in seconds, or 0; AWS does not use its date form."""
    value = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0


def _refusal(error: sdk.ClientError, operation: str, whose: Credentials) -> LookError:
    code = str(error.response.get("Error", {}).get("Code", "")) or "Unknown"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason = str(error.response.get("Error", {}).get("Message", ""))
    if error.operation_name != operation:
        # AssumeRole and its kin: it is not Bedrock that refused, but the way to the credentials.
        reason = f"{error.operation_name}: {reason}"
        return LookError(LookFault.CREDENTIALS, code, reason, _of_the_source(error, code, status, whose))
    if error.response.get(FOREIGN):
        return foreign(status, code, reason, _retry_after(error))
    fault = FAULTS.get(code) or _STATUSES.get(status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and fault is not LookFault.THROTTLED:
        fault = LookFault.SERVER
    unknown = fault is None and (status == HTTPStatus.NOT_FOUND or code == "UnknownOperationException")
    if status < HTTPStatus.BAD_REQUEST or unknown:
        return elsewhere(code, reason)
    fault = fault or LookFault.INVALID
    remedy = _remedy(fault, code, operation, whose.who)
    return LookError(fault, code, reason, remedy, retry_after=_retry_after(error))


def _of_the_source(error: sdk.ClientError, code: str, status: int, whose: Credentials) -> str:
    """Return what to do about a service that gives credentials and refuses, which may pass by itself."""
    if FAULTS.get(code) is LookFault.THROTTLED:
        return "bedrock-watch retries more slowly. If it lasts, use fewer accounts, or raise poll.fastest"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or FAULTS.get(code) is LookFault.SERVER:
        return "bedrock-watch retries. If it lasts, check any proxy or gateway in front of AWS"
    return remedy_of_key(code, f"the source of {whose.who}") or _sign_in(error, whose)


def _remedy(fault: LookFault, code: str, operation: str, who: str) -> str:
    return {
        LookFault.NOT_FOUND: "check the identifier, the account and the region: AWS finds no such job with " + who,
        LookFault.DENIED: f"allow bedrock:{operation} to {who} (bedrock-watch iam-policy prints all that is needed)",
        LookFault.CREDENTIALS: remedy_of_key(code, who) or f"check {who}",
        LookFault.THROTTLED: "asked again more slowly; raise poll.fastest if it lasts",
        LookFault.SERVER: "AWS's fault; asked again by itself",
        LookFault.INVALID: "check the job's identifier",
    }.get(fault, "asked again by itself")


def wrong_account(whose: Credentials, account: str, arn: str, wanted: str) -> LookError:
    """Return the error of credentials that are of another *account*, by its identity *arn*, than the *wanted* one."""
    are = "is" if whose.profile or whose.role_arn else "are"
    return LookError(
        LookFault.CREDENTIALS,
        WRONG_ACCOUNT,
        f"{whose.who} {are} account {account} ({arn}), and not {wanted}, whose jobs are asked for",
        f'use credentials of that account: an [[account]] table with id = "{wanted}", or a job\'s own profile',
    )


def explain_credentials(error: Exception, whose: Credentials, *, sso_profile: str | None) -> LookError:
    """Return the LookError of *error*, raised while looking for *whose* credentials.

    *sso_profile* is the profile to sign in with, where they come from AWS's sign-in service.
    """
    known = explain(error, "", whose)
    if known.code == "TooManyOpenFiles":
        return known
    if not isinstance(error, (*_FROM_THE_SDK, OSError)):
        reason = f"what gives {whose.who} answers in a form that the SDK cannot read ({known.what[:200]})"
        remedy = f"check what {whose.who} say in ~/.aws/config, what their credential_process prints, and any proxy"
        return LookError(LookFault.CREDENTIALS, "UnreadableCredentials", reason, remedy)
    remedy = known.remedy
    if isinstance(error, (LoginSession, UnusableKeys, UnusableToken)):
        remedy = error.remedy
    elif isinstance(error, _SIGNED_IN) and sso_profile is not None:
        remedy = _sign_in(error, replace(whose, profile=sso_profile))
    elif isinstance(error, (sdk.SSLError, UnlikeAws, UnusableBundle)):
        remedy = known.remedy
    elif isinstance(error, (sdk.HTTPClientError, sdk.ConnectionError)):
        remedy = "see that AWS's sign-in services (STS, SSO) can be reached: the network, and any proxy"
    elif isinstance(error, OSError):
        remedy = f"see that the user of the daemon may use what {whose.who} name: files, programs"
    elif known.fault is not LookFault.CREDENTIALS:
        remedy = f"check what {whose.who} say in ~/.aws/config, and what their credential_process prints"
    return LookError(LookFault.CREDENTIALS, known.code, known.reason, remedy)


def _sign_in(error: Exception, whose: Credentials) -> str:
    option = f" --profile {whose.profile}" if whose.profile else ""
    if isinstance(error, _SIGNED_IN):
        return f"sign in again: aws sso login{option}"
    if remedy := _of_the_files(error):
        return remedy
    if isinstance(error, sdk.ClientError):
        return "check the role's trust policy, and that its source credentials may assume it"
    if isinstance(error, sdk.CredentialRetrievalError):
        return f"see why the source of {whose.who} fails: run it as the user that the daemon runs as"
    return f"provide credentials: an instance role, environment variables, or aws configure{option}"


def _line(error: Exception) -> str:
    """Return an exception's text on one line."""
    return redacted(" ".join(str(error).split()))[:500]


def _of_the_files(error: Exception) -> str:
    """Return what to do about a file of the SDK's that it cannot use; empty for any other error."""
    if isinstance(error, sdk.ConfigParseError):
        # Only the number: the line itself may hold a key.
        line = getattr(error.__cause__ or error.__context__, "lineno", None)
        where = f" (see line {line})" if isinstance(line, int) else ""
        return f"correct that file{where}: UTF-8 without a byte order mark, each section and each key of it once"
    if isinstance(error, sdk.InfiniteLoopConfigError):
        return "correct source_profile in ~/.aws/config: these profiles lead to each other"
    if isinstance(error, sdk.ProfileNotFound) and not error.kwargs.get("profile"):
        return "unset AWS_PROFILE, which is set to nothing, or name a profile in it"
    if isinstance(error, sdk.ProfileNotFound):
        return "add the profile to ~/.aws/config of the user that the daemon runs as, or name another"
    return ""
