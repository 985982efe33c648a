"""What we know of the services behind Apprise's plugins, and better than these: their readers and their pace.

Colours are left to Slack's payload and the mail's HTML: Apprise's embeds for Discord and Fluxer, which would have one,
look for pings in the text, which must ping nobody.
Not its business: opening a channel (``opening``), what is made of a message (``content``).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watcher.channels.units import json_bytes, ntfy_bytes, parsed_utf16, utf8, utf16
from watcher.model import Family

if TYPE_CHECKING:
    from apprise import NotifyBase


@dataclass(frozen=True, slots=True)
class Service:
    """What we know better than Apprise's plugin of a service.

    *interval*: seconds between two messages; *longest*: the size of a body at most, in the unit of *count*; *source*:
    the characters of a body after which Apprise truncates, where the service allows more before conversion.
    None: as the plugin has it.  *pause_unit*: seconds in one ``retry_after`` of an answer's body.
    """

    family: Family
    interval: float | None = None
    longest: int | None = None
    count: Callable[[str], int] = len
    source: int | None = None
    pause_unit: float = 1.0


# By the plugin's module.  Sources: the services' own documents of rate limits and message lengths.
_SERVICES = {
    "slack": Service(Family.SLACK, interval=1.0),  # one message a second and channel
    "email": Service(Family.EMAIL, interval=0.0),
    "custom_json": Service(Family.JSON, interval=0.0),
    "discord": Service(Family.CHAT, interval=0.5, longest=2000, count=utf16),  # five in two seconds
    "guilded": Service(Family.CHAT, interval=0.5, longest=2000, count=utf16),
    "fluxer": Service(Family.CHAT, interval=0.5, longest=2000, count=utf16),
    "revolt": Service(Family.CHAT, pause_unit=0.001),  # its API counts milliseconds
    "mattermost": Service(Family.CHAT, longest=16_000, source=16_000),  # 16,383
    "rocketchat": Service(Family.CHAT, longest=5_000, source=5_000),  # Message_MaxAllowedSize
    # Teams: 28 KB with the card around it
    "workflows": Service(Family.CHAT, longest=20_000, count=json_bytes, source=20_000),
    "webexteams": Service(Family.CHAT, longest=7439, count=utf8),
    "zulip": Service(Family.CHAT, longest=10_000, count=utf8),
    "matrix": Service(Family.CHAT),  # an event has 65,536 bytes; the plugin counts them itself
    # One message a second and chat.  The Bot API counts after entities parsing, Apprise before it.
    "telegram": Service(Family.TEXT, interval=1.0, longest=4096, count=parsed_utf16, source=32_768),
    "ntfy": Service(Family.TEXT, longest=4096, count=ntfy_bytes),  # a longer one becomes an attachment
    "dingtalk": Service(Family.TEXT, longest=19_985, count=json_bytes),  # 20,000 bytes with the object around it
    "feishu": Service(Family.TEXT, longest=19_985, count=json_bytes),  # 20 KB, likewise
    "lark": Service(Family.TEXT, longest=19_985, count=json_bytes),
    "wechat": Service(Family.TEXT, longest=2048, count=utf8),
    "wecombot": Service(Family.TEXT, longest=2048, count=utf8),
    "threema": Service(Family.TEXT, longest=3500, count=utf8),
    "google_chat": Service(Family.TEXT, longest=4000, count=utf8),
    "irc": Service(Family.TEXT, longest=380, count=utf8),  # a line of the protocol has 512 bytes
    "aprs": Service(Family.TEXT, longest=67, count=utf8),
    "fcm": Service(Family.TEXT, longest=1024, count=utf8),
    "gorush": Service(Family.TEXT, longest=3500, count=json_bytes),  # a push notification has 4 KB in all
    "pushy": Service(Family.TEXT, longest=3500, count=json_bytes),
    "vapid": Service(Family.TEXT, longest=3500, count=json_bytes),
    "one_signal": Service(Family.TEXT, longest=1500, count=json_bytes),  # 2,048 bytes of payload on some platforms
    "line": Service(Family.TEXT, longest=5000, count=utf16),
    "viber": Service(Family.TEXT, longest=7000, count=utf8),
}
_OTHER = Service(Family.TEXT)
_SLACK_WORKFLOW = Service(Family.TEXT, interval=1.0)  # its variables show markup as it is written

SLOWEST = 1.0
"""Seconds; the longest interval that is taken over from a plugin: Apprise's default of 5.5 is a guess."""

_SALT = secrets.token_bytes(16)


def module(plugin: NotifyBase) -> str:
    """Return the name of *plugin*'s module, which, unlike its schemas, is one."""
    return type(plugin).__module__.split(".")[2]


def service(plugin: NotifyBase) -> Service:
    """Return what we know of *plugin*'s service."""
    if getattr(plugin, "workflow_path", None) and module(plugin) == "slack":
        return _SLACK_WORKFLOW
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
