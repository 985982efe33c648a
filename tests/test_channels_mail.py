"""Mails: what arrives at a real SMTP server, and what is made of its refusals and silences."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from support_receivers import DROP, HANG, TRICKLE, mail_receiver, server_tls

from watcher.channels import AppriseChannel, Limits, open_channel
from watcher.model import Failed, Message, Sent, Severity, Verdict

NEWS = Message("[bedrock] FAILED nova-support", "AccessDenied\n\n  on s3://bucket/key\n.\nend", Severity.FAILURE)
SHORT = Limits(connect=1.0, read=0.3, total=10.0)
SUDDEN = Limits(connect=1.0, read=10.0, total=0.3)


def to(port: int, login: str = "", options: str = "", limits: Limits = SHORT, **rest: str) -> AppriseChannel:
    """Return an open channel to a mail server on loopback."""
    url = f"mailto://{login}127.0.0.1:{port}/?from=watch@example.com&to=ops@example.com{options}"
    return open_channel("mail", url, limits=limits, ca_bundle=rest.get("ca_bundle"))


def test_a_mail_arrives_once_and_as_it_was_written() -> None:
    """Plain text, from us, and marked so that no holiday notice answers it (RFC 3834)."""
    with mail_receiver() as server:
        assert to(server.port).send(NEWS) == Sent()
    (mail,) = server.mails
    assert server.recipients == ["ops@example.com"]
    assert mail["Subject"] == NEWS.title
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n").rstrip("\n") == NEWS.body


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("550 5.1.1 no such mailbox", Failed("SMTP 550: 5.1.1 no such mailbox", permanent=True)),
        ("451 4.7.1 greylisted", Failed("SMTP 451: 4.7.1 greylisted")),
    ],
)
def test_a_refused_recipient_is_final_or_not_as_the_server_says(reply: str, verdict: Verdict) -> None:
    """5xx is permanent, 4xx is not (RFC 5321), and nothing has arrived."""
    with mail_receiver() as server:
        server.at_rcpt = reply
        assert to(server.port).send(NEWS) == verdict
        assert server.mails == []


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("554 5.7.1 spam", Failed("SMTP 554: 5.7.1 spam", permanent=True)),
        ("452 4.2.2 mailbox full", Failed("SMTP 452: 4.2.2 mailbox full")),
    ],
)
def test_a_refused_mail_is_certainly_not_delivered(reply: str, verdict: Verdict) -> None:
    """The server has read it, and has said no."""
    with mail_receiver() as server:
        server.at_data = reply
        assert to(server.port).send(NEWS) == verdict


@pytest.mark.parametrize(("how", "limits"), [(HANG, SHORT), (DROP, SHORT), (TRICKLE, SUDDEN), (HANG, SUDDEN)])
def test_no_answer_to_a_mail_is_uncertain(how: str, limits: Limits) -> None:
    """The mail has arrived in each of these cases, and nobody said so."""
    with mail_receiver() as server:
        server.at_data = how
        verdict = to(server.port, limits=limits).send(NEWS)
    assert isinstance(verdict, Failed)
    assert verdict.reason.startswith("no answer: ")
    assert (verdict.permanent, verdict.uncertain, len(server.mails)) == (False, True, 1)


def test_a_server_that_is_not_there_is_temporary() -> None:
    """Nothing was sent."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        verdict = to(nobody.getsockname()[1]).send(NEWS)
    assert verdict == Failed("could not connect: Connection refused")


def test_a_server_that_never_greets_has_certainly_not_delivered() -> None:
    """Connected is not yet sent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        verdict = to(silent.getsockname()[1]).send(NEWS)
    assert verdict == Failed("could not connect: timed out")


def test_a_greeting_that_trickles_is_cut_off() -> None:
    """Each byte would otherwise begin the time limit anew."""
    over = threading.Event()

    def trickle(server: socket.socket) -> None:
        client, _ = server.accept()
        with client:
            while not over.wait(0.02):
                try:
                    client.send(b".")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=trickle, args=[server])
        thread.start()
        verdict = to(server.getsockname()[1], limits=SUDDEN).send(NEWS)
        over.set()
        thread.join()
    assert verdict == Failed("could not connect: no complete answer within 0.3 s")


def test_a_wrong_password_is_permanent_and_is_not_told() -> None:
    """Whatever the server says of it: some repeat the login."""
    with mail_receiver(password="right-pass") as server:
        verdict = to(server.port, login="watch:wrong-pass@").send(NEWS)
        assert isinstance(verdict, Failed)
        assert verdict.reason.startswith("SMTP 535: ")
        assert verdict.permanent
        assert "pass" not in verdict.reason
        assert to(server.port, login="watch:right-pass@").send(NEWS) == Sent()


def test_a_server_without_starttls_is_not_given_the_mail_in_clear(tmp_path: Path) -> None:
    """The URL asks for TLS."""
    _, bundle = server_tls(tmp_path)
    with mail_receiver() as server:
        verdict = to(server.port, options="&mode=starttls", ca_bundle=bundle).send(NEWS)
        assert isinstance(verdict, Failed)
        assert verdict.permanent
        assert "STARTTLS" in verdict.reason
        assert server.mails == []


def test_a_channels_own_authority_vouches_for_its_mail_server(tmp_path: Path) -> None:
    """And without it the server is not trusted, unless the URL says that anybody is."""
    tls, bundle = server_tls(tmp_path)
    with mail_receiver(tls) as server:
        verdict = to(server.port, options="&mode=starttls").send(NEWS)
        assert isinstance(verdict, Failed)
        assert verdict.reason.startswith("could not connect: the server's certificate is not trusted: ")
        assert (verdict.permanent, verdict.uncertain, server.mails) == (False, False, [])
        assert to(server.port, options="&mode=starttls", ca_bundle=bundle).send(NEWS) == Sent()
        assert to(server.port, options="&mode=starttls&verify=no").send(NEWS) == Sent()
