"""Where credentials come from, in botocore's own words.  All of it blocks, and belongs into a thread.

Not its business: how long that may take, and who uses what is found (``bedrock.keys``).
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiobotocore.session import AioSession
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    AssumeRoleProvider,
    DeferredRefreshableCredentials,
    ProcessProvider,
)
from botocore.exceptions import BotoCoreError, CredentialRetrievalError, NoCredentialsError
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from watcher.bedrock.credentials import Credentials
from watcher.bedrock.parsers import LeanParsers
from watcher.bedrock.settings import Settings

MODELS = Path(__file__).with_name("models")
"""Operations that the pinned SDK lacks, in its own form; a contract test tells when it has them."""

SERVICES = frozenset({"bedrock", "oidc", "portal.sso", "sqs", "sts"})
"""Those that are asked anything, by the names that endpoints.json has for them."""

_MANDATORY = 600
"""Seconds before their end from which on botocore insists on fresh ones (its own default)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who AWS says we are."""

    account: str
    arn: str


@dataclass(frozen=True, slots=True)
class Found:
    """The first time a session whose files are read, and what to sign with; None where requests are not signed."""

    session: AioSession | None
    signing: tuple[str, str, str | None] | None


class Source:
    """One reading of the files, and the credentials to which it led: these refresh themselves."""

    def __init__(self, whose: Credentials, settings: Settings) -> None:
        self._whose, self._settings = whose, settings
        self._leash = _Leash()
        self._session: Session | None = None
        self._credentials: Any = None

    def find(self, region: str, *, first: bool) -> Found:
        """Find or refresh the credentials; raises what botocore raises."""
        session = self._client_session(region) if first else None
        if not self._settings.sign:
            return Found(session, None)
        if self._credentials is None:
            self._credentials = self._begin(region)
        frozen = self._credentials.get_frozen_credentials()
        return Found(session, (frozen.access_key, frozen.secret_key, frozen.token))

    def identity(self, region: str) -> Identity | None:
        """Ask STS who we are; None for the callers of a simulated Bedrock."""
        if self._session is None or self._credentials is None:
            return None
        frozen = self._credentials.get_frozen_credentials()
        client = self._session.create_client(
            "sts",
            region_name=region,
            verify=self._settings.verify,
            aws_access_key_id=frozen.access_key,
            aws_secret_access_key=frozen.secret_key,
            aws_session_token=frozen.token,
        )
        if _on_loopback(self._settings.endpoint_url) and not _on_loopback(client.meta.endpoint_url):
            return None
        answer = client.get_caller_identity()
        return Identity(str(answer["Account"]), str(answer["Arn"]))

    @property
    def ageing(self) -> bool:
        """Whether a refresh is advisable: they are good for less than a quarter of an hour."""
        return self._ends and bool(self._credentials.refresh_needed())

    @property
    def old(self) -> bool:
        """Whether they must be refreshed before the next request: the refresh cannot wait any longer."""
        return self._ends and bool(self._credentials.refresh_needed(_MANDATORY))

    @property
    def _ends(self) -> bool:
        return hasattr(self._credentials, "refresh_needed")

    def stop(self) -> None:
        """End the program that is waited for, if that is what is waited for."""
        self._leash.kill()

    def sso_profile(self) -> str | None:
        """Return the profile that is signed in with SSO, of those that lead to the credentials; None when none is."""
        if self._session is None:
            return self._whose.profile
        profiles: Mapping[str, Mapping[str, str]] = self._session.full_config.get("profiles", {})
        name, seen = self._whose.profile or "default", set[str]()
        while name in profiles and name not in seen:
            if any(key.startswith("sso_") for key in profiles[name]):
                return "" if name == "default" else name
            seen.add(name)
            name = profiles[name].get("source_profile", "")
        return self._whose.profile

    def _client_session(self, region: str) -> AioSession:
        session = AioSession(profile=self._whose.profile or None)
        session.get_scoped_config()  # reads the files, and raises ProfileNotFound
        session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
        session.register_component("response_parser_factory", LeanParsers())
        with suppress(BotoCoreError, ValueError):  # told when the client is made in earnest
            asyncio.run(_rehearse(session, region))
        return session

    def _begin(self, region: str) -> Any:  # noqa: ANN401 - botocore is untyped
        """Return botocore's credentials: they refresh themselves when asked for what to sign with."""
        session = self._session = self._new_session(region)
        found = session.get_credentials()
        if found is None:
            raise NoCredentialsError
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

    def _new_session(self, region: str) -> Session:
        settings, session = self._settings, Session(profile=self._whose.profile or None)
        session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
        if not session.get_config_variable("region"):
            session.set_config_variable("region", region)  # STS has an endpoint in every region
        if settings.verify is not True:
            session.set_config_variable("ca_bundle", settings.verify)
        session.set_default_client_config(
            Config(
                connect_timeout=settings.connect_timeout,
                read_timeout=settings.read_timeout,
                retries={"total_max_attempts": 2},
                user_agent_extra="bedrock-watch",
            )
        )
        for provider in session.get_component("credential_provider").providers:
            if isinstance(provider, ProcessProvider):
                provider._popen = self._leash.popen  # noqa: SLF001 - botocore has no other way in
            if isinstance(provider, AssumeRoleProvider):
                provider._prompter = _nobody_types  # noqa: SLF001
                builder = provider._profile_provider_builder  # noqa: SLF001
                builder._create_process_provider = self._process_provider_of(session)  # noqa: SLF001
        return session

    def _process_provider_of(self, session: Session) -> Any:  # noqa: ANN401 - botocore is untyped
        return lambda profile_name: ProcessProvider(
            profile_name=profile_name, load_config=lambda: session.full_config, popen=self._leash.popen
        )


class _Leash:
    """Starts a ``credential_process`` in a group of its own, so that it can be ended with all that it began."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def popen(self, words: list[str], **how: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
        """Start it, as botocore wants to."""
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, **how)
        return self._process

    def kill(self) -> None:
        """End it, if it runs."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


async def _rehearse(session: AioSession, region: str) -> None:
    """Make a client, so that the models are read by now: a tenth of a second that the event loop need not wait."""
    async with session.create_client("bedrock", region, aws_access_key_id="-", aws_secret_access_key="-"):  # noqa: S106
        pass


def _nobody_types(prompt: str) -> str:
    raise CredentialRetrievalError(
        provider="assume-role",
        error_msg=f"a code is asked for ({prompt.strip(' :')}), and a daemon has nobody to type it",
    )


@cache
def _loader(data_path: str | None) -> Loader:
    """Return the loader of the SDK's service models: one for all, since reading them is what a client costs."""
    loader = create_loader(data_path)
    # What the pinned SDK does not know yet: the loader merges it into the service model (botocore.loaders).
    loader.search_paths.append(str(MODELS))
    # The loader keeps what it has read, and where 400 services are is 7 MB.
    for partition in loader.load_data("endpoints")["partitions"]:
        partition["services"] = {name: where for name, where in partition["services"].items() if name in SERVICES}
    return loader


def _on_loopback(url: str | None) -> bool:
    host = urlsplit(url or "").hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
