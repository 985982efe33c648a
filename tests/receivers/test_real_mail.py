"""Postfix takes the mails, and Dovecot shows by IMAP what is in the mailbox."""

from __future__ import annotations

import email
import email.policy
import imaplib
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from jail import DEADLINE, Server, jailed
from support_daemon import Home
from support_simulator import running

from watcher.channels import open_channel
from watcher.model import Failed, Message, Sent, Severity
from watcher.simulator import Phase, Script, Simulator

ALERT = Message(
    "[bedrock] FAILED nova-support", "first\n.\n..\nFrom here\n  indented \u2026 \u00e4\nlast", Severity.FAILURE
)

MAIN = """
compatibility_level = 3.6
maillog_file = /srv/maillog
maillog_file_prefixes = /srv
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
myhostname = mail.example.com
virtual_mailbox_domains = example.com
virtual_mailbox_base = /srv/mail
virtual_mailbox_maps = texthash:/etc/postfix/mailboxes
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
smtpd_recipient_restrictions = check_recipient_access texthash:/srv/access, permit_mynetworks, reject_unauth_destination
smtpd_forbidden_commands =
"""

MASTER = """
smtp     inet  n - n -    - smtpd -o max_use=1
pickup   unix  n - n 60   1 pickup
cleanup  unix  n - n -    0 cleanup
qmgr     unix  n - n 300  1 qmgr
rewrite  unix  - - n -    - trivial-rewrite
bounce   unix  - - n -    0 bounce
defer    unix  - - n -    0 bounce
trace    unix  - - n -    0 bounce
proxymap unix  - - n -    - proxymap
anvil    unix  - - n -    1 anvil
error    unix  - - n -    - error
retry    unix  - - n -    - error
showq    unix  n - n -    - showq
virtual  unix  - n n -    - virtual
postlog  unix-dgram n - n - 1 postlogd
"""

DOVECOT = """
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
log_path = /srv/dovecot.log
mail_location = maildir:/srv/mail/ops
first_valid_uid = 100
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=5000 gid=5000 home=/srv/mail
}
"""

REFUSED = "quota@example.com 552 5.2.2 Mailbox full\njunk@example.com 554 5.7.1 Spam\n"
START = "mkdir -p /srv/mail && chown 5000:5000 /srv/mail && { dovecot -F & } && postfix start-fg"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Postfix on port 25 and Dovecot on port 143, with one mailbox: ops@example.com."""
    directory = tmp_path_factory.mktemp("mail")
    (directory / "access").write_text(REFUSED)
    files = {
        "postfix/main.cf": MAIN,
        "postfix/master.cf": MASTER,
        "postfix/mailboxes": "ops@example.com ops/\ngrey@example.com ops/\n",
        "dovecot/dovecot.conf": DOVECOT,
    }
    with jailed(directory, START, files, 25, 143) as started:
        yield started


def url(to: str = "ops", options: str = "") -> str:
    """Return the URL of a mail channel."""
    return f"mailto://127.0.0.1/?from=watch@example.com&to={to}@example.com{options}"


def mails(subject: str, count: int = 1) -> list[EmailMessage]:
    """Return the mails of that *subject* as IMAP has them, when there are so many."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        with imaplib.IMAP4("127.0.0.1", 143, timeout=10) as imap:
            imap.login("ops", "secret")
            imap.select("INBOX", readonly=True)
            _, (numbers,) = imap.search(None, "SUBJECT", f'"{subject}"')
            if len(numbers.split()) >= count:
                return [_fetch(imap, number.decode()) for number in numbers.split()]
        time.sleep(0.2)
    raise AssertionError(f"no mail with the subject {subject!r}")


def _fetch(imap: imaplib.IMAP4, number: str) -> EmailMessage:
    _, data = imap.fetch(number, "(BODY.PEEK[])")
    assert isinstance(data[0], tuple)
    mail = email.message_from_bytes(data[0][1], policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_a_mail_is_in_the_mailbox_as_it_was_written(server: Server) -> None:
    assert open_channel("mail", url()).send(ALERT) == Sent()
    (mail,) = mails("FAILED nova-support")
    assert mail["Subject"] == ALERT.title
    assert mail["From"].addresses[0].addr_spec == "watch@example.com"
    assert mail["To"].addresses[0].addr_spec == "ops@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert len(mail.get_all("Message-ID", [])) == len(mail.get_all("Date", [])) == 1
    part = mail.get_body(("plain",))
    assert isinstance(part, EmailMessage)
    assert part.get_content().replace("\r\n", "\n").rstrip("\n") == ALERT.body


def test_a_greylisted_mail_is_sent_again_and_arrives_once(server: Server) -> None:
    """The refusal is temporary; afterwards nothing has arrived, and nothing is in doubt."""
    access = server.directory / "access"
    access.write_text(REFUSED + "grey@example.com 450 4.2.0 Greylisted, try again\n")
    message = Message("[bedrock] FAILED greylisted", "x", Severity.FAILURE)
    try:
        refused = open_channel("mail", url("grey")).send(message)
    finally:
        access.write_text(REFUSED)
    assert isinstance(refused, Failed)
    assert (refused.permanent, refused.uncertain) == (False, False)
    assert "450" in refused.reason
    assert "Greylisted" in refused.reason
    assert open_channel("mail", url("grey")).send(message) == Sent()
    assert len(mails("FAILED greylisted")) == 1


@pytest.mark.parametrize(
    ("to", "code", "words"),
    [("nobody", "550", "User unknown"), ("quota", "552", "Mailbox full"), ("junk", "554", "Spam")],
)
def test_a_refused_mail_has_the_servers_words_and_is_not_in_doubt(
    server: Server, to: str, code: str, words: str
) -> None:
    refused = open_channel("mail", url(to)).send(ALERT)
    assert isinstance(refused, Failed)
    assert not refused.uncertain
    assert code in refused.reason
    assert words in refused.reason


def test_the_program_sends_an_alert_from_bedrock_to_the_mailbox(server: Server, tmp_path: Path) -> None:
    simulator = Simulator()
    script = Script(
        "nova-imap", (Phase(3600, "InProgress", {"trainingDetails": "InProgress"}), Phase(0, "Failed")), speed=3600
    )
    with running(simulator) as endpoint:
        arn = simulator.play(script)
        home = Home(tmp_path, endpoint, [arn], {"mail": url()})
        with home.running() as daemon:
            daemon.wait_for(lambda: home.query("SELECT 1 FROM deliveries WHERE state = 'sent'"))
            assert daemon.terminate() == 0
    found = mails("FAILED nova-imap")
    assert len(found) == 1
    assert found[0]["References"]
    assert home.logged("bug") == []
