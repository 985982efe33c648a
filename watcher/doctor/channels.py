"""The channels: whether each can be reached.  No message is sent."""

from __future__ import annotations

from watcher.channels import BadChannel, open_channel
from watcher.config import ChannelConfig, SecretUnreadable
from watcher.doctor.finding import Finding, Grade
from watcher.errors import ExitCode
from watcher.model import Failed

CHECK = "channel"

SEND = "bedrock-watch doctor --send sends a real message"


def check_channel_reachable(channel: ChannelConfig) -> Finding | None:
    """Connect to where a channel's messages go; blocks.  None: the configuration's own mistake, told as such."""
    name = channel.name
    try:
        bundle = str(channel.ca_bundle) if channel.ca_bundle else None
        post = open_channel(name, channel.secret(), ca_bundle=bundle)
    except SecretUnreadable as error:
        if error.not_checkable:
            return Finding(CHECK, name, Grade.UNKNOWN, error.what, error.remedy)
        return None
    except BadChannel:
        return None
    try:
        reached = post.probe()
    finally:
        post.close()
    if reached is None:
        return Finding(CHECK, name, Grade.UNKNOWN, f"{post.service} cannot be reached without sending", SEND)
    if isinstance(reached, Failed):
        remedy = "check the channel's URL, the network, and any proxy"
        return Finding(CHECK, name, Grade.FAIL, reached.reason, remedy, ExitCode.DELIVERY_FAILED)
    return Finding(CHECK, name, Grade.OK, f"{post.service} answers: {reached}")
