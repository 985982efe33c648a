"""One look at a time, at an endpoint on loopback, with nobody's real credentials, and without sleeping between tries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
from tenacity import AsyncRetrying

from watcher.bedrock import client
from watcher.bedrock.answers import Answer
from watcher.bedrock.client import Keys, Look, Settings
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.customization import KIND
from watcher.errors import LookError

T = TypeVar("T")


def nobodys_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A fixture: dummy credentials, and files of one's own in the place of anybody's real ones."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixture: no credentials in the environment."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A fixture: the seconds that would have been waited between tries."""
    found: list[float] = []

    async def note(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(client, "AsyncRetrying", partial(AsyncRetrying, sleep=note))
    return found


def using(endpoint: str, ask: Callable[[Look], Awaitable[T]], profile: str = "", **settings: Any) -> T:
    """Return what *ask* returns of a Look at the endpoint."""

    async def begin() -> T:
        keys = Keys(Credentials(profile), Settings(endpoint_url=endpoint, **settings))
        look = Look(KIND, "us-east-1", keys)
        try:
            return await ask(look)
        finally:
            await look.close()

    return anyio.run(begin)


def get(endpoint: str, identifier: str = "titan-tickets-v7", profile: str = "", **settings: Any) -> Answer:
    """Return what one Get answers."""
    return using(endpoint, lambda look: look.get(identifier), profile, **settings)


def refusal(endpoint: str, identifier: str = "titan-tickets-v7", profile: str = "", **settings: Any) -> LookError:
    """Return the LookError that one Get must raise."""
    with pytest.raises(LookError) as caught:
        get(endpoint, identifier, profile, **settings)
    return caught.value
