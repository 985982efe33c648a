"""What AWS never answers is neither believed nor waited for: redirects, endless bodies, bytes that come one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
import support_askers
from support_askers import CLIENTS, Client, Services
from support_client import waits
from support_receivers import TRICKLE, Reply, WebReceiver, web_receiver
from support_tls import Authority, proxying

from watcher.bedrock.bounds import LARGEST_BODY
from watcher.bedrock.client import Settings
from watcher.errors import LookError, LookFault

files = pytest.fixture(autouse=True)(support_askers.signed_in)
no_waits = pytest.fixture(autouse=True)(waits)


@pytest.fixture(autouse=True)
def short_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQS waits for messages, and its clients for SQS: half a minute, which is too long for a test."""
    monkeypatch.setattr("watcher.bedrock.queue.LONG_POLL", 0)
    monkeypatch.setattr("watcher.bedrock.queue._SLACK", 0.3)


each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
of_the_scope = (LookFault.ENDPOINT, LookFault.CREDENTIALS)
IMPATIENT = Settings(connect_timeout=0.2, read_timeout=0.3, credentials_timeout=1.0)


def refused(client: Client, server: WebReceiver, settings: Settings | None = None) -> LookError:
    """Return the error of a client that must not believe the server."""
    with pytest.raises(LookError) as caught:
        client.ask(server.url, settings or Settings())
    return caught.value


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@each_client
def test_a_redirect_is_not_followed_and_is_a_fault_of_the_endpoint(client: Client, status: int) -> None:
    with web_receiver() as server, web_receiver() as other:
        other.answer = Services().answer
        where = other.url.replace("//", "//somebody:secret@") + "/there?token=secret"
        server.reply = Reply(status, "", {"Location": where})
        error = refused(client, server)
    assert not other.requests
    assert error.fault in of_the_scope
    assert f"HTTP {status} and redirects to {other.url}/there" in error.what
    assert "endpoint_url" in error.remedy
    assert "secret" not in str(error)


@pytest.mark.parametrize("location", ["", "http://[", "\\\\", "//", "https://x" * 500])
@each_client
def test_a_redirect_to_nowhere_is_a_fault_of_the_endpoint(client: Client, location: str) -> None:
    with web_receiver() as server:
        server.reply = Reply(302, "", {"Location": location})
        error = refused(client, server)
    assert error.fault in of_the_scope
    assert len(error.what) < 1000


@each_client
def test_a_body_that_is_too_large_is_not_read_to_its_end(client: Client) -> None:
    with web_receiver() as server:
        server.reply = Reply(200, " " * (LARGEST_BODY + 1))
        error = refused(client, server)
    assert "more than 8 MB" in error.what


@each_client
def test_a_body_that_says_it_is_too_large_is_not_read(client: Client) -> None:
    with web_receiver() as server:
        server.reply = Reply(200, "{}", {"Content-Length": "300000000"})
        error = refused(client, server, IMPATIENT)
    assert error.fault in (LookFault.MALFORMED, LookFault.CREDENTIALS)
    assert "more than 8 MB" in error.what


@each_client
def test_a_body_that_drips_is_given_up(client: Client) -> None:
    with web_receiver() as server:
        server.reply = Reply(instead=TRICKLE)
        error = refused(client, server, IMPATIENT)
    assert error.of_scope


@pytest.mark.parametrize("drip", [b"X-Wait: more\r\n", b"x"])
@each_client
def test_a_proxy_whose_answer_drips_is_given_up(
    client: Client, drip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    with web_receiver(authority.good()) as server, proxying(server.url) as proxy:
        proxy.drip = drip
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        settings = Settings(ca_bundle=authority.bundle, connect_timeout=0.2, read_timeout=0.3, credentials_timeout=1.0)
        error = refused(client, server, settings)
    assert error.of_scope
    assert not server.requests
