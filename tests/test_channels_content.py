"""What arrives of a payload, of an HTML text and of a conversation, at real servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from support_receivers import MailReceiver, WebReceiver, mail_receiver, web_receiver

from watcher.channels import BadChannel, open_channel
from watcher.channels.content import _mail, conversation_id
from watcher.model import Message, Sent, Severity

PLAIN = "FAILED after 3h12m\n\n  AccessDenied on <bucket/key>\n.\nFrom here on: ünïcödé 漢字\n" + "long " * 300
HTML = (
    "<html><body><p>FAILED</p><pre>AccessDenied on &lt;bucket/key&gt; 漢字</pre>" + "<b>x</b>" * 300 + "</body></html>"
)
NEWS = Message(
    "[bedrock] FAILED nova-support",
    PLAIN,
    Severity.FAILURE,
    html=HTML,
    payload={"version": 1, "event": {"id": 7, "name": "failed"}, "job": {"label": "漢字"}, "message": "body"},
    conversation="arn:aws:bedrock:us-east-1:123456789012:model-customization-job/x/abcdefghij12",
)


@pytest.fixture
def mails() -> Iterator[MailReceiver]:
    """A mail server."""
    with mail_receiver() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[WebReceiver]:
    """A web server."""
    with web_receiver() as server:
        yield server


def mailed(server: MailReceiver, message: Message, options: str = "") -> EmailMessage:
    """Return the mail that arrived."""
    channel = open_channel("mail", f"mailto://127.0.0.1:{server.port}/?from=a@example.com&to=b@example.com{options}")
    assert channel.send(message) == Sent()
    return server.mails.pop()


def text(part: Any) -> str:
    """Return the text of a part, with the line ends of Python and without the last."""
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n").removesuffix("\n")


def posted(hook: WebReceiver, message: Message, options: str = "") -> object:
    """Return the JSON that arrived."""
    channel = open_channel("hook", f"json://{hook.address}/hook{options}")
    assert channel.send(message) == Sent()
    channel.close()
    return hook.requests[-1].json


def test_a_mail_has_both_of_our_texts(mails: MailReceiver) -> None:
    """Apprise would make the plain one of the HTML, and drop what looks like a tag."""
    mail = mailed(mails, NEWS)
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"], "the best comes last"
    assert text(mail.get_body(["plain"])) == PLAIN
    assert text(mail.get_body(["html"])) == HTML


def test_a_mail_without_html_is_plain(mails: MailReceiver) -> None:
    """One text needs no envelope."""
    mail = mailed(mails, replace(NEWS, html=""))
    assert mail.get_content_type() == "text/plain"
    assert text(mail) == PLAIN.rstrip(), "Apprise takes the blanks from the end"


def test_a_mail_keeps_the_headers_that_apprise_wrote(mails: MailReceiver) -> None:
    """Each of them once, and as many as a mail without HTML has."""
    mail = mailed(mails, NEWS, "&name=Übung&+X-Team=ml")
    assert mail["Subject"] == NEWS.title
    assert mail["From"].addresses[0].display_name == "Übung"
    assert (mail["To"], mail["X-Team"]) == ("b@example.com", "ml")
    assert mail["Auto-Submitted"] == "auto-generated"
    names = [name.lower() for name in mail]
    assert len(names) == len(set(names))
    assert "date" in names


def test_a_mail_has_one_message_id_of_its_own(mails: MailReceiver) -> None:
    """A second one, or the same in two mails, makes mail servers drop what they take for a duplicate."""
    both = [mailed(mails, NEWS), mailed(mails, NEWS)]
    for mail in both:
        assert len(mail.get_all("Message-ID", [])) == 1
    assert both[0]["Message-ID"] != both[1]["Message-ID"]


def test_all_mails_about_a_job_answer_the_same_one(mails: MailReceiver) -> None:
    """So that clients put them into one conversation, whichever of them arrive and whatever restarts in between."""
    first, second = mailed(mails, NEWS), mailed(mails, replace(NEWS, title="other", html=""))
    root = "<df8b2d7b383102e7efa3db97a4eee0d5@bedrock-watch.invalid>"
    for mail in (first, second):
        assert mail.get_all("References") == [root]
        assert mail.get_all("In-Reply-To") == [root]
    other = mailed(mails, replace(NEWS, conversation="job/2"))
    assert other["References"] != root


def test_a_mail_about_nothing_in_particular_answers_none(mails: MailReceiver) -> None:
    """Without a conversation there is nothing to refer to."""
    mail = mailed(mails, replace(NEWS, conversation=""))
    assert (mail["References"], mail["In-Reply-To"]) == (None, None)


def test_a_conversations_name_makes_no_header() -> None:
    """It may be made of what a user has written."""
    for name in ("x\r\nBcc: c@example.com", "<a> <b@c>", "ü" * 5000):
        identifier = conversation_id(name)
        assert identifier.startswith("<")
        assert identifier.endswith("@bedrock-watch.invalid>")
        assert len(identifier) == 56


def test_a_thread_that_the_url_names_stays(mails: MailReceiver) -> None:
    """A header of the URL is its owner's wish, in whatever case it is written."""
    mail = mailed(mails, NEWS, "&+references=%3Cours@example.com%3E&+auto-submitted=no")
    assert mail.get_all("References") == ["<ours@example.com>"]
    assert mail.get_all("Auto-Submitted") == ["no"]


