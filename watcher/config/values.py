"""What a configuration says, as values that are already checked.  All lengths of time are seconds.

Not its business: where the file is and how it is read (``files``, ``reader``).  A channel's URL is a secret: it is kept
out of every repr, and one that lies in a file of its own is read only when it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from watcher.config.secret import read_secret
from watcher.identifiers import CUSTOMIZATION, DEFAULT_EVENTS, FINDING, account_scope, scope_key

HIDDEN = "(hidden)"
"""What is shown in the place of a secret."""

BUILT_IN = "built-in defaults"
"""What stands for the configuration's file where there is none."""

FROM_FILE = "this file"
"""Who set a key: the configuration file."""

UNKNOWN = "a file that cannot be used"
"""Who set ``state_dir``, when only the file could tell, and it does not: the value is a default, and may be wrong."""


@dataclass(frozen=True, slots=True)
class PollConfig:
    """How often a job is looked at, and after how long of not being able to look that is told."""

    fastest: float = 30.0
    slowest: float = 120.0
    blind_after: float = 600.0


UNVERIFIED = (
    "aws.verify_ssl = false: any server on the network path can pose as AWS, and receives your credentials. "
    "Set aws.ca_bundle instead"
)
"""The warning about connections whose certificate nobody checks."""


@dataclass(frozen=True, slots=True)
class AwsConfig:
    """How AWS is reached.  *region* is only for jobs that are given by name: an ARN knows its own."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = field(default=None, repr=False)  # may hold a password
    ca_bundle: Path | None = None
    verify_ssl: bool = True
    sign: bool = True
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    credentials_timeout: float = 30.0

    @property
    def endpoint_shown(self) -> str | None:
        """The endpoint without what could be secret in it: user, password and query."""
        if self.endpoint_url is None:
            return None
        from urllib.parse import urlsplit  # noqa: PLC0415 - few configurations have an endpoint

        parts = urlsplit(self.endpoint_url)
        user, at, host = parts.netloc.rpartition("@")
        query = f"?{HIDDEN}" if parts.query or parts.fragment else ""
        return f"{parts.scheme}://{HIDDEN if user else ''}{at}{host}{parts.path}{query}"


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """An AWS account, and whose credentials its jobs are looked at with: a *profile*, a role that is assumed, or all's.

    *source_profile* is who assumes it, None: the profile of ``[aws]``.  *regions* are where rules look for its jobs.
    """

    id: str
    name: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    session_name: str = "bedrock-watch"
    source_profile: str | None = None
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiscoverConfig:
    """A rule: jobs that someone else begins are watched if all of it fits; what is empty fits every job.

    *account* and *regions* are as written, *places* the regions to look in, by account.  *names* are globs; *tags* are
    AWS's, as ``key=value`` or ``key``, globs too, of which each has to fit one; *created_within* is how old a job may
    be when it is found, in seconds.
    """

    name: str
    account: str | None = None
    regions: tuple[str, ...] = ()
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: tuple[str, ...] = (CUSTOMIZATION,)
    names: tuple[str, ...] = ()
    customization_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    created_within: float | None = None


@dataclass(frozen=True, slots=True)
class RemindConfig:
    """How long is too long; 0 switches a reminder off.

    *overdue_factor* times what jobs of the same base model and type usually take is overdue.
    """

    overdue_factor: float = 2.0
    stall_after: float = 43_200.0
    stopping_after: float = 1800.0
    queued_after: float = 14_400.0


@dataclass(frozen=True, slots=True)
class JobConfig:
    """A job that the configuration watches: *id* is an ARN or a job's name.

    *region* is already the effective one: the job's own, else the ARN's, else that of ``[aws]``; None leaves the choice
    to the AWS SDK.  *profile* is the job's own alone: without one, its account's credentials are used.  *expect* is how
    long the job may run before it is overdue; None leaves that to ``[remind]``.  *kind* is its ARN's.
    """

    id: str
    label: str | None = None
    tags: frozenset[str] = frozenset()
    region: str | None = None
    profile: str | None = None
    expect: float | None = None
    kind: str = CUSTOMIZATION


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """A way to tell people.  Exactly one of *url*, *url_file* and *url_credential* is set.

    *on* holds the names of the events that it is told (``model.EVENTS``).  *tags*, *accounts*, *regions* and *names*
    (globs) choose the jobs that it is told about: each that is not empty has to fit.  More than *burst* messages a
    minute are told in one; 0 means never.  *digest* is the hour and minute at which what is not urgent is told, None
    means at once.  *title* and *body* are templates that are not checked yet; None leaves the words to us.
    """

    name: str
    url: str | None = field(default=None, repr=False)
    url_file: Path | None = None
    url_credential: str | None = None
    on: frozenset[str] = DEFAULT_EVENTS
    tags: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    burst: int = 20
    digest: tuple[int, int] | None = None
    title: str | None = None
    body: str | None = None
    ca_bundle: Path | None = None

    def secret(self, env: Mapping[str, str] = os.environ) -> str:
        """Return the channel's URL, read anew from where the configuration says it is.

        A credential is the file of that name in ``$CREDENTIALS_DIRECTORY`` (systemd.exec(5), "Credentials").
        Raises SecretUnreadable, which names the file and never what is in it.
        """
        return read_secret(f'channel "{self.name}"', self.url, self.url_file, self.url_credential, env)


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """An SQS queue that EventBridge feeds: its messages make the jobs due that they name.

    *name* and *account* are those that the URL tells; *region* is the effective one; *profile* goes before the
    credentials of the account.  *title* is what people call it: its name, where no other queue has the same.
    """

    url: str
    name: str
    region: str
    account: str | None = None
    profile: str | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class HeartbeatConfig:
    """A dead-man's switch: a URL that is requested every so many seconds while all is well.

    At most one of *url*, *url_file* and *url_credential* is set; without one there is none.
    """

    url: str | None = field(default=None, repr=False)
    url_file: Path | None = None
    url_credential: str | None = None
    every: float = 60.0
    ca_bundle: Path | None = None

    def __bool__(self) -> bool:
        return bool(self.url or self.url_file or self.url_credential)

    def secret(self, env: Mapping[str, str] = os.environ) -> str:
        """Return the URL, read anew from where the configuration says it is; raises SecretUnreadable."""
        return read_secret("heartbeat", self.url, self.url_file, self.url_credential, env)


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration in force; *path* is None when it is the built-in one.

    *keep* is how long history is kept; 0 means for ever.
    *warnings* are sentences for people: things that work and are yet unwise.  *origins* says of each key that is not
    at its default (``poll.fastest``) who set it.  *bundles* are the files of certificates that are named:
    by their paths the times (ns) of their last change.
    """

    path: Path | None
    state_dir: Path
    timezone: str | None = None
    keep: float = 180 * 86_400.0
    poll: PollConfig = field(default_factory=PollConfig)
    aws: AwsConfig = field(default_factory=AwsConfig)
    remind: RemindConfig = field(default_factory=RemindConfig)
    heartbeat: HeartbeatConfig = field(default_factory=HeartbeatConfig)
    accounts: tuple[AccountConfig, ...] = ()
    jobs: tuple[JobConfig, ...] = ()
    rules: tuple[DiscoverConfig, ...] = ()
    queues: tuple[QueueConfig, ...] = ()
    channels: tuple[ChannelConfig, ...] = ()
    warnings: tuple[str, ...] = field(default=(), compare=False)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    bundles: Mapping[Path, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def rule_scopes(self) -> frozenset[str]:
        """The keys of what the rules look in: scopes (``model.Job.scope``), and those of whole accounts."""
        scopes = {
            scope_key("", account, region, kind)
            for rule in self.rules
            for account, regions in rule.places.items()
            for region in regions
            for kind in rule.kinds
        }
        finding = {f"{scope}{FINDING}" for scope in scopes}
        return frozenset(scopes | finding | {account_scope(scope) for scope in scopes})

    def account(self, number: str) -> AccountConfig | None:
        """Return what is said of the account of that number; None when nothing is."""
        return next((each for each in self.accounts if each.id == number), None)
