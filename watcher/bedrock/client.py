"""Asking AWS: one call, and the one owner of tries inside a call.

Not its business: whose credentials (``bedrock.keys``), what the answers mean, and when to ask again after a failed
call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import anyio
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_exponential, wait_random

from watcher.bedrock.answers import Answer, Page, read_answer, read_page, read_tags
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.dates import date_of
from watcher.bedrock.faults import explain, explain_settings, wrong_account
from watcher.bedrock.keys import Keys
from watcher.bedrock.kind import Kind
from watcher.bedrock.parsers import RAW
from watcher.bedrock.settings import Settings
from watcher.errors import LookError, LookFault

__all__ = ["Keys", "Look", "Settings", "endpoint_of", "profile_region"]

TRIES, TRY_FOR = 3, 10.0
"""A blip is tried again inside one call, this often and for so many seconds at most."""

PAGE = 1000
"""Summaries a page; AWS's maximum (API reference, ListModelCustomizationJobs, maxResults)."""

_JITTER = wait_exponential(multiplier=0.2, max=3.0) + wait_random(0, 0.3)
_BLIPS = frozenset({LookFault.THROTTLED, LookFault.SERVER, LookFault.NETWORK})


class Look:
    """Looks at the jobs of one kind, in one region, with one account's keys.

    *account* is whose jobs they are, when that is known: keys of another are said to be so.  *on_try* is called before
    each wait for the network, *on_date* with the Date (epoch seconds) of each answer to a signed request.  Raises
    LookError, and nothing else, for whatever AWS, the network or the credentials do.
    """

    def __init__(
        self,
        kind: Kind,
        region: str,
        keys: Keys,
        *,
        account: str = "",
        on_try: Callable[[], None] = lambda: None,
        on_date: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._on_date = on_date
        self._kind = kind
        self._region = region
        self._keys = keys
        self._account = account
        self._on_try = on_try

    async def get(self, identifier: str) -> Answer:
        """Return what AWS says of one job, by its ARN or its name."""
        return read_answer(await self._call(self._kind.get_operation, **{self._kind.identifier: identifier}))

    async def page(self, created_after: float, token: str | None, status: str = "") -> Page:
        """Return one page of the jobs created after *created_after* (epoch seconds), newest first.

        With a *status* those alone that have it now.
        """
        parameters: dict[str, Any] = {"maxResults": PAGE, "sortBy": "CreationTime", "sortOrder": "Descending"}
        bound = self._kind.list_members.created_after
        if bound and created_after > 0:
            parameters[bound] = datetime.fromtimestamp(created_after, UTC)
        if status:
            parameters[self._kind.list_members.status_equals] = status
        if token:
            parameters["nextToken"] = token
        page = read_page(await self._call(self._kind.list_operation, **parameters), self._kind.list_members)
        if not page.summaries or f":{self._account}:" not in page.summaries[0].arn:
            # Of nothing, too: where rules look in an account that is not theirs, nothing would ever be found.
            await self._refuse_another_account()
        return page

    async def tags(self, arn: str) -> dict[str, str]:
        """Return the tags that a job has in AWS."""
        return read_tags(await self._call("ListTagsForResource", resourceARN=arn))

    async def close(self) -> None:
        """Close the connections that all who have these keys share; the next look opens new ones."""
        await self._keys.close()

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
        client = await self._client()
        generation = self._keys.generation
        try:
            response = await self._ask(client, operation, parameters)
        except LookError as error:
            # What AWS refuses may have been replaced since it was read: a file written anew, a fresh sign-in.
            refused = error.fault is LookFault.CREDENTIALS
            if not refused or not await self._keys.renewed(self._region, generation):
                raise await self._judged(error) from error
            response = await self._ask(await self._client(), operation, parameters)
        date = date_of(response) if self._keys.settings.sign else None
        if date is not None:
            self._on_date(date)
        raw = response.get(RAW)
        # Another protocol than restJson1 would come here parsed: put it into JSON's words.
        return raw if isinstance(raw, bytes) else json.dumps(response, default=_iso).encode()

    async def _client(self) -> Any:  # noqa: ANN401 - the SDK is untyped
        self._on_try()
        try:
            return await self._keys.client(self._region)
        except LookError:
            raise
        except Exception as error:  # an invalid endpoint, region or proxy; the SDK raises many types for these
            raise explain_settings(error, self._keys.whose) from error

    async def _ask(self, client: Any, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ANN401
        self._on_try()
        try:
            with anyio.fail_after(self._keys.settings.longest_try):
                response: Mapping[str, Any] = await getattr(client, xform_name(operation))(**parameters)
        except LookError:
            raise
        except Exception as error:  # the SDK and its HTTP client may raise anything on foreign bytes
            raise explain(error, operation, self._keys.whose) from error
        return response

    async def _refuse_another_account(self) -> None:
        """Raise LookError when the keys are those of another account: what they list is none of ours."""
        listed = LookError(LookFault.NOT_FOUND, "AnotherAccount", "what it lists is of another account")
        judged = await self._judged(listed)
        if judged is not listed:
            raise judged

    async def _judged(self, error: LookError) -> LookError:
        """Return *error*, or what is behind it: the keys of another account find and may nothing here."""
        if not self._account or error.fault not in (LookFault.DENIED, LookFault.NOT_FOUND):
            return error
        found = await self._keys.identity(self._region)
        if found is None or found.account == self._account:
            return error
        self._keys.forget()  # and read anew: these will never do
        return wrong_account(self._keys.whose, found.account, found.arn, self._account)


def _patience(state: RetryCallState) -> float:
    """Wait with jitter, or as long as AWS asks."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, LookError) else 0.0
    return max(_JITTER(state), asked)


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
    except Exception as error:  # the SDK reads files that others can write
        raise explain_settings(error, Credentials(profile)) from error


def profiles() -> frozenset[str]:
    """Return the names of the profiles that this user has.  Raises LookError when the files cannot be read."""
    from botocore.session import Session  # noqa: PLC0415 - only for a check

    try:
        return frozenset(Session().available_profiles)
    except Exception as error:  # the SDK reads files that anybody may have written
        raise explain_settings(error, Credentials("")) from error


def endpoint_of(region: str, settings: Settings, whose: Credentials) -> str:
    """Return the URL where Bedrock is asked in a region: what *whose* profile says of it counts, as in the SDK.

    Raises LookError when it cannot be told.
    """
    if settings.endpoint_url:
        return settings.endpoint_url
    from botocore.session import Session  # noqa: PLC0415 - only for the doctor

    try:
        session = Session(profile=whose.profile or None)
        client = session.create_client("bedrock", region_name=region, config=Config(signature_version=UNSIGNED))
    except Exception as error:  # the SDK raises many types for invalid settings
        raise explain_settings(error, whose) from error
    return str(client.meta.endpoint_url)
