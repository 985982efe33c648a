"""The credentials of one account, and the clients that sign with them.

The SDK's own machinery finds and refreshes them, whatever their source; but all of it blocks (files, a program, a
sign-in service), so it runs in a thread, for one caller at a time, within a deadline.  Clients sign with what it found
last.  What AWS refuses is forgotten and looked for anew: the SDK itself would never read a static key twice.
Not its business: what is asked with them (``bedrock.client``).
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import aioboto3
import anyio
from aiobotocore.config import AioConfig
from botocore import UNSIGNED

from watcher.bedrock.credentials import Credentials
from watcher.bedrock.errand import Errand
from watcher.bedrock.faults import explain_credentials, explain_settings
from watcher.bedrock.settings import Settings
from watcher.bedrock.source import Found, Identity, Source
from watcher.bedrock.transport import Transport
from watcher.bedrock.trust import verification
from watcher.clock import now
from watcher.errors import LookError, LookFault

_ADVICE_EVERY = 60.0
"""Seconds between tries to refresh credentials that are still good for a while."""


class Keys:
    """One account's credentials and clients, shared by all that look at its jobs.

    Raises LookError, and nothing else, for whatever the credentials do.
    """

    def __init__(self, whose: Credentials, settings: Settings, service: str = "bedrock") -> None:
        self.whose = whose
        self._service = service
        self.generation = 0
        self.settings = settings
        self._stack = AsyncExitStack()
        self._clients: dict[str, Any] = {}
        self._session: Any = None
        self._held: Any = None
        self._signature: Any = UNSIGNED
        self._making, self._finding = anyio.Lock(), anyio.Lock()
        self._source = Source(whose, settings, service)
        self._search: _Search | None = None
        self._found = False
        self._failures = 0
        self._error: LookError | None = None
        self._advised_at = 0.0
        self._identity: Identity | None = None
        self._identified = -1

    async def client(self, region: str) -> Any:  # noqa: ANN401 - aioboto3 is untyped
        """Return the region's client, with credentials that are good now."""
        await self._freshen(region)
        try:
            return await self._client(region)
        except MemoryError:
            raise
        except Exception as error:  # the SDK raises many types for invalid variables and files
            raise explain_settings(error, self.whose) from error

    async def _client(self, region: str) -> Any:  # noqa: ANN401
        client = self._clients.get(region)
        if client is None:
            async with self._making:
                client = self._clients.get(region)
                if client is None:
                    client = await self._stack.enter_async_context(self._new_client(region))
                    self._clients[region] = client
        return client

    async def renewed(self, region: str, generation: int) -> bool:
        """Forget what AWS refused and look again; return whether something else was found.

        *generation* is that of the credentials that were refused: others may have been faster.
        """
        if generation == self.generation:
            self.forget()
        before = self._signing
        await self._freshen(region)
        return self._signing != before

    def forget(self) -> None:
        """Read everything anew the next time: files, a program, a sign-in."""
        self.generation += 1
        self._source = Source(self.whose, self.settings, self._service)
        self._found = False

    async def identity(self, region: str) -> Identity | None:
        """Return who AWS says we are; None when it does not say.  It is asked once for each set of credentials.

        The callers of a simulated Bedrock on loopback are nobody to the real AWS, which is not asked then.
        """
        if not self.settings.sign:
            return None
        async with self._finding:
            try:
                if not self._is_fresh():
                    await self._find_for_all(region)
            except LookError:
                return None  # the next poll reports it; this call only asks for our identity
            if self._identified != self.generation:
                self._identified, self._identity, source = self.generation, None, self._source
                errand = Errand(lambda: source.identity(region))
                try:
                    self._identity = await errand.wait(self.settings.credentials_timeout)
                except TimeoutError:
                    source.stop_identifying()
                except MemoryError:
                    raise
                except Exception:  # noqa: BLE001, S110 - an STS that cannot be asked does not say who we are
                    pass
            return self._identity

    @property
    def bearer(self) -> bool:
        """Whether requests carry the Bedrock API key of the environment in place of a signature."""
        return bool(self._signature == "bearer")

    async def close(self) -> None:
        """Close the clients' connections; the next look opens new ones."""
        self._clients = {}
        if self._search is not None:
            self._search.source.stop()  # a program that hangs would outlive us
        await self._stack.aclose()

    @property
    def _signing(self) -> tuple[str, str, str]:
        held = self._held
        return (held.access_key, held.secret_key, held.token) if held else ("", "", "")

    def _is_fresh(self) -> bool:
        if not self._found:
            return False
        # Still good, and it is not yet time to try again to have better ones.
        return not self._source.ageing or (not self._source.old and now() < self._advised_at + _ADVICE_EVERY)

    async def _freshen(self, region: str) -> None:
        """See to it that there are credentials; of those that wait together, one looks for all."""
        if self._is_fresh():
            return
        failures = self._failures
        async with self._finding:
            if self._is_fresh():
                return
            if self._failures != failures and self._error is not None:
                raise LookError(self._error.fault, self._error.code, self._error.reason, self._error.remedy)
            await self._find_for_all(region)

    async def _find_for_all(self, region: str) -> None:
        try:
            self._hold(await self._find(region))
        except LookError as error:
            self._failures, self._error = self._failures + 1, error
            self.forget()
            raise

    async def _find(self, region: str) -> Found:
        self._advised_at = now()
        within = self.settings.credentials_timeout
        try:
            # Wait again for a lookup that hangs: a second one would hang, too.
            if self._search is None or self._search.errand.done:
                self._search = _Search(self._source, region, first=self._session is None)
            search = self._search
            found = await search.errand.wait(within)
        except TimeoutError:
            search.source.stop()
            raise LookError(
                LookFault.CREDENTIALS,
                "CredentialsTimeout",
                f"{self.whose.who} gave no credentials within {within:g} s",
                "see what their source waits for: its credential_process, its sign-in service, its files",
            ) from None
        except MemoryError:
            raise
        except Exception as error:  # the SDK may raise anything on foreign bytes
            raise explain_credentials(error, self.whose, sso_profile=self._source.sso_profile()) from error
        self._source = search.source
        return found

    def _hold(self, found: Found) -> None:
        self._found = True
        self._session = self._session or found.session
        signature = "bearer" if found.bearer else "v4" if found.signing else UNSIGNED
        if signature != self._signature:
            self._signature, self._clients = signature, {}
        if found.bearer:
            self._session.set_credentials("-", "-")  # the SDK would search for others, slowly
            self._held = None
        if found.signing is None:
            return
        key, secret, token = found.signing
        if self._held is None:
            self._session.set_credentials(key, secret, token)
            self._held = self._session._credentials  # noqa: SLF001 - get_credentials() would have to be awaited
        else:
            # In place: the clients sign with this very object.
            self._held.access_key, self._held.secret_key, self._held.token = key, secret, token

    def _new_client(self, region: str) -> Any:  # noqa: ANN401 - aioboto3 is untyped
        settings = self.settings
        config = AioConfig(
            http_session_cls=Transport,
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            max_pool_connections=settings.connections,
            retries={"total_max_attempts": 1},  # tries are not multiplied: the look owns them
            parameter_validation=True,
            user_agent_extra="bedrock-watch",
            # Explicit, because the SDK would use the environment's Bedrock API key for every account.
            signature_version=self._signature,
        )
        return aioboto3.Session(botocore_session=self._session).client(
            self._service,
            region_name=region,
            endpoint_url=settings.endpoint_url,
            verify=verification(self._session, settings),
            config=config,
        )


class _Search:
    """One errand for credentials, and the source that it asks."""

    def __init__(self, source: Source, region: str, *, first: bool) -> None:
        self.source = source
        self.errand = Errand(lambda: source.find(region, first=first))
