"""The keys of the configuration: each section's keys, their ranges, and what must hold between them.

Not its business: where the file is (``files``) and how a key is read (``reader``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from watcher.config.durations import format_duration
from watcher.config.reader import Table, expand, printable, suggest
from watcher.config.values import (
    FROM_FILE,
    UNVERIFIED,
    AwsConfig,
    ChannelConfig,
    HeartbeatConfig,
    JobConfig,
    PollConfig,
    RemindConfig,
)
from watcher.errors import BadIdentifier
from watcher.identifiers import ARN_HINT, CUSTOMIZATION, DEFAULT_EVENTS, EVENTS, NAMED, JobArn, parse_identifier

_DAY = 86400.0
_KEEP = 180 * _DAY
REGION = r"[a-z]{2,4}(-[a-z]+)+-[0-9]+"
"""The shape of a region's name in every partition: us-east-1, us-gov-west-1, eusc-de-east-1."""

A_REGION = "a region, such as us-east-1"
"""What REGION is, in words."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
# systemd.exec(5): a credential's name is a file name.
_CREDENTIAL = r"(?!\.\.?$)[A-Za-z0-9._@:-]{1,255}"
_URL = r"[A-Za-z0-9][A-Za-z0-9+.-]*://.+"
_WEB_URL = r"https?://[^\s/?#]+\S*"
_A_NAME = "a name of letters, digits, dots, dashes and underscores (at most 64)"
# AWS Account Management user guide, "View AWS account identifiers".
ACCOUNT = r"[0-9]{12}"
AN_ACCOUNT = 'an AWS account: its 12 digits, in quotes, such as "123456789012"'
_TIME = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
_A_TIME = 'a time of day, such as "09:00"'
# Longer than any job lasts: what is above it is a slip of the pen.
_LONGEST_JOB = 90 * _DAY
_MOST_A_MINUTE = 10_000


def read_poll(table: Table) -> PollConfig:
    """Read ``[poll]``."""
    default = PollConfig()
    poll = PollConfig(
        # AWS throttles long before a look every 100 ms; a simulated Bedrock does not.
        fastest=table.seconds("fastest", default.fastest, 0.1, _DAY),
        slowest=table.seconds("slowest", default.slowest, 0.1, _DAY),
        blind_after=table.seconds("blind_after", default.blind_after, 0.1, 7 * _DAY),
    )
    if poll.fastest > poll.slowest:
        fastest, slowest = format_duration(poll.fastest), format_duration(poll.slowest)
        note = "" if "slowest" in table else ", the default"
        table.wrong("fastest", f"{fastest} is longer than slowest ({slowest}{note})", "raise slowest, or lower fastest")
    table.close()
    return poll


def read_aws(table: Table) -> AwsConfig:
    """Read ``[aws]``."""
    default = AwsConfig()
    aws = AwsConfig(
        region=table.matching("region", REGION, A_REGION),
        profile=table.text("profile"),
        endpoint_url=_endpoint(table),
        ca_bundle=table.bundle("ca_bundle"),
        verify_ssl=table.flag("verify_ssl", default=default.verify_ssl),
        sign=table.flag("sign", default=default.sign),
        # Bounded, because the watchdog's patience has to be longer than the longest wait.
        connect_timeout=table.seconds("connect_timeout", default.connect_timeout, 0.1, 60),
        read_timeout=table.seconds("read_timeout", default.read_timeout, 0.1, 120),
        credentials_timeout=table.seconds("credentials_timeout", default.credentials_timeout, 0.1, 120),
    )
    warn = table.reading.warnings.append
    if not aws.sign and "endpoint_url" not in table:
        warn("aws.sign = false without aws.endpoint_url: AWS refuses requests that are not signed")
    if not aws.verify_ssl:
        warn(UNVERIFIED)
    table.close()
    return aws


def read_remind(table: Table) -> RemindConfig:
    """Read ``[remind]``."""
    default = RemindConfig()
    remind = RemindConfig(
        overdue_factor=table.factor("overdue_factor", default.overdue_factor, 1, 100),
        stall_after=table.seconds("stall_after", default.stall_after, 1, _LONGEST_JOB, off=True),
        stopping_after=table.seconds("stopping_after", default.stopping_after, 1, _LONGEST_JOB, off=True),
        queued_after=table.seconds("queued_after", default.queued_after, 1, _LONGEST_JOB, off=True),
    )
    table.close()
    return remind


def read_heartbeat(table: Table) -> HeartbeatConfig:
    """Read ``[heartbeat]``."""
    default = HeartbeatConfig()
    heartbeat = HeartbeatConfig(
        url=table.matching("url", _WEB_URL, "an http or https URL"),
        url_file=table.path("url_file"),
        url_credential=table.matching("url_credential", _CREDENTIAL, "the name of a systemd credential"),
        every=table.seconds("every", default.every, 1, _DAY),
        ca_bundle=table.bundle("ca_bundle"),
    )
    places = [key for key in ("url", "url_file", "url_credential") if key in table]
    if len(places) > 1:
        table.wrong("", f"has {' and '.join(places)}", "give one of url, url_file and url_credential")
    table.close()
    return heartbeat


def read_jobs(tables: list[Table], aws: AwsConfig) -> tuple[JobConfig, ...]:
    """Read the ``[[job]]`` tables; *aws* gives what a job leaves out."""
    jobs: dict[tuple[str | None, ...], JobConfig] = {}
    for table in tables:
        job = _job(table, aws)
        table.close()
        if job is None:
            continue
        key = (job.id,) if job.id.startswith("arn:") else (job.id, job.kind, job.region, job.profile)
        if key in jobs:
            table.wrong("id", f"{job.id} is there twice", "keep one of the two")
        jobs[key] = job
    return tuple(jobs.values())


def read_channels(tables: list[Table]) -> tuple[ChannelConfig, ...]:
    """Read the ``[[channel]]`` tables."""
    channels: dict[str, ChannelConfig] = {}
    for table in tables:
        place = table.name
        channel = _channel(table)
        table.close()
        if channel is None:
            continue
        if channel.name in channels:
            table.name = place  # which of the two that have this name
            table.wrong("name", f'there are two channels named "{channel.name}"', "rename one of them")
        channels[channel.name] = channel
    return tuple(channels.values())


def read_state_dir(table: Table, env: Mapping[str, str]) -> tuple[Path, str]:
    """Return the state directory and who chose it: the file, else systemd, else the XDG rules.

    Sources: systemd.exec(5) (``$STATE_DIRECTORY``, colons between several), XDG Base Directory Specification 0.8 (a
    relative ``$XDG_STATE_HOME`` is to be ignored).
    """
    written = table.path("state_dir")
    if written is not None:
        # What is missing is made on first use, but a file in the way can only be a mistake.
        for place in (written, *written.parents):
            if os.path.isfile(place):  # noqa: PTH113 - Path.is_file raises where this user may not look
                table.wrong("state_dir", f"{place} is not a directory", "name a directory; it is made when missing")
        return written, FROM_FILE
    systemd = env.get("STATE_DIRECTORY", "").partition(":")[0]
    if systemd:
        return Path(systemd), "$STATE_DIRECTORY"
    home = env.get("XDG_STATE_HOME", "")
    if home.startswith("/"):
        return Path(home, "bedrock-watch"), "$XDG_STATE_HOME"
    place = expand("~/.local/state/bedrock-watch", env)
    if not place.is_absolute():
        # A uid of a container that the user database does not have: "~" would be a folder of that name.
        table.wrong(
            "state_dir", "is not set, and this user has no home directory", "set state_dir, or $STATE_DIRECTORY"
        )
        place = place.absolute()
    return place, "the XDG default"


def read_keep(table: Table) -> float:
    """Read ``keep``: how long history is kept; 0 means for ever."""
    # A week at the least: so long is a message that was given up sent again when its channel is mended.
    return table.seconds("keep", _KEEP, 7 * _DAY, 100 * 365 * _DAY, off=True)


def read_timezone(table: Table) -> str | None:
    """Read ``timezone``: a name of the machine's time zone database."""
    name = table.text("timezone")
    if name is None:
        return None
    import zoneinfo  # noqa: PLC0415 - few configurations name a zone

    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name, or the name of a directory ("Europe")
        remedy = suggest(name, zoneinfo.available_timezones()) or "write it as Europe/Berlin; is tzdata installed?"
        table.wrong("timezone", "is not a time zone that this machine knows", remedy)
        return None
    return name


