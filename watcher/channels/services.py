"""What we know of the services behind Apprise's plugins, and better than these: their readers and their pace.

Colours are left to Slack's payload and the mail's HTML: Apprise's embeds for Discord and Fluxer, which would have one,
look for pings in the text, which must ping nobody.
Not its business: opening a channel (``opening``), what is made of a message (``content``).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watcher.model import Family

if TYPE_CHECKING:
    from apprise import NotifyBase


@dataclass(frozen=True, slots=True)
class Service:
    """What we know better than Apprise's plugin of a service.

    *interval*: seconds between two messages; *longest*: characters of a body, where the plugin's own limit is lower
    than the service's.  None: as the plugin has it.  *pause_unit*: seconds in one ``retry_after`` of an answer's body.
    """

    family: Family
    interval: float | None = None
    longest: int | None = None
    pause_unit: float = 1.0


# By the plugin's module.  Sources: the services' own documents of rate limits and message lengths.
_SERVICES = {
    "slack": Service(Family.SLACK, interval=1.0),  # one message a second and channel
    "email": Service(Family.EMAIL, interval=0.0),
    "custom_json": Service(Family.JSON, interval=0.0),
    "discord": Service(Family.CHAT, interval=0.5),  # five in two seconds
    "guilded": Service(Family.CHAT, interval=0.5),
    "fluxer": Service(Family.CHAT, interval=0.5),
    "revolt": Service(Family.CHAT, pause_unit=0.001),  # its API counts milliseconds
    "mattermost": Service(Family.CHAT, longest=16_000),  # 16,383
    "rocketchat": Service(Family.CHAT, longest=5_000),  # Message_MaxAllowedSize
    "workflows": Service(Family.CHAT, longest=20_000),  # Teams: 28 KB with the card around it
    "webexteams": Service(Family.CHAT),
    "zulip": Service(Family.CHAT),
    "matrix": Service(Family.CHAT),
    "telegram": Service(Family.TEXT, interval=1.0),  # one message a second and chat
}
_OTHER = Service(Family.TEXT)

SLOWEST = 1.0
"""Seconds; the longest interval that is taken over from a plugin: Apprise's default of 5.5 is a guess."""

_SALT = secrets.token_bytes(16)


def module(plugin: NotifyBase) -> str:
    """Return the name of *plugin*'s module, which, unlike its schemas, is one."""
    return type(plugin).__module__.split(".")[2]


def service(plugin: NotifyBase) -> Service:
    """Return what we know of *plugin*'s service."""
    return _SERVICES.get(module(plugin), _OTHER)


def limit_key(plugin: NotifyBase) -> str:
    """Return a key that is the same for all plugins that use one account: a token, a mailbox, a web hook.

    Which those are is Apprise's ``url_identifier``: all of a URL but its target.  It holds the account's secrets, so
    the key is a hash of it, with a salt of this process: whoever reads one can neither undo it nor try guesses.
    """
    account = plugin.url_identifier
    if not isinstance(account, str | tuple | list):  # a service of Apprise's without accounts
        account = (plugin.user, plugin.password, plugin.host, plugin.port)
    text = repr((module(plugin), account))
    return hashlib.blake2b(text.encode(), key=_SALT, digest_size=8).hexdigest()
