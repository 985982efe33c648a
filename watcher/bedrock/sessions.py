"""The SDK's sessions as this program needs them: bounded, never prompting, and with lean models.

Not its business: what is found with them (``bedrock.source``), and for how long (``bedrock.keys``).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from aiobotocore.session import AioSession
from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.credentials import (
    AssumeRoleProvider,
    ContainerProvider,
    InstanceMetadataProvider,
    ProcessProvider,
)
from botocore.exceptions import CredentialRetrievalError
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from watcher.bedrock.blocking import BlockingTransport
from watcher.bedrock.leash import Leash
from watcher.bedrock.parsers import LeanParsers
from watcher.bedrock.settings import Settings
from watcher.bedrock.signin import refuse_unusable_tokens
from watcher.bedrock.trust import verification

MODELS = Path(__file__).with_name("models")
"""Operations that the pinned SDK lacks, in the SDK's format; a contract test reports when it has them."""

SERVICES = frozenset({"bedrock", "oidc", "portal.sso", "sqs", "sts"})
"""Services that bedrock-watch calls, by their names in endpoints.json."""

_SENDER = "bedrock-watch"


def client_session(profile: str, region: str, *, sign: bool) -> AioSession:
    """Return the session whose clients poll, with its files and models read; raises what botocore raises.

    Who does not *sign* needs no profile, not even the one that AWS_PROFILE names.
    """
    session = AioSession(profile=(profile if sign else "") or None)
    if not sign:
        session.get_component("config_store").set_config_provider("profile", ConstantProvider(None))
    _open_files(session)
    session.get_scoped_config()  # reads the files, and raises ProfileNotFound
    session.register_component("data_loader", loader(session.get_config_variable("data_path")))
    session.register_component("response_parser_factory", LeanParsers())
    with suppress(Exception):  # reported when the client is made in earnest
        asyncio.run(_rehearse(session, region))
    return session


def credentials_session(profile: str, region: str, settings: Settings, leash: Leash) -> Session:
    """Return the session that finds credentials; raises what botocore raises.

    What it starts and asks is on the *leash*.
    """
    session = Session(profile=profile or None)
    _open_files(session)
    session.register_component("data_loader", loader(session.get_config_variable("data_path")))
    if not session.get_config_variable("region"):
        session.set_config_variable("region", region)  # STS has an endpoint in every region
    verify = verification(session, settings)
    session.set_config_variable("ca_bundle", verify)
    session.set_default_client_config(
        Config(
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            retries={"total_max_attempts": 2},
            user_agent_extra="bedrock-watch",
        )
    )
    sender = leash.transport(verify, settings.connect_timeout, settings.read_timeout)
    send_with(sender, session.get_component("event_emitter"))
    refuse_unusable_tokens(session.get_component("event_emitter"))
    _equip(session, verify, leash)
    return session


def _open_files(session: Any) -> None:  # noqa: ANN401
    """Raise OSError for a file of AWS's that exists and cannot be opened: botocore would take it for an empty one."""
    for variable in ("config_file", "credentials_file"):
        path = Path(session.get_config_variable(variable)).expanduser()
        if path.is_file():
            path.open("rb").close()


def send_with(transport: BlockingTransport, events: Any) -> None:  # noqa: ANN401 - botocore is untyped
    """Send requests with *transport* and no other: *events* are those of a session (for its clients) or a client."""
    events.unregister("before-send", unique_id=_SENDER)
    events.register("before-send", transport.send, unique_id=_SENDER)


def _equip(session: Session, verify: str | bool, leash: Leash) -> None:  # noqa: FBT001 - the SDK's own word
    """Put programs and metadata services on the leash, too: botocore has no other way in than private members."""
    imds = float(session.get_config_variable("metadata_service_timeout"))
    for provider in session.get_component("credential_provider").providers:
        if isinstance(provider, ProcessProvider):
            provider._popen = leash.popen  # noqa: SLF001
        if isinstance(provider, AssumeRoleProvider):
            provider._prompter = _nobody_types  # noqa: SLF001
            builder = provider._profile_provider_builder  # noqa: SLF001
            builder._create_process_provider = partial(_process_provider, session, leash)  # noqa: SLF001
        if isinstance(provider, ContainerProvider):
            seconds = provider._fetcher.TIMEOUT_SECONDS  # noqa: SLF001
            provider._fetcher._session = leash.transport(verify, seconds, seconds)  # noqa: SLF001
        if isinstance(provider, InstanceMetadataProvider):
            provider._role_fetcher._session = leash.transport(verify, imds, imds)  # noqa: SLF001


def _process_provider(session: Session, leash: Leash, profile_name: str) -> ProcessProvider:
    return ProcessProvider(profile_name=profile_name, load_config=lambda: session.full_config, popen=leash.popen)


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
def loader(data_path: str | None) -> Loader:
    """Return the loader of the SDK's service models: one for all, since reading them is what a client costs."""
    found = create_loader(data_path)
    # What the pinned SDK does not know yet: the loader merges it into the service model (botocore.loaders).
    found.search_paths.append(str(MODELS))
    # The loader keeps what it has read, and where 400 services are is 7 MB.
    for partition in found.load_data("endpoints")["partitions"]:
        partition["services"] = {name: where for name, where in partition["services"].items() if name in SERVICES}
    return found
