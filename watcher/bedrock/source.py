"""Where credentials come from, in botocore's own words.  All of it blocks, and belongs into a thread.

Not its business: how long that may take, and who uses what is found (``bedrock.keys``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiobotocore.session import AioSession
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.session import Session

from watcher.bedrock.apikey import API_KEY
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.leash import Leash
from watcher.bedrock.material import LoginSession, refuse_unusable
from watcher.bedrock.redact import remember
from watcher.bedrock.sessions import client_session, credentials_session, send_with
from watcher.bedrock.settings import Settings
from watcher.bedrock.trust import verification

_MANDATORY = 600
"""Seconds before their end from which on botocore insists on fresh ones (its own default)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who AWS says we are."""

    account: str
    arn: str


@dataclass(frozen=True, slots=True)
class Found:
    """The first time a session whose files are read, and what to sign with; None where requests are not signed.

    *bearer*: there are no credentials but a Bedrock API key, which is sent in place of a signature.
    """

    session: AioSession | None
    signing: tuple[str, str, str | None] | None
    bearer: bool = False


class Source:
    """One reading of the files, and the credentials to which it led: these refresh themselves."""

    def __init__(self, whose: Credentials, settings: Settings, service: str = "bedrock") -> None:
        self._whose, self._settings, self._service = whose, settings, service
        seconds = settings.credentials_timeout
        self._leash, self._of_identity = Leash(seconds), Leash(seconds)
        self._session: Session | None = None
        self._credentials: Any = None

    def find(self, region: str, *, first: bool) -> Found:
        """Find or refresh the credentials; raises what botocore raises."""
        session = client_session(self._whose.profile, region, sign=self._settings.sign) if first else None
        if not self._settings.sign:
            return Found(session, None)
        if self._credentials is None:
            try:
                self._credentials = self._begin(region)
            except NoCredentialsError:
                if not self._may_use_api_key:
                    raise
                remember(os.environ[API_KEY])
                return Found(session, None, bearer=True)
        frozen = self._credentials.get_frozen_credentials()
        refuse_unusable(frozen, self._whose.who)
        remember(frozen.secret_key, frozen.token)
        return Found(session, (frozen.access_key, frozen.secret_key, frozen.token))

    @property
    def _may_use_api_key(self) -> bool:
        """Whether there is a Bedrock API key, Bedrock is asked, and nobody has named other credentials."""
        default = self._whose == Credentials(session_name=self._whose.session_name)
        return self._service == "bedrock" and default and bool(os.environ.get(API_KEY))

    def identity(self, region: str) -> Identity | None:
        """Ask STS who we are; None for the callers of a simulated Bedrock."""
        if self._session is None or self._credentials is None:
            return None
        frozen = self._credentials.get_frozen_credentials()
        client = self._session.create_client(
            "sts",
            region_name=region,
            aws_access_key_id=frozen.access_key,
            aws_secret_access_key=frozen.secret_key,
            aws_session_token=frozen.token,
        )
        verify, settings = verification(self._session, self._settings), self._settings
        # Connections of its own: ending this must not end what looks for credentials.
        sender = self._of_identity.transport(verify, settings.connect_timeout, settings.read_timeout)
        send_with(sender, client.meta.events)
        if _on_loopback(self._settings.endpoint_url) and not _on_loopback(client.meta.endpoint_url):
            return None
        answer = client.get_caller_identity()
        return Identity(str(answer["Account"]), str(answer["Arn"]))

    @property
    def ageing(self) -> bool:
        """Whether a refresh is advisable: they are good for less than a quarter of an hour."""
        return self._needs_refresh()

    @property
    def old(self) -> bool:
        """Whether they must be refreshed before the next request: the refresh cannot wait any longer."""
        return self._needs_refresh(_MANDATORY)

    def _needs_refresh(self, *within: int) -> bool:
        if not hasattr(self._credentials, "refresh_needed"):
            return False
        try:
            return bool(self._credentials.refresh_needed(*within))
        except (TypeError, ValueError, OverflowError):  # an expiry that cannot be compared with now
            return True

    def stop(self) -> None:
        """End the program or the requests that are waited for, if there are any."""
        self._leash.end()

    def stop_identifying(self) -> None:
        """End the request for our identity, if there is one."""
        self._of_identity.end()

    def sso_profile(self) -> str | None:
        """Return the profile that is signed in with SSO, of those that lead to the credentials; None when none is."""
        try:
            profiles = self._session.full_config.get("profiles", {}) if self._session else {}
        except (BotoCoreError, OSError, ValueError):  # the files have changed since they were read
            return self._whose.profile
        return self._signed_in(profiles)

    def _signed_in(self, profiles: Mapping[str, Mapping[str, str]]) -> str | None:
        name, seen = self._whose.profile or "default", set[str]()
        while name in profiles and name not in seen:
            if any(key.startswith("sso_") for key in profiles[name]):
                return "" if name == "default" else name
            seen.add(name)
            name = profiles[name].get("source_profile", "")
        return self._whose.profile

    def _begin(self, region: str) -> Any:  # noqa: ANN401 - botocore is untyped
        """Return botocore's credentials: they refresh themselves when asked for what to sign with."""
        session = self._session = credentials_session(self._whose.profile, region, self._settings, self._leash)
        found = session.get_credentials()
        if found is None:
            if "login_session" in session.get_scoped_config():
                raise LoginSession(self._whose.profile or session.get_config_variable("profile") or "default")
            raise NoCredentialsError
        if self._whose.role_arn:
            source = found.get_frozen_credentials()
            remember(source.secret_key, source.token)
        if not self._whose.role_arn:
            return found
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=session.create_client,
            source_credentials=found,
            role_arn=self._whose.role_arn,
            extra_args={
                "RoleSessionName": self._whose.session_name,
                **({"ExternalId": self._whose.external_id} if self._whose.external_id else {}),
            },
            cache={},
        )
        return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")


def _on_loopback(url: str | None) -> bool:
    host = urlsplit(url or "").hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
