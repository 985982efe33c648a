"""What AWS's sign-in service answers when a token is refreshed: a typed error, and nothing of it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import support_askers
import support_client
from support_askers import ACCOUNT, START, refused_credentials
from support_receivers import Reply, WebReceiver, web_receiver
from support_signin import Files, SignIn
from test_boundaries import JSON, each_strange, told_well

from watcher.bedrock.credentials import Credentials

files = pytest.fixture(autouse=True)(support_askers.signed_in)
no_waits = pytest.fixture(autouse=True)(support_client.waits)

FRESH = {"accessToken": "fresh", "expiresIn": 28_800, "tokenType": "Bearer", "refreshToken": "again"}
REGISTERED = {
    "clientId": "c",
    "clientSecret": "s",
    "refreshToken": "r",
    "registrationExpiresAt": "2099-01-01T00:00:00Z",
}
PROFILE = (
    f"[profile people]\nsso_session = corp\nsso_account_id = {ACCOUNT}\nsso_role_name = reader\n"
    f"[sso-session corp]\nsso_region = us-east-1\nsso_start_url = {START}\n"
)


@pytest.fixture
def service(files: Files, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    """Serve the portal, and what a test replies to a refresh; the token is over."""
    monkeypatch.setattr("botocore.retryhandler.delay_exponential", lambda *_, **__: 0)
    files.config(PROFILE)
    files.log_out()
    files.log_in("corp", "old", -60, **REGISTERED)
    portal = SignIn(tokens={"fresh", "old"})
    with web_receiver() as server:
        server.answer = lambda request: server.reply if request.path == "/token" else portal.answer(request)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", server.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO_OIDC", server.url)
        yield server


def cached(files: Files) -> dict[str, Any]:
    """Return what the token file holds."""
    (file,) = (files.home / ".aws/sso/cache").iterdir()
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def answer(service: WebReceiver, **members: object) -> None:
    """Let a refresh be answered with a good answer but for these members; None leaves one out."""
    body = {name: value for name, value in (FRESH | members).items() if value is not None}
    service.reply = Reply(200, json.dumps(body), {"Content-Type": JSON})


def test_a_token_is_refreshed_and_kept(service: WebReceiver, files: Files) -> None:
    answer(service)
    support_askers.credentials(Credentials("people"))
    assert cached(files)["accessToken"] == "fresh"


@each_strange
def test_a_strange_answer_to_a_refresh_is_a_fault_of_the_credentials_and_is_not_kept(
    service: WebReceiver, files: Files, status: int, kind: str, body: str
) -> None:
    service.reply = Reply(status, body, {"Content-Type": kind})
    told_well(refused_credentials(Credentials("people")))
    assert cached(files)["accessToken"] == "old"
    assert any(request.path == "/token" for request in service.requests)


@pytest.mark.parametrize(
    "token", [None, 5, "", "a\nb", "a b", [], {"a": 1}, "\N{LATIN SMALL LETTER E WITH ACUTE}", True]
)
def test_a_token_that_cannot_be_sent_is_refused_and_not_kept(service: WebReceiver, files: Files, token: object) -> None:
    answer(service, accessToken=token)
    error = refused_credentials(Credentials("people"))
    told_well(error)
    assert "without a usable access token" in error.reason
    assert "proxy" in error.remedy
    assert cached(files)["accessToken"] == "old"


@pytest.mark.parametrize("lasts", [None, "soon", -1, 0, 1e300, 10**30, []])
def test_a_token_without_an_end_is_refused_and_not_kept(service: WebReceiver, files: Files, lasts: object) -> None:
    answer(service, expiresIn=lasts)
    error = refused_credentials(Credentials("people"))
    told_well(error)
    if not isinstance(lasts, (str, list)):  # these the SDK itself cannot read
        assert "for how long" in error.reason
    assert cached(files)["accessToken"] == "old"


@pytest.mark.parametrize("end", [None, 1, "", "soon", [], "2099-01-01T00:00:00", "2001-01-01T00:00:00Z"])
def test_a_registration_whose_end_is_odd_is_a_fault_of_the_credentials(
    service: WebReceiver, files: Files, end: object
) -> None:
    answer(service)
    (file,) = (files.home / ".aws/sso/cache").iterdir()
    file.write_text(json.dumps(cached(files) | {"registrationExpiresAt": end}))
    told_well(refused_credentials(Credentials("people")))


def test_a_refusal_of_the_refresh_says_how_to_sign_in_again(service: WebReceiver) -> None:
    error = {"error": "invalid_grant", "error_description": "Invalid refresh token provided"}
    service.reply = Reply(400, json.dumps(error), {"Content-Type": JSON, "x-amzn-ErrorType": "InvalidGrantException"})
    assert refused_credentials(Credentials("people")).remedy == "sign in again: aws sso login --profile people"
