"""Whom the SDK's connections trust, and where they lead, is as the SDK has it; it is read beside the event loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.httpsession import create_urllib3_context
from botocore.session import Session
from support_client import get, nobodys_credentials, refusal, waits
from support_receivers import Reply, WebReceiver, server_tls, web_receiver

from watcher.bedrock.sessions import loader
from watcher.errors import LookFault

credentials = pytest.fixture(autouse=True)(nobodys_credentials)
no_waits = pytest.fixture(autouse=True)(waits)


@pytest.fixture
def bedrock(tmp_path: Path) -> Iterator[tuple[WebReceiver, str]]:
    """A server by TLS, and the file of the authority that vouches for it."""
    tls, bundle = server_tls(tmp_path)
    with web_receiver(tls) as server:
        server.reply = Reply(body='{"status": "InProgress"}')
        yield server, bundle


def test_a_server_that_the_bundle_vouches_for_is_asked(bedrock: tuple[WebReceiver, str]) -> None:
    server, bundle = bedrock
    assert get(server.url, ca_bundle=bundle).facts == {"status": "InProgress"}


def test_a_server_that_nobody_vouches_for_is_not_asked(bedrock: tuple[WebReceiver, str]) -> None:
    server, _ = bedrock
    assert refusal(server.url).fault is LookFault.NETWORK
    assert not server.requests


def test_a_server_is_not_verified_where_that_is_asked_for(bedrock: tuple[WebReceiver, str]) -> None:
    server, _ = bedrock
    assert get(server.url, verify_ssl=False).facts == {"status": "InProgress"}


def test_the_authorities_of_a_file_are_read_once_and_never_in_the_event_loop(
    bedrock: tuple[WebReceiver, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK would read them in the loop, for each client: 20 ms in which nothing else happens."""
    server, bundle = bedrock
    made: list[threading.Thread] = []

    def noted() -> Any:
        made.append(threading.current_thread())
        return create_urllib3_context()

    monkeypatch.setattr("watcher.bedrock.trust.create_urllib3_context", noted)
    monkeypatch.setattr("aiobotocore.httpsession.create_urllib3_context", noted)
    get(server.url, ca_bundle=bundle)
    get(server.url, ca_bundle=bundle)
    assert len(made) == 1
    os.utime(bundle, (0, 0))  # replaced by another
    get(server.url, ca_bundle=bundle)
    assert len(made) == 2
    assert threading.main_thread() not in made


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1", "mars-north-1"])
def test_every_service_that_is_asked_is_where_the_sdk_has_it(region: str) -> None:
    """Of the SDK's table of endpoints only a few rows are kept; a service of another name must not be elsewhere."""
    lean, whole = Session(), Session()
    lean.register_component("data_loader", loader(None))
    for service in ("bedrock", "sts", "sso", "sso-oidc", "sqs"):
        places = [_place(session, service, region) for session in (lean, whole)]
        assert places[0] == places[1]


def _place(session: Any, service: str, region: str) -> tuple[str, str, str]:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    meta = session.create_client(service, region, **keys).meta
    return meta.endpoint_url, meta.region_name, meta.partition
