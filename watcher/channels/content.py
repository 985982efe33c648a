"""What a message holds that Apprise has no words for, put into what Apprise is about to send.

Apprise's plugin makes the address, the headers and a content of its own; on its way out (``wire``, ``mail``) the
content is exchanged by a function of here.  So everything that a URL asks for stays in force, and no plugin's ``send``
is repeated.  Should an update of Apprise go another way, its own content arrives, made of the same message.
Not its business: what a payload or an HTML text says (``render``), what Slack answers (``slack``).
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from watcher.channels import slack
from watcher.channels.services import service
from watcher.model import Family, Message

if TYPE_CHECKING:
    from apprise import NotifyBase

Edit = Callable[[str, Message], str]
"""Given Apprise's content and the message that it was made of, returns what is sent instead."""

# Headers stay as Apprise has folded them: folded anew, a long identifier would become an encoded word.
_POLICY = email.policy.default.clone(refold_source="none")


def editor(plugin: NotifyBase) -> Edit:
    """Return what exchanges the contents that *plugin* sends."""
    family = service(plugin).family
    if family is Family.SLACK:
        return slack.editor(plugin)
    if family is Family.JSON:
        extras: dict[str, str] = plugin.payload_extras  # type: ignore[attr-defined]
        return partial(_json, extras)
    return _mail if family is Family.EMAIL else _unchanged


def conversation_id(conversation: str) -> str:
    """Return the Message-ID of the mail that never was, which all mails of *conversation* answer.

    It is the same after every restart, and whoever's text a conversation's name is, this is an identifier.  The domain
    is one that nobody can have (RFC 6761), short enough that the header needs no folding.
    """
    return f"<{hashlib.blake2b(conversation.encode(), digest_size=16).hexdigest()}@bedrock-watch.invalid>"


def _unchanged(content: str, _message: Message) -> str:
    return content


def _json(extras: Mapping[str, str], content: str, message: Message) -> str:
    """Return the message's payload in place of Apprise's object.

    *extras* are the URL's ``:key=value``.  They do to the payload what Apprise lets them do to its own object: a known
    key is renamed to the value, or left out when that is empty; an unknown one is added with the value.
    """
    if message.payload is None:
        return content
    payload = dict(message.payload)
    for key, value in extras.items():
        if key not in payload:
            payload[key] = value
        elif value:
            payload[value] = payload.pop(key)
        else:
            del payload[key]
    return json.dumps(payload)


def _mail(content: str, message: Message) -> str:
    """Return Apprise's mail with both of our texts, and in its conversation.

    Apprise would derive the plain text from the HTML, and lose what looks like a tag.  A mail that it has signed or
    encrypted is not plain any more, and keeps the one text.  Headers that the URL sets itself stay.

    Each mail of a conversation answers the same first one, which was never sent, so that it does not matter which of
    them arrive (RFC 5322, 3.6.4: the identifiers make a thread).  Gmail also wants one subject for all of a thread; a
    subject that tells the news is worth more.
    """
    mail = email.message_from_string(content, policy=_POLICY)
    if message.html and mail.get_content_type() == "text/plain":
        mail.set_content(message.body)
        mail.add_alternative(message.html, subtype="html")
    headers = {"Auto-Submitted": "auto-generated"}  # RFC 3834: no holiday notice answers it
    if message.conversation:
        headers |= dict.fromkeys(("In-Reply-To", "References"), conversation_id(message.conversation))
    for name, value in headers.items():
        if name not in mail:
            mail[name] = value
    return mail.as_string()
