"""What is watched, as the store knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watcher.identifiers import account_scope, scope_key
from watcher.model.facts import Snapshot
from watcher.model.news import Transition
from watcher.model.post import Posting


@dataclass(frozen=True, slots=True)
class Job:
    """One watched job as the store knows it.

    *identifier* is what AWS is asked for: the ARN, or the name that a person gave; *arn* is empty until it is
    known.  *state* is ``new`` (never seen), ``running``, ``closing`` (over, but its last word is awaited),
    ``ended`` or ``vanished``.  *from_rule* names the rule that found it.  *mark* is a fingerprint of what List would
    show.  *expected* is how many seconds a
    person expects it to run, *reminded* the episodes told of (``policy.reminders``), *remind_at* when the next one may
    be due.  Times are epoch seconds; 0 means never.
    """

    id: int
    identifier: str
    arn: str
    name: str
    kind: str
    account: str
    region: str
    profile: str
    label: str
    tags: tuple[str, ...]
    state: str
    from_cli: bool
    from_config: bool
    added_at: float
    asked_at: float
    next_poll_at: float
    confirmed_at: float
    created_at: float
    changed_at: float
    ended_at: float
    closing_at: float
    failures: int
    failing_since: float
    blind_since: float
    last_error: str
    mark: int
    version: int
    revision: int
    base_model: str = ""
    customization: str = ""
    expected: float = 0.0
    reminded: tuple[str, ...] = ()
    remind_at: float = 0.0
    from_rule: str = ""

    @property
    def watched(self) -> bool:
        """Whether anybody wants it watched: a person, the configuration, or a rule of it."""
        return self.from_cli or self.from_config or bool(self.from_rule)

    @property
    def title(self) -> str:
        """What people call it: its label, else its name, else its id."""
        return self.label or self.name or self.identifier.rpartition("/")[2]

    @property
    def scope(self) -> str:
        """The key of the jobs that share credentials, account, region and kind; a name tells no account."""
        account = self.account if self.identifier == self.arn else "-"
        return scope_key(self.profile, account, self.region, self.kind)

    @property
    def scopes(self) -> tuple[str, str]:
        """The keys of what can keep it from being looked at: its account's credentials, then its own scope."""
        return account_scope(self.scope), self.scope


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one successful Get changed about one job; recorded in one transaction.

    *version* is the snapshot's version that the diff started from; *transitions* may be empty, *postings* are
    the messages that they make.  *facts* is the merged response, *response* the text as AWS sent it.  Times are epoch
    seconds.
    """

    job: int
    version: int
    facts: Mapping[str, Any]
    response: str
    snapshot: Snapshot
    transitions: tuple[Transition, ...]
    postings: tuple[Posting, ...]
    state: str
    arn: str
    account: str
    mark: int
    base_model: str
    customization: str
    reminded: tuple[str, ...]
    remind_at: float
    seen_at: float
    next_poll_at: float
    closing_at: float
