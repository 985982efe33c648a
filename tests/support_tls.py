"""Servers' certificates of every kind, and a proxy on loopback that tunnels by CONNECT.

The proxy is asked for by plain HTTP or by TLS, leads everything to one address, and misbehaves on demand.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass
class Authority:
    """An authority and the file of its certificate; each method returns a server's TLS context."""

    directory: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    @property
    def bundle(self) -> str:
        """The file that makes clients trust it."""
        file = self.directory / "authority.pem"
        self.ca.cert_pem.write_to_path(str(file))
        return str(file)

    def good(self, *names: str) -> ssl.SSLContext:
        """Return one for loopback, or for other *names*."""
        return _server(self.ca.issue_cert(*(names or ("127.0.0.1", "localhost"))))

    def wrong_name(self) -> ssl.SSLContext:
        """Return one whose certificate is of another host."""
        return self.good("elsewhere.example.com")

    def expired(self) -> ssl.SSLContext:
        """Return one whose certificate ended yesterday."""
        ended = datetime.now(UTC) - timedelta(days=1)
        return _server(
            self.ca.issue_cert("127.0.0.1", "localhost", not_before=ended - timedelta(days=9), not_after=ended)
        )

    def unknown(self) -> ssl.SSLContext:
        """Return one of another authority."""
        return _server(trustme.CA().issue_cert("127.0.0.1", "localhost"))

    def self_signed(self) -> ssl.SSLContext:
        """Return one whose certificate vouches for itself."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
            .add_extension(names, critical=False)
            .sign(key, hashes.SHA256())
        )
        file = self.directory / "self-signed.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _server(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@dataclass
class Proxy:
    """*url* is where it is; *heads* is what clients asked it, *answer* what it says before it tunnels."""

    target: tuple[str, int]
    url: str = ""
    heads: list[str] = field(default_factory=list)
    answer: bytes = ESTABLISHED
    drip: bytes = b""
    over: threading.Event = field(default_factory=threading.Event)

    def serve(self, client: socket.socket) -> None:
        """Answer one client, in a thread of its own."""
        head = b""
        while b"\r\n\r\n" not in head and (part := client.recv(65536)):
            head += part
        self.heads.append(head.decode())
        if self.drip:
            client.sendall(b"HTTP/1.1 200 OK\r\n")
            while not self.over.wait(0.02):
                client.sendall(self.drip)
            return
        client.sendall(self.answer)
        if self.answer is ESTABLISHED:
            with socket.create_connection(self.target) as server:
                _relay(client, server, self.over)


def _relay(client: socket.socket, server: socket.socket, over: threading.Event) -> None:
    ways = {client: server, server: client}
    while not over.is_set():
        # Bytes that TLS has decrypted already are not seen by select.
        ready = [one for one in ways if isinstance(one, ssl.SSLSocket) and one.pending()]
        for source in ready or select.select(list(ways), [], [], 0.05)[0]:
            if not (part := source.recv(65536)):
                return
            ways[source].sendall(part)


@contextlib.contextmanager
def proxying(target: str, tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """Serve a proxy that leads to *target* (a server's URL), whatever it is asked for; by TLS with a context."""
    host, _, port = target.partition("://")[2].partition(":")
    proxy = Proxy((host, int(port)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy.url = f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=_accept, args=(listener, tls, proxy))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(listener: socket.socket, tls: ssl.SSLContext | None, proxy: Proxy) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, tls, proxy.serve), daemon=True).start()


def _serve(client: socket.socket, tls: ssl.SSLContext | None, serve: Callable[[socket.socket], None]) -> None:
    with contextlib.suppress(OSError), client:  # clients go away, and do not trust everybody
        if tls is None:
            serve(client)
            return
        with tls.wrap_socket(client, server_side=True) as inside:
            serve(inside)
