"""Messages, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from watcher.model.facts import Severity
from watcher.model.news import Event


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one channel; *attempts* counts the tries that were begun.

    *uncertain*: an earlier try may have arrived.  *revived*: it was dead and a person asked for it again.
    """

    id: int
    event: Event
    channel: str
    attempts: int
    uncertain: bool = False
    revived: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: every text in it is already safe for the channel's family.

    *body* is the text in the family's markup (for e-mail the plain part, beside *html*); *payload* is what is sent
    in place of Apprise's own object where a family has one (Slack, JSON).  *conversation* names what the message is
    about: messages that share it are one thread; *thread* is what the receiver last answered to one of them, and
    *broadcast* shows a reply outside its thread too.
    """

    title: str
    body: str
    severity: Severity
    html: str = ""
    payload: Mapping[str, Any] | None = None
    conversation: str = ""
    thread: Mapping[str, str] = field(default_factory=dict)
    broadcast: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver accepted the message; *receiver_data* is what it answered that later messages need.

    *confirmed* is False where the service never confirms a message (IRC, syslog over UDP): it left, no more is known.
    """

    receiver_data: Mapping[str, str] = field(default_factory=dict)
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Failed:
    """The message was not accepted, or that is not known.

    *permanent*: trying again cannot help.  *uncertain*: it may have arrived.  *retry_after*: seconds that the
    receiver asked us to wait.  *reason* holds the receiver's own words where it gave some, and never a secret.
    """

    reason: str
    permanent: bool = False
    uncertain: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """One message to queue: for whom, and how long it is held back (epoch seconds; 0: not at all) for which *fold*."""

    channel: str
    hold_until: float = 0.0
    fold: str = ""


Verdict = Sent | Failed
