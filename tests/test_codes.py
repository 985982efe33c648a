"""What AWS's error codes mean to a person: the fault, and a remedy that mends its cause, whatever the HTTP status is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import support_askers
import support_client
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker
from support_askers import ROLE, refused_credentials
from support_receivers import Reply, WebReceiver, web_receiver
from support_signin import Files

from watcher.bedrock.client import TRIES
from watcher.bedrock.credentials import Credentials
from watcher.errors import LookError, LookFault

files = pytest.fixture(autouse=True)(support_askers.signed_in)
no_waits = pytest.fixture(autouse=True)(support_client.waits)

THROTTLES = sorted(ThrottledRetryableChecker._THROTTLED_ERROR_CODES)
PASSING = sorted(set(TransientRetryableChecker._TRANSIENT_ERROR_CODES) - set(THROTTLES))


@pytest.fixture
def server() -> Iterator[WebReceiver]:
    with web_receiver() as one:
        yield one


def refused(server: WebReceiver, code: str, status: int) -> LookError:
    """Return the error of a Get that AWS refuses with this code."""
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    server.reply = Reply(status, json.dumps({"message": "what AWS says"}), headers)
    return support_client.refusal(server.url)


@pytest.mark.parametrize("code", THROTTLES)
def test_a_throttle_is_one_whatever_its_status_is(server: WebReceiver, code: str) -> None:
    error = refused(server, code, 400)
    assert (error.fault, error.code) == (LookFault.THROTTLED, code)
    assert error.remedy == "asked again more slowly; raise poll.fastest if it lasts"
    assert len(server.requests) == TRIES


@pytest.mark.parametrize("code", PASSING)
def test_what_passes_by_itself_is_no_fault_of_the_job_s_identifier(server: WebReceiver, code: str) -> None:
    error = refused(server, code, 400)
    assert (error.fault, error.remedy) == (LookFault.SERVER, "AWS's fault; asked again by itself")
    assert len(server.requests) == TRIES


CLOCK = "set this machine's clock: its time differs from AWS's by more than AWS allows"
UNKNOWN_KEY = "AWS does not know this access key. It may be inactive"
CUT = "check the access key id of the default credentials, and any proxy that changes the Authorization header"
SECRET = "check the secret access key, and this machine's clock"


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("RequestTimeTooSkewed", CLOCK),
        ("RequestInTheFuture", CLOCK),
        ("RequestExpired", CLOCK),
        ("IncompleteSignature", CUT),
        ("IncompleteSignatureException", CUT),
        ("MissingAuthenticationToken", CUT),
        ("MissingAuthenticationTokenException", CUT),
        ("InvalidAccessKeyId", UNKNOWN_KEY),
        ("InvalidClientTokenId", UNKNOWN_KEY),
        ("UnrecognizedClientException", UNKNOWN_KEY),
        ("InvalidSignatureException", SECRET),
        ("SignatureDoesNotMatch", SECRET),
        ("ExpiredTokenException", "put fresh credentials in place"),
    ],
)
def test_a_refused_key_is_a_fault_of_the_credentials_with_its_own_remedy(
    server: WebReceiver, code: str, remedy: str, status: int
) -> None:
    error = refused(server, code, status)
    assert (error.fault, error.code, error.reason) == (LookFault.CREDENTIALS, code, "what AWS says")
    assert error.of_scope
    assert remedy in error.remedy


@pytest.mark.parametrize(
    ("code", "status", "remedy"),
    [
        ("Throttling", 400, "bedrock-watch retries more slowly"),
        ("ServiceUnavailable", 503, "bedrock-watch retries"),
        ("RequestTimeTooSkewed", 403, CLOCK),
        ("SignatureDoesNotMatch", 403, SECRET),
        ("InvalidClientTokenId", 403, UNKNOWN_KEY),
        ("ExpiredToken", 403, "put fresh credentials in place"),
        ("AccessDenied", 403, "check the role's trust policy, and that its source credentials may assume it"),
    ],
)
def test_a_role_that_sts_refuses_has_the_remedy_of_the_cause(
    server: WebReceiver, code: str, status: int, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retryhandler.delay_exponential", lambda *_, **__: 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    server.reply = Reply(status, body, {"Content-Type": "text/xml"})
    error = refused_credentials(Credentials(role_arn=ROLE))
    assert (error.fault, error.code) == (LookFault.CREDENTIALS, code)
    assert error.reason == "AssumeRole: no"
    assert remedy in error.remedy


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", " ", "\t", "\N{ZERO WIDTH SPACE}", "\N{NO-BREAK SPACE}"])
@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_key_that_ends_with_something_else_is_named_and_not_shown(
    server: WebReceiver, name: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"s3cr3t-t3xt{end}")
    error = support_client.refusal(server.url)
    assert error.fault is LookFault.CREDENTIALS
    assert f"the {name.removeprefix('AWS_').replace('_', ' ').lower()} holds a line break, a blank" in error.reason
    assert "write the key again, on one line and without blanks" in error.remedy
    assert "s3cr3t" not in str(error) + error.remedy
    assert not server.requests


ROLE_OF = "role_arn = arn:aws:iam::123456789012:role/r"


@pytest.mark.parametrize(
    ("config", "remedy"),
    [
        (b"\xef\xbb\xbf[default]\nregion = a\n", "correct that file (see line 1): UTF-8 without a byte order mark"),
        (b"[profile a]\n\n[profile a]\n", "correct that file (see line 3)"),
        (b"[default]\nregion = a\nregion = b\n", "correct that file (see line 3)"),
        ("[default]\n".encode("utf-16"), "correct that file: UTF-8"),
        (
            f"[default]\n{ROLE_OF}\nsource_profile = b\n[profile b]\n{ROLE_OF}\nsource_profile = default\n".encode(),
            "correct source_profile in ~/.aws/config",
        ),
    ],
    ids=["byte order mark", "a profile twice", "a key twice", "UTF-16", "a loop"],
)
def test_a_file_that_cannot_be_used_has_a_remedy_of_its_own(
    config: bytes, remedy: str, monkeypatch: pytest.MonkeyPatch, files: Files
) -> None:
    """Reported as aws/aws-cli issues 3419 and 9261, and boto/botocore issue 1780."""
    support_client.no_key(monkeypatch)
    (files.home / ".aws/config").write_bytes(config)
    error = refused_credentials(Credentials())
    assert error.fault is LookFault.CREDENTIALS
    assert remedy in error.remedy


def test_an_empty_aws_profile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reported as boto/botocore issue 3110."""
    monkeypatch.setenv("AWS_PROFILE", "")
    assert refused_credentials(Credentials()).remedy.startswith("unset AWS_PROFILE")
