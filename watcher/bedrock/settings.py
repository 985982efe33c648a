"""How AWS is reached, whoever asks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """The endpoint, the trust and the patience; timeouts are seconds.

    *ca_changed_at* tells one content of *ca_bundle* from another: connections go on with what they have read.
    *credentials_timeout* is how long finding credentials may take: a program that makes them, a sign-in service.
    """

    endpoint_url: str | None = None
    ca_bundle: str | None = None
    ca_changed_at: int = 0
    verify_ssl: bool = True
    sign: bool = True
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    credentials_timeout: float = 30.0
    connections: int = 16

    @property
    def longest_try(self) -> float:
        """How long one request may take, whatever comes of it: the SDK's own timeouts are for each silence."""
        return 2 * (self.connect_timeout + self.read_timeout)
