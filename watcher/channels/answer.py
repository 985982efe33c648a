"""One HTTP response, as far as it matters for what became of a message.

Not its business: what it means (``verdict``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

TEMPORARY_4XX = frozenset({407, 408, 409, 421, 423, 425, 429})
"""The client errors (RFC 9110, 4918, 6585, 8470) that heal without a change of the channel's URL."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response: its *status*, the *phrase* beside it, the ``Retry-After`` header, and the start of the *body*.

    *whole*: the body was read to its end and could be unpacked.
    """

    status: int
    phrase: str
    retry_after: str
    body: str
    whole: bool = True

    def with_body(self, body: str, *, whole: bool) -> Answer:
        """Return the same answer with its *body*."""
        return replace(self, body=body, whole=whole)

    @property
    def accepts(self) -> bool:
        """Whether the status says that the request was successful (RFC 9110, 15.3)."""
        return 200 <= self.status < 300

    @property
    def is_temporary(self) -> bool:
        """Whether the status may change without a change of the channel's URL."""
        return self.status >= 500 or self.status in TEMPORARY_4XX
