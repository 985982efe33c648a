"""Mail servers that misbehave, line by line, and how a mail is handed over on hosts of every kind."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support_raw import RawServer, raw_server, smtp
from support_receivers import mail_receiver, server_tls

from watcher.channels import BadChannel, Limits, mail, open_channel
from watcher.model import Failed, Message, Sent, Severity, Verdict

NEWS = Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)
SHORT = Limits(connect=2.0, read=5.0, total=0.5)
LONG = Limits(connect=10.0, read=20.0, total=30.0)


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server of raw bytes."""
    with raw_server() as raw:
        yield raw


def sent(server: RawServer, limits: Limits = LONG, login: str = "", options: str = "") -> Verdict:
    """Send one mail to *server*."""
    url = f"mailto://{login}{server.address}/?from=watch@example.com&to=ops@example.com{options}"
    return open_channel("mail", url, limits=limits).send(NEWS)


def failed(verdict: Verdict) -> Failed:
    """Return *verdict*, which is a failure."""
    assert isinstance(verdict, Failed)
    return verdict


PHASES = ["", "EHLO", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("verb", PHASES)
def test_a_connection_closed_before_the_mail_itself_has_certainly_not_delivered(server: RawServer, verb: str) -> None:
    """Only behind 354 does the mail leave; DATA alone is a question."""
    server.talk = smtp(server, {verb: None})
    verdict = failed(sent(server))
    assert (verdict.permanent, verdict.uncertain) == (False, False)
    assert verdict.reason.startswith("the mail server hung up before the mail was sent: ")


def test_a_connection_closed_behind_the_mail_is_uncertain(server: RawServer) -> None:
    server.talk = smtp(server, {".": None})
    verdict = failed(sent(server))
    assert (verdict.permanent, verdict.uncertain) == (False, True)


@pytest.mark.parametrize("verb", [*PHASES, "."])
def test_a_reply_that_drips_ends_at_the_deadline(server: RawServer, verb: str) -> None:
    """Greeting to the end of DATA are one deadline; each byte would otherwise begin the time limit again."""
    replies: dict[str, bytes | None] = {}
    talk = smtp(server, replies)

    def drip(client: socket.socket) -> None:
        talk(client)
        server.drip(client, part=b"250-still thinking\r\n")

    replies[verb] = None
    server.talk = drip
    verdict = failed(sent(server, SHORT))
    assert "no complete answer within 0.5 s" in verdict.reason
    assert (verdict.permanent, verdict.uncertain) == (False, verb == ".")


@pytest.mark.parametrize("verb", [*PHASES, "."])
@pytest.mark.parametrize(
    "reply", [b"250-" + b"x" * 200 + b"\r\n", b"x" * 70_000 + b"\r\n", b"\xff\xfe\r\n", b"\r\n", b"99999 odd\r\n"]
)
def test_no_reply_is_read_without_end_or_raises(server: RawServer, verb: str, reply: bytes) -> None:
    """Many lines, long ones, and what is no reply at all: never final, and behind the mail uncertain."""
    server.talk = smtp(server, {verb: reply * 2000 if reply.startswith(b"250-") else reply})
    verdict = sent(server)
    if isinstance(verdict, Sent):
        assert verb == "EHLO"
        assert server.requests[1].startswith(b"helo "), "the older greeting may please it"
        assert server.requests[-1].startswith(b"quit")
    else:
        assert (verdict.permanent, verdict.uncertain) == (False, verb == ".")


@pytest.mark.parametrize("challenge", [b"334 \xff\xff=\r\n", b"334 !\r\n", b"334 VXNlcm5hbWU6\r\n" * 9, b"334\r\n"])
def test_a_challenge_that_is_none_raises_nothing(server: RawServer, challenge: bytes) -> None:
    server.talk = smtp(server, {"EHLO": b"250-hello\r\n250 AUTH CRAM-MD5 LOGIN PLAIN\r\n", "AUTH": challenge})
    verdict = sent(server, login="watch:p%C3%A4ss-w%C3%B6rd@")
    assert isinstance(verdict, Failed)
    assert "ss-w" not in verdict.reason


def test_a_password_of_any_letters_is_sent_as_utf_8() -> None:
    """RFC 4616; smtplib would raise UnicodeEncodeError."""
    with mail_receiver(password="pässwörd-漢字") as receiver:
        url = "mailto://watch:{}@127.0.0.1:{}/?from=a@example.com&to=b@example.com"
        right, wrong = "p%C3%A4ssw%C3%B6rd-%E6%BC%A2%E5%AD%97", "p%C3%A4ss"
        assert open_channel("mail", url.format(right, receiver.port)).send(NEWS) == Sent()
        assert failed(open_channel("mail", url.format(wrong, receiver.port)).send(NEWS)).reason.startswith("SMTP 535")
        assert len(receiver.mails) == 1


@pytest.mark.parametrize(
    ("host", "greeting"),
    [
        ("watch.example.com", b"ehlo watch.example.com\r\n"),
        ("bare", b"ehlo [127.0.0.1]\r\n"),
        ("a" * 64 + ".example.com", b"ehlo [127.0.0.1]\r\n"),
        ("watch..example.com", b"ehlo [127.0.0.1]\r\n"),
        (".", b"ehlo [127.0.0.1]\r\n"),
        ("", b"ehlo [127.0.0.1]\r\n"),
        ("überwacht.example.com", b"ehlo [127.0.0.1]\r\n"),
        ("a b.example.com", b"ehlo [127.0.0.1]\r\n"),
        ("x\r\nquit.example.com", b"ehlo [127.0.0.1]\r\n"),
    ],
)
def test_a_mail_server_is_greeted_without_a_resolver(
    server: RawServer, host: str, greeting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host's name decides alone: a resolver that is down holds up no mail (saltstack/salt#56179)."""

    def down(*_: object) -> str:
        raise AssertionError

    monkeypatch.setattr(socket, "gethostname", lambda: host)
    monkeypatch.setattr(socket, "getfqdn", down)
    monkeypatch.setattr(socket, "gethostbyaddr", down)
    server.talk = smtp(server, {})
    assert sent(server) == Sent()
    assert server.requests[0] == greeting


def test_the_greeting_can_be_set(server: RawServer) -> None:
    """Some servers want the name that their DNS knows."""
    server.talk = smtp(server, {})
    assert sent(server, options="&ehlo=mail.example.org") == Sent()
    assert server.requests[0] == b"ehlo mail.example.org\r\n"
    for bad in ("a%20b", "a%0D%0Aquit", "[x%20y]"):
        with pytest.raises(BadChannel, match="ehlo"):
            sent(server, options=f"&ehlo={bad}")


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
@pytest.mark.parametrize(
    "url",
    [
        "mailto://[::1]:{}/?from=a@example.com&to=b@example.com",
        "mailto://u@example.com:{}/?smtp=[::1]&to=b@example.com",
    ],
)
def test_a_mail_server_may_be_given_by_its_ipv6_address(url: str) -> None:
    """Apprise leaves the brackets, which no resolver knows (authelia/authelia#13051)."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this host has no IPv6 on loopback")
    with listener, raw_server() as server:
        talk = smtp(server, {})

        def accept() -> None:
            client, _ = listener.accept()
            with client:
                talk(client)

        thread = threading.Thread(target=accept)
        thread.start()
        assert open_channel("mail", url.format(listener.getsockname()[1])).send(NEWS) == Sent()
        thread.join()


def test_starttls_asked_of_a_server_that_begins_with_tls_is_explained(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a server waits for us, and we for its greeting."""
    monkeypatch.setattr(mail, "_TLS_PORT", server.port)
    server.talk = lambda client: client.recv(1)  # type: ignore[assignment]
    verdict = failed(sent(server, Limits(connect=1.0, read=0.3, total=10.0), options="&mode=starttls"))
    assert verdict.reason == "could not connect: timed out (port 465 begins with TLS: set mode=ssl in the URL)"


def test_tls_asked_of_a_server_that_begins_without_is_explained(server: RawServer) -> None:
    server.talk = smtp(server, {})
    verdict = failed(sent(server, options="&mode=ssl"))
    assert verdict.reason.endswith("(the server does not begin with TLS: set mode=starttls in the URL)")


def test_a_mail_server_under_tls_takes_a_mail(tmp_path: Path) -> None:
    """From the first byte: connecting and the handshake are one step that may be abandoned."""
    tls, bundle = server_tls(tmp_path)
    with raw_server() as server:
        talk = smtp(server, {})

        def encrypted(client: socket.socket) -> None:
            with tls.wrap_socket(client, server_side=True) as secure:
                talk(secure)

        server.talk = encrypted
        url = f"mailtos://{server.address}/?from=a@example.com&to=b@example.com&mode=ssl"
        assert open_channel("mail", url, ca_bundle=bundle).send(NEWS) == Sent()
        verdict = failed(open_channel("mail", url).send(NEWS))
        assert "certificate is not trusted" in verdict.reason
    assert isinstance(tls, ssl.SSLContext)