def _endpoint(table: Table) -> str | None:
    url = table.text("endpoint_url")
    if url is None:
        return None
    from urllib.parse import urlsplit  # noqa: PLC0415 - few configurations have an endpoint

    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an unclosed IPv6 bracket, a port that is no number
        whole = False
    if whole and not url.split()[1:]:
        return url
    table.wrong("endpoint_url", "is not an http or https URL", 'write it like "http://127.0.0.1:4566"')
    return None


def _job(table: Table, aws: AwsConfig) -> JobConfig | None:
    text = table.text("id")
    label = table.text("label")
    tags = frozenset(table.texts("tags") or ())
    expect = table.seconds("expect", None, 1, _LONGEST_JOB)
    region = table.matching("region", REGION, A_REGION)
    profile = table.text("profile")
    kind = _kind(table)
    if text is None:
        if "id" not in table:
            table.wrong("id", "is missing", _in_a_file(ARN_HINT))
        return None
    try:
        job = parse_identifier(text, kind or CUSTOMIZATION)
    except BadIdentifier as error:
        table.wrong("id", error.what, _in_a_file(error.remedy))
        return None
    if isinstance(job, JobArn):
        if kind not in {None, job.kind}:
            table.wrong("kind", f"the job's ARN says {job.kind}", "leave the kind out: it is in the ARN")
        kind = job.kind
        if region not in {None, job.region}:
            table.wrong("region", f"the job's ARN says {job.region}", "leave the region out: it is in the ARN")
        region = job.region
    return JobConfig(text, label, tags, region or aws.region, profile, expect, kind or CUSTOMIZATION)


