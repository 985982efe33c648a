"""Only a server whose certificate is good, and is of the host that was asked for, is taken for AWS: by every client.

A certificate is presented directly, behind a proxy, and by a proxy.  None of these servers may see a request, for each
one carries credentials.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import support_askers
from support_askers import CLIENTS, PEOPLE, Client, Services
from support_client import waits
from support_receivers import WebReceiver, web_receiver
from support_signin import Files
from support_tls import Authority, Proxy, proxying

from watcher.bedrock.client import Settings
from watcher.errors import LookError, LookFault

files = pytest.fixture(autouse=True)(support_askers.signed_in)
no_waits = pytest.fixture(autouse=True)(waits)

DIRECT, BY_HTTP, BY_HTTPS = "direct", "by an HTTP proxy", "by an HTTPS proxy"
BAD: dict[str, Callable[[Authority], ssl.SSLContext]] = {
    "of another host": Authority.wrong_name,
    "expired": Authority.expired,
    "of an unknown authority": Authority.unknown,
    "self-signed": Authority.self_signed,
}

each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
each_way = pytest.mark.parametrize("way", [DIRECT, BY_HTTP, BY_HTTPS])
each_bad = pytest.mark.parametrize("bad", list(BAD.values()), ids=list(BAD))


@dataclass
class World:
    """An authority, and what asks for what; *servers* and *proxies* are those that were begun."""

    authority: Authority
    patch: pytest.MonkeyPatch
    servers: list[WebReceiver] = field(default_factory=list)
    proxies: list[Proxy] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)

    def serve(
        self, way: str = DIRECT, server: ssl.SSLContext | None = None, proxy: ssl.SSLContext | None = None
    ) -> str:
        """Begin a server with a certificate, good by default, and what is on the *way* to it; return its URL."""
        receiver = self.stack.enter_context(web_receiver(server or self.authority.good()))
        receiver.answer = Services().answer
        self.servers.append(receiver)
        if way != DIRECT:
            tls = (proxy or self.authority.good()) if way == BY_HTTPS else None
            self.proxies.append(self.stack.enter_context(proxying(receiver.url, tls)))
            self.patch.setenv("NO_PROXY", "")
            self.patch.setenv("HTTPS_PROXY", self.proxies[-1].url)
        return receiver.url

    @property
    def requests(self) -> int:
        """How many requests the servers have seen."""
        return sum(len(server.requests) for server in self.servers)

    def trusting(self, **members: object) -> Settings:
        """Return settings that trust the authority."""
        return Settings(**{"ca_bundle": self.authority.bundle} | members)  # type: ignore[arg-type]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(Authority(tmp_path), monkeypatch)
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with world.stack:
        yield world


def refused(client: Client, url: str, settings: Settings) -> LookError:
    """Return the error of a client that must not believe the server."""
    with pytest.raises(LookError) as caught:
        client.ask(url, settings)
    return caught.value


@each_way
@each_client
def test_a_server_with_a_good_certificate_is_asked(world: World, client: Client, way: str) -> None:
    client.ask(world.serve(way), world.trusting())
    assert world.requests == 1
    assert len(world.proxies) == (way != DIRECT)
    assert all(proxy.heads[0].startswith("CONNECT ") for proxy in world.proxies)


@each_bad
@each_way
@each_client
def test_a_server_with_a_bad_certificate_is_not_asked(
    world: World, client: Client, way: str, bad: Callable[[Authority], ssl.SSLContext]
) -> None:
    error = refused(client, world.serve(way, bad(world.authority)), world.trusting())
    assert error.of_scope
    assert "ca_bundle" in error.remedy
    assert "SSL" in error.code
    assert not world.requests


@each_bad
@each_client
def test_a_proxy_with_a_bad_certificate_is_not_asked(
    world: World, client: Client, bad: Callable[[Authority], ssl.SSLContext]
) -> None:
    error = refused(client, world.serve(BY_HTTPS, proxy=bad(world.authority)), world.trusting())
    assert error.of_scope
    assert not world.requests
    assert not world.proxies[0].heads


@each_way
@each_client
def test_a_server_that_nobody_vouches_for_is_not_asked(world: World, client: Client, way: str) -> None:
    assert refused(client, world.serve(way), Settings()).of_scope
    assert not world.requests


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
@each_way
@each_client
def test_the_authority_that_the_environment_names_is_trusted(world: World, client: Client, way: str, name: str) -> None:
    world.patch.setenv(name, world.authority.bundle)
    client.ask(world.serve(way), Settings())
    assert world.requests == 1


@each_way
@each_client
def test_the_authority_that_the_profile_names_is_trusted(world: World, client: Client, way: str, files: Files) -> None:
    files.config(f"{PEOPLE}ca_bundle = {world.authority.bundle}\n[default]\nca_bundle = {world.authority.bundle}\n")
    client.ask(world.serve(way), Settings())
    assert world.requests == 1


@each_client
def test_the_configuration_s_authority_outranks_that_of_the_environment(world: World, client: Client) -> None:
    world.patch.setenv("AWS_CA_BUNDLE", "/nowhere/others.pem")
    client.ask(world.serve(), world.trusting())
    assert world.requests == 1


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
@each_client
def test_an_empty_variable_does_not_mean_that_nothing_is_verified(world: World, client: Client, name: str) -> None:
    """To botocore it does."""
    world.patch.setenv(name, "")
    assert refused(client, world.serve(), Settings()).of_scope
    assert not world.requests


@pytest.mark.parametrize("content", [None, "", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
@each_client
def test_a_bundle_that_cannot_be_used_is_named(
    world: World, client: Client, content: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "others.pem"
    if content is not None:
        file.write_text(content)
    world.patch.setenv("AWS_CA_BUNDLE", str(file))
    error = refused(client, world.serve(), Settings())
    assert str(file) in error.what
    assert "AWS_CA_BUNDLE" in error.remedy
    assert error.of_scope
    assert not world.requests


@each_way
@each_client
def test_any_server_is_asked_where_that_is_configured(world: World, client: Client, way: str) -> None:
    url = world.serve(way, world.authority.wrong_name(), world.authority.self_signed())
    client.ask(url, Settings(verify_ssl=False))
    assert world.requests == 1


@contextmanager
def answering(world: World, answer: bytes) -> Iterator[str]:
    """Yield a URL whose proxy refuses with these bytes."""
    url = world.serve(BY_HTTP)
    world.proxies[0].answer = answer
    yield url


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: https://login.example.com/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"\xff\xfe\r\n\r\n",
        b"",
    ],
)
@each_client
def test_a_proxy_that_refuses_is_a_fault_of_the_scope(world: World, client: Client, answer: bytes) -> None:
    with answering(world, answer) as url:
        error = refused(client, url, world.trusting())
    assert error.fault in (LookFault.NETWORK, LookFault.CREDENTIALS)
    assert "proxy" in error.remedy
    assert not world.requests
