"""Arbitrary bytes in place of what gives credentials: never anything but LookError."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import support_askers
import support_client
from hypothesis import given
from hypothesis import strategies as st
from support_askers import ROLE
from support_fuzz import fuzzing
from support_receivers import Reply, Request, WebReceiver, web_receiver
from support_signin import Files

from watcher.bedrock.credentials import Credentials
from watcher.errors import LookError

files = pytest.fixture(autouse=True)(support_askers.signed_in)

_PIECES = st.sampled_from(
    (
        "null",
        "{",
        "}",
        "[",
        "]",
        '"',
        ":",
        ",",
        "<",
        ">",
        "<Error>",
        "<Code>",
        "</",
        "Credentials",
        "\x00",
        "\udcff",
        "0",
    )
)
_KEYS = st.sampled_from(
    (
        "AccessKeyId",
        "SecretAccessKey",
        "Token",
        "SessionToken",
        "Expiration",
        "Version",
        "roleCredentials",
        "accessKeyId",
    )
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(("2030-01-01T00:00:00", "soon")),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=12,
)
_BODIES = st.lists(_PIECES | st.text(max_size=9), max_size=9).map("".join) | _VALUES.map(json.dumps)
_HEADERS = st.dictionaries(
    st.sampled_from(("Content-Type", "x-amzn-ErrorType", "x-amzn-RequestId", "Date", "Location", "Retry-After")),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    max_size=3,
)
_STATUSES = st.sampled_from((200, 201, 204, 206, 301, 400, 401, 403, 404, 407, 418, 429, 500, 502, 503, 504, 599))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    monkeypatch.setattr("botocore.retryhandler.delay_exponential", lambda *_, **__: 0)
    with web_receiver() as one:
        for name in ("STS", "SSO"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", one.url)
        yield one


@fuzzing
@given(_STATUSES, _HEADERS, _BODIES, st.sampled_from(("role", "people", "container", "instance")))
def test_services_that_give_credentials(
    server: WebReceiver, status: int, headers: dict[str, str], body: str, source: str
) -> None:
    reply = Reply(status, "" if status == 204 else body.encode(errors="replace").decode(), headers)
    server.reply, server.answer = reply, None
    with pytest.MonkeyPatch.context() as patch:
        whose = Credentials(role_arn=ROLE) if source == "role" else Credentials("people" if source == "people" else "")
        if source in ("container", "instance"):
            support_client.no_key(patch)
        if source == "container":
            patch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/role")
        if source == "instance":
            patch.delenv("AWS_EC2_METADATA_DISABLED")
            patch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
            server.answer = lambda request: _instance(request, reply)
        with contextlib.suppress(LookError):
            support_askers.credentials(whose)


def _instance(request: Request, reply: Reply) -> Reply:
    if request.method == "PUT":
        return Reply(200, "token")
    return Reply(200, "role") if request.path.endswith("/") else reply


@fuzzing
@given(_BODIES)
def test_programs_that_give_credentials(files: Files, tmp_path: Path, body: str) -> None:
    (tmp_path / "printed").write_bytes(body.encode(errors="surrogateescape"))
    files.config(f"[profile people]\ncredential_process = cat {tmp_path}/printed\n")
    with contextlib.suppress(LookError):
        support_askers.credentials(Credentials("people"))


@fuzzing
@given(_BODIES, st.sampled_from(("config", "sso")))
def test_files_that_are_half_written(files: Files, body: str, which: str) -> None:
    content = body.encode(errors="surrogateescape")
    if which == "config":
        (files.home / ".aws/config").write_bytes(b"[profile people]\n" + content)
    else:
        for token in (files.home / ".aws/sso/cache").iterdir():
            token.write_bytes(content)
    with contextlib.suppress(LookError):
        support_askers.credentials(Credentials("people"))