def _kind(table: Table) -> str | None:
    kind = table.text("kind")
    if kind is None or kind in NAMED:
        return kind
    remedy = suggest(kind, NAMED) or f"the kinds whose jobs have names are {', '.join(NAMED)}"
    table.wrong("kind", f"no such kind: {printable(kind)}", remedy)
    return None


def _in_a_file(remedy: str) -> str:
    """Return a remedy that speaks of the command line in the words of the file."""
    return remedy.replace("add --region", 'add region = "..."')


def _channel(table: Table) -> ChannelConfig | None:
    name = table.matching("name", _NAME, _A_NAME)
    if name is not None:
        table.name = f'channel "{name}"'
    elif "name" not in table:
        table.wrong("name", "is missing", f"give the channel {_A_NAME}")
    default = ChannelConfig("")
    channel = ChannelConfig(
        name or "",
        url=table.matching("url", _URL, "an Apprise URL, such as slack://... or mailtos://..."),
        url_file=table.path("url_file"),
        url_credential=table.matching("url_credential", _CREDENTIAL, "the name of a systemd credential"),
        on=_events(table),
        tags=frozenset(table.texts("tags") or ()),
        accounts=frozenset(table.texts("accounts", ACCOUNT, AN_ACCOUNT) or ()),
        regions=frozenset(table.texts("regions", REGION, A_REGION) or ()),
        names=table.texts("names") or (),
        burst=table.count("burst", default.burst, _MOST_A_MINUTE),
        digest=_time(table, "digest"),
        title=table.text("title"),
        body=table.lines("body"),
        ca_bundle=table.bundle("ca_bundle"),
    )
    places = [key for key in ("url", "url_file", "url_credential") if key in table]
    if len(places) != 1:
        found = f"has {' and '.join(places)}" if places else "has no URL"
        table.wrong("", found, "give exactly one of url, url_file and url_credential")
    return channel if name and (channel.url or channel.url_file or channel.url_credential) else None


def _events(table: Table) -> frozenset[str]:
    names = table.texts("on")
    if names is None:
        return DEFAULT_EVENTS
    for name in sorted(set(names).difference(EVENTS)):
        remedy = suggest(name, EVENTS) or f"the events are {', '.join(EVENTS)}"
        table.wrong("on", f"no such event: {printable(name)}", remedy)
    if not names:
        table.reading.warnings.append(f"{table.name}.on is empty: this channel is told nothing")
    return frozenset(names)


def _time(table: Table, key: str) -> tuple[int, int] | None:
    """Return the hour and the minute of a time of day."""
    text = table.matching(key, _TIME, _A_TIME)
    if text is None:
        return None
    hour, _, minute = text.partition(":")
    return int(hour), int(minute)
