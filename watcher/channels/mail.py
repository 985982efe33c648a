"""How a channel's mails travel: ``smtplib`` with our time limits and TLS context, each error noted.

Not its business: what a refusal means (``verdict``).
"""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Iterator
from typing import Any

from watcher.channels.witness import CURRENT, Witness


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """Note the error that passes: Apprise keeps it to itself."""
    try:
        yield
    except (OSError, smtplib.SMTPException) as error:
        witness = CURRENT.get()
        if witness is not None:
            witness.error = error
        raise


class Smtp(smtplib.SMTP):
    """A mail server, and what it answered."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        witness = CURRENT.get()
        if witness is not None:
            options["timeout"] = witness.wire.limits.read
        with noted():
            super().__init__(*args, **options)

    def getreply(self) -> tuple[int, bytes]:
        """Wait for the server's next answer."""
        witness = CURRENT.get()
        if witness is not None:
            witness.watch(self.sock)
        return super().getreply()

    def starttls(self, **options: Any) -> tuple[int, bytes]:  # type: ignore[override]  # noqa: ANN401
        """Go on under TLS."""
        with noted():
            return super().starttls(**options)

    def login(self, *args: Any, **options: Any) -> tuple[int, bytes]:  # noqa: ANN401
        """Say who we are."""
        with noted():
            return super().login(*args, **options)

    def sendmail(self, from_addr: str, to_addrs: Any, msg: Any, *options: Any) -> dict[str, tuple[int, bytes]]:  # noqa: ANN401
        """Hand one mail over."""
        witness = CURRENT.get()
        if witness is not None and witness.probing:
            return self._knock(witness)
        if witness is not None:
            msg = witness.edit(msg)
        with noted():
            return super().sendmail(from_addr, to_addrs, msg, *options)

    def _knock(self, witness: Witness) -> dict[str, tuple[int, bytes]]:
        """Ask the server, to which we have connected and said who we are, whether it is there; send nothing."""
        with noted():
            code, words = self.noop()
            if code >= 400:
                raise smtplib.SMTPResponseException(code, words)
        assert self.sock is not None  # noqa: S101 - it has just answered
        witness.reached = f"{self._host}:{self.sock.getpeername()[1]}"  # type: ignore[attr-defined]
        return {}

    def data(self, msg: Any) -> tuple[int, bytes]:  # noqa: ANN401
        """Send the mail itself: if no answer comes from here on, it may have arrived."""
        witness = CURRENT.get()
        if witness is not None:
            witness.began = True
        return super().data(msg)


class SmtpSsl(Smtp, smtplib.SMTP_SSL):
    """The same, under TLS from the first byte."""
