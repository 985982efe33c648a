"""The configuration: one TOML file, read whole, every mistake in it named at once.

It is standard library only, so that a command that merely reads the database starts quickly.  ``values`` holds what
the rest of the house is given, ``files`` finds and reads the file, ``sections`` and ``estate`` know its keys,
``reader`` how to ask for a key, ``durations`` how people write seconds.

Not its business: whether a channel's URL is one that Apprise can open (``channels``), and whether AWS agrees with any
of it (``bedrock``).
"""

from __future__ import annotations

from watcher.config.durations import format_duration, parse_duration
from watcher.config.files import BadConfigFile, examine, find, load, user_path
from watcher.config.reader import Mistake
from watcher.config.secret import SecretUnreadable
from watcher.config.values import (
    AccountConfig,
    AwsConfig,
    ChannelConfig,
    Config,
    DiscoverConfig,
    HeartbeatConfig,
    JobConfig,
    PollConfig,
    QueueConfig,
    RemindConfig,
)

__all__ = [
    "AccountConfig",
    "AwsConfig",
    "BadConfigFile",
    "ChannelConfig",
    "Config",
    "DiscoverConfig",
    "HeartbeatConfig",
    "JobConfig",
    "Mistake",
    "PollConfig",
    "QueueConfig",
    "RemindConfig",
    "SecretUnreadable",
    "examine",
    "find",
    "format_duration",
    "load",
    "parse_duration",
    "user_path",
]
