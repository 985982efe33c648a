"""Delivery settings of a channel from the configuration, for the daemon's workers and for previews.

It imports nothing of the daemon: a preview needs neither the SDK nor Apprise's network.
"""

from __future__ import annotations

import socket
from functools import partial
from zoneinfo import ZoneInfo

from watcher.config import ChannelConfig
from watcher.deliver import Manner
from watcher.render import apply


def manner_of(channel: ChannelConfig, timezone: str | None, tell: list[str]) -> Manner:
    """Return a channel's delivery settings from the configuration."""
    template = None
    if channel.title is not None or channel.body is not None:
        template = partial(apply, channel.title, channel.body)
    zone = ZoneInfo(timezone) if timezone else None
    return Manner(channel.burst, template, zone, socket.gethostname(), tell)
