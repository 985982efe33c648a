"""Everything of AWS that is asked, at one address, and each of the program's clients asking there once.

Real HTTP on loopback.  Not its business: how connections are made (``support_tls``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
import support_client
from support_receivers import Reply, Request
from support_signin import Files, SignIn

from watcher.bedrock.client import Keys, Settings
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.queue import Queue
from watcher.errors import LookError

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/watch"
START = "https://sso.example.com/start"
PEOPLE = f"[profile people]\nsso_start_url = {START}\nsso_region = us-east-1\nsso_account_id = {ACCOUNT}\nsso_role_name = reader\n"


@dataclass
class Services:
    """Bedrock, SQS, STS and SSO; each answers as AWS does."""

    signing_in: SignIn = field(default_factory=lambda: SignIn(tokens={"good"}))

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        if "X-Amz-Target" in request.headers:  # SQS; AWS JSON 1.0
            return Reply(200, "{}", {"Content-Type": "application/x-amz-json-1.0"})
        if request.path.startswith("/model-customization-jobs/"):
            return Reply(200, json.dumps({"status": "InProgress"}), {"Content-Type": "application/json"})
        return self.signing_in.answer(request)


@dataclass(frozen=True)
class Client:
    """One of the program's clients: *ask* has it ask the service that is at a URL once, with these settings."""

    name: str
    ask: Callable[[str, Settings], None]


def _bedrock(url: str, settings: Settings) -> None:
    assert support_client.get(url, **_members(settings)).facts == {"status": "InProgress"}


def _queue(url: str, settings: Settings) -> None:
    async def receive() -> None:
        queue = Queue(f"{url}/{ACCOUNT}/jobs", "us-east-1", Credentials(), settings)
        try:
            assert await queue.receive() == []
        finally:
            await queue.close()

    anyio.run(receive)


def _credentials(whose: Credentials, settings: Settings) -> None:
    async def find() -> None:
        keys = Keys(whose, settings)
        try:
            await keys.client("us-east-1")
        finally:
            await keys.close()

    anyio.run(find)


def credentials(whose: Credentials) -> None:
    """Find them; raises LookError."""
    _credentials(whose, Settings())


def refused_credentials(whose: Credentials) -> LookError:
    """Return the error of credentials that must not be found."""
    with pytest.raises(LookError) as caught:
        credentials(whose)
    return caught.value


def _sts(url: str, settings: Settings) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_STS", url)
        _credentials(Credentials(role_arn=ROLE), settings)


def _sso(url: str, settings: Settings) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_SSO", url)
        _credentials(Credentials("people"), settings)


def _members(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__ if name != "endpoint_url"}


CLIENTS = (Client("bedrock", _bedrock), Client("sqs", _queue), Client("sts", _sts), Client("sso", _sso))


def signed_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Files:
    """A fixture: a home where somebody is signed in with SSO as the profile ``people``."""
    files = Files(tmp_path / "home")
    files.config(PEOPLE)
    files.log_in(START, "good", 28_800)
    support_client.nobodys_credentials(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", files.env["AWS_CONFIG_FILE"])
    cache = str(files.home / ".aws/sso/cache")  # botocore reads HOME once, when it is imported
    monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", cache)
    monkeypatch.setattr("botocore.tokens.SSOTokenProvider._SSO_TOKEN_CACHE_DIR", cache)
    return files