def test_a_long_identifier_is_not_broken(mails: MailReceiver) -> None:
    """Folded anew by Python, it would become an encoded word, and no client would know it again."""
    root = f"<{'x' * 120}@example.com>"
    mail = mailed(mails, NEWS, f"&+References={root}")
    assert dict(mail.raw_items())["References"].strip() == root


def test_a_signed_mail_stays_as_it_was_signed() -> None:
    """Another text would break its signature; the headers are outside of it."""
    signed = 'Content-Type: multipart/signed; boundary="x"\n\n--x\nContent-Type: text/plain\n\nbody\n--x--\n'
    mail = _mail(signed, NEWS)
    assert mail.endswith(signed.partition("\n\n")[2])
    assert "In-Reply-To: <" in mail


@pytest.mark.parametrize("header", ["Message-ID", "message-id", "Date", "Subject", "To", "From", "Content-Type"])
def test_a_header_that_would_be_there_twice_is_refused(header: str) -> None:
    """Apprise writes both."""
    with pytest.raises(BadChannel, match=f"must not set the header '{header}'"):
        open_channel("mail", f"mailto://127.0.0.1/?from=a@example.com&+{header}=%3Cplanted%3E")


def test_a_payload_is_what_a_web_hook_gets(hook: WebReceiver) -> None:
    """Nothing of Apprise's own object is left, not its version either."""
    assert posted(hook, NEWS) == NEWS.payload


def test_a_web_hook_is_asked_as_its_url_says(hook: WebReceiver) -> None:
    """Method, path, query, headers and login stay in force."""
    channel = open_channel("hook", f"json://user:pass@{hook.address}/a/b?method=put&-k=v&+X-Token=t")
    assert channel.send(NEWS) == Sent()
    channel.close()
    (request,) = hook.requests
    assert (request.method, request.path, request.json) == ("PUT", "/a/b?k=v", NEWS.payload)
    assert (request.headers["X-Token"], request.headers["Authorization"]) == ("t", "Basic dXNlcjpwYXNz")
    assert request.headers["Content-Type"] == "application/json"


def test_a_payload_is_renamed_and_added_to_as_the_url_says(hook: WebReceiver) -> None:
    """By Apprise's own rules for ``:key=value``; the message itself stays as it was."""
    before = dict(NEWS.payload or {})
    payload = posted(hook, NEWS, "?:message=text&:version=&:room=42")
    assert payload == {"event": before["event"], "job": before["job"], "text": "body", "room": "42"}
    assert before == NEWS.payload


def test_a_message_without_payload_is_apprises_object(hook: WebReceiver) -> None:
    """A web hook gets title and body, whoever made the message."""
    payload = posted(hook, replace(NEWS, payload=None), "?:title=subject")
    assert isinstance(payload, dict)
    assert (payload["subject"], payload["message"]) == (NEWS.title, PLAIN.rstrip())
