"""The doorman of AWS: the only module that imports aioboto3, and the one owner of tries inside a call.

botocore parses a page of 1000 summaries in half a second of CPU, nearly all of it in timestamps, and drops members
that it does not know; so the bodies of the operations that poll are kept as they came and decoded by msgspec.
Not its business: what the answers mean, and when to ask again after a failed call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aioboto3
import anyio
import msgspec
from aiobotocore.config import AioConfig
from aiobotocore.parsers import AioResponseParserFactory, AioRestJSONParser
from aiobotocore.session import AioSession
from botocore import UNSIGNED, xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_exponential, wait_random

from watcher.bedrock.answers import Answer, Page, page_of
from watcher.bedrock.faults import explain
from watcher.bedrock.kind import Kind
from watcher.bedrock.kinds import KINDS
from watcher.errors import LookError, LookFault

TRIES, TRY_FOR = 3, 10.0
"""A blip is tried again inside one call, this often and for so many seconds at most."""

PAGE = 1000
"""Summaries a page; AWS's maximum (API reference, ListModelCustomizationJobs, maxResults)."""

_RAW = "bedrock-watch:raw"
_KEPT_RAW = frozenset(f"{operation}Response" for kind in KINDS.values() for operation in kind.operations)
MODELS = Path(__file__).with_name("models")
"""Operations that the pinned SDK lacks, in its own form; a contract test tells when it has them."""

_JITTER = wait_exponential(multiplier=0.2, max=3.0) + wait_random(0, 0.3)
_BLIPS = frozenset({LookFault.THROTTLED, LookFault.SERVER, LookFault.NETWORK})


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach AWS; timeouts are seconds."""

    endpoint_url: str | None = None
    ca_bundle: str | None = None
    verify_ssl: bool = True
    sign: bool = True
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    connections: int = 16


class _LeanParser(AioRestJSONParser):  # type: ignore[misc]
    """botocore's parser, except that some bodies are handed on as they came."""

    def _do_parse(self, response: Mapping[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
        if shape is not None and shape.name in _KEPT_RAW:
            return {_RAW: response["body"]}
        parsed: dict[str, Any] = super()._do_parse(response, shape)
        return parsed


class _LeanParsers(AioResponseParserFactory):  # type: ignore[misc]
    def create_parser(self, protocol_name: str) -> Any:  # noqa: ANN401
        if protocol_name == "rest-json":
            return _LeanParser(**self._defaults)
        return super().create_parser(protocol_name)


class Look:
    """Looks at the jobs of one kind, in one region, with one profile's credentials.

    The client is made at the first look, and anew after credentials were refused: botocore does not read static
    ones twice.  Raises LookError, and nothing else, for whatever AWS, the network or the credentials do.
    """

    def __init__(self, kind: Kind, region: str, profile: str, settings: Settings) -> None:
        self._kind, self._page = kind, page_of(kind.list_members)
        self._region = region
        self._profile = profile
        self._settings = settings
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._making = anyio.Lock()

    async def get(self, identifier: str) -> Answer:
        """Return what AWS says of one job, by its ARN or its name."""
        body = await self._call(self._kind.get_operation, **{self._kind.identifier: identifier})
        try:
            facts = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _malformed(error, body) from error
        if not isinstance(facts, dict):
            raise _malformed(f"a {type(facts).__name__}, not an object", body)
        return Answer(facts, body.decode())

    async def page(self, created_after: float, token: str | None) -> Page:
        """Return one page of the jobs created after *created_after* (epoch seconds), newest first."""
        parameters: dict[str, Any] = {"maxResults": PAGE, "sortBy": "CreationTime", "sortOrder": "Descending"}
        bound = self._kind.list_members.created_after
        if bound and created_after > 0:
            parameters[bound] = datetime.fromtimestamp(created_after, UTC)
        if token:
            parameters["nextToken"] = token
        body = await self._call(self._kind.list_operation, **parameters)
        try:
            return msgspec.json.decode(body, type=self._page)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _malformed(error, body) from error

    async def close(self) -> None:
        """Close the client's connections; the next look opens new ones."""
        self._client = None
        await self._stack.aclose()

    async def _call(self, operation: str, **parameters: Any) -> bytes:  # noqa: ANN401 - the SDK checks them
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, LookError) and error.fault in _BLIPS),
            stop=stop_after_attempt(TRIES) | stop_before_delay(TRY_FOR),
            wait=_patience,
            reraise=True,
        ):
            with attempt:
                return await self._try(operation, parameters)
        raise AssertionError("unreachable: the loop returns or raises")

    async def _try(self, operation: str, parameters: Mapping[str, Any]) -> bytes:
        try:
            client = await self._ready()
            response = await getattr(client, xform_name(operation))(**parameters)
        except (BotoCoreError, ClientError, ResponseParserError, OSError, ValueError) as error:
            raise explain(error, operation, self._profile) from error
        raw = response.get(_RAW)
        # Another protocol than restJson1 would come here parsed: put it into JSON's words.
        return raw if isinstance(raw, bytes) else json.dumps(response, default=_iso).encode()

    async def _ready(self) -> Any:  # noqa: ANN401 - aioboto3 is untyped
        """Return the client, made by the first of the looks that begin together."""
        async with self._making:
            if self._client is None:
                self._client = await self._stack.enter_async_context(self._new_client())
            return self._client

    def _new_client(self) -> Any:  # noqa: ANN401 - aioboto3 is untyped
        settings = self._settings
        session = AioSession(profile=self._profile or None)
        session.register_component("response_parser_factory", _LeanParsers())
        # What the pinned SDK does not know yet: the loader merges it into the service model (botocore.loaders).
        session.get_component("data_loader").search_paths.append(str(MODELS))
        config = AioConfig(
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            max_pool_connections=settings.connections,
            retries={"total_max_attempts": 1},  # tries are not multiplied: _call owns them
            parameter_validation=True,
            user_agent_extra="bedrock-watch",
            **({} if settings.sign else {"signature_version": UNSIGNED}),
        )
        return aioboto3.Session(botocore_session=session).client(
            "bedrock",
            region_name=self._region,
            endpoint_url=settings.endpoint_url,
            verify=(settings.ca_bundle or True) if settings.verify_ssl else False,
            config=config,
        )


def _patience(state: RetryCallState) -> float:
    """Wait with jitter, or as long as AWS asks."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, LookError) else 0.0
    return max(_JITTER(state), asked)


def _malformed(problem: object, body: bytes) -> LookError:
    start = body[:60].decode(errors="replace")
    return LookError(LookFault.MALFORMED, "MalformedResponse", f"{problem} (it begins {start!r})", "asked again soon")


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} in a response")


def profile_region(profile: str) -> str:
    """Return the region that a profile (empty: the default one) or the environment sets; empty when none does.

    Raises LookError when there is no such profile.
    """
    from botocore.session import Session  # noqa: PLC0415 - only for a name without a region

    try:
        return Session(profile=profile or None).get_config_variable("region") or ""
    except BotoCoreError as error:
        raise explain(error, "", profile) from error
