"""What became of a send: accepted or not; in words why not, whether to try again, and whether it may have arrived.

Status line and headers decide.  The body is only words, but for services that are known to refuse inside a 200
(``refusals``).  In doubt a failure is temporary, since what is tried again is not lost; and in doubt it is uncertain,
since a message marked "may be a repeat" is better than an unmarked one.
Not its business: when it is tried again (``deliver``).
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import requests
from urllib3.exceptions import LocationValueError

from watcher.channels.answer import Answer
from watcher.channels.connections import ProxyUnusable
from watcher.channels.decisive import Exchange
from watcher.channels.refusals import Refusals, Said
from watcher.channels.witness import Witness
from watcher.channels.words import members, pause, words
from watcher.model import Failed

_UNSENDABLE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    LocationValueError,
    UnicodeError,
)
"""Errors for an address or header that cannot be encoded, raised before anything is sent."""


_UNSENT = "Apprise reported success, but posted nothing: the service has not received the message"


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the sends of one channel.

    *scrub* takes the secrets out of foreign words; *refusals* is how its service refuses inside a 200, if it is known
    to; *seen*: it cannot send anything without the witness seeing it; *unit*: seconds in a ``retry_after`` of a body.
    """

    scrub: Callable[[str], str]
    refusals: Refusals | None
    seen: bool
    unit: float = 1.0

    def failure(self, witness: Witness, *, accepted: bool) -> Failed | None:
        """Return why a send did not succeed, as far as *witness* knows; None: it did.

        *accepted* is Apprise's opinion.
        """
        exchange = witness.decisive(accepted=accepted)
        answer = exchange.answer
        if answer is not None and not answer.accepts:
            return self._refusal(answer)
        if accepted and self.seen and not witness.posted:
            return Failed(_UNSENT)
        if answer is not None:
            return self._successful(witness, answer, accepted=accepted)
        if accepted:
            return None
        if exchange.error is not None:
            refused = None if witness.hung_up else _smtp(exchange.error, self.scrub, began=exchange.began)
            return refused or _network(witness, exchange, exchange.error, self.scrub)
        said = self.scrub("; ".join(witness.words)) or "Apprise gave no reason"
        return Failed(said, uncertain=not self.seen)

    def _successful(self, witness: Witness, answer: Answer, *, accepted: bool) -> Failed | None:
        """Return what a 2xx means."""
        _, text = words(answer.body)
        reason = _sentence(self._head(answer), self.scrub(text))
        said = Said.UNKNOWN if self.refusals is None else self.refusals.read(answer.body)
        if said is Said.ACCEPTED or (said is Said.UNKNOWN and self._stands(witness, answer, accepted=accepted)):
            return None
        if said is Said.UNKNOWN and not accepted:
            return Failed(reason, uncertain=True)
        if said is Said.UNKNOWN:
            return Failed(f"{reason}; the service does not say whether it took the message", uncertain=True)
        seconds = pause(answer.retry_after, answer.body, self.unit)
        return Failed(
            reason,
            permanent=said is Said.NEVER,
            uncertain=said is Said.PERHAPS,
            retry_after=None if said is Said.NEVER else seconds,
        )

    def _stands(self, witness: Witness, answer: Answer, *, accepted: bool) -> bool:
        """Whether a 2xx without words that we know counts as success."""
        if self.refusals is not None and (self.refusals.affirms or not answer.whole):
            return False
        # A plugin that trips over a body that cannot be read does not outweigh the status; with several requests
        # (a login first) the last 2xx need not be the message's.
        return accepted or (not answer.whole and witness.exchanges == 1)

    def _head(self, answer: Answer) -> str:
        """Return the status line, whose phrase is the server's own, too."""
        return f"HTTP {answer.status} {self.scrub(answer.phrase)}".rstrip()

    def _refusal(self, answer: Answer) -> Failed:
        """Return what an answer means whose status is not a success."""
        _, text = words(answer.body)
        reason = _sentence(self._head(answer), self.scrub(text)) + _moved(answer)
        seconds = pause(answer.retry_after, answer.body, self.unit)
        if 300 <= answer.status < 400:
            return Failed(f"{reason}; redirects are not followed: put the new address into the URL", permanent=True)
        # A server that says when to come back means it (RFC 9110, 10.2.3): GitHub limits rates by a 403.
        if 400 <= answer.status < 500 and not answer.is_temporary and pause(answer.retry_after, "", self.unit) is None:
            return Failed(reason, permanent=True)
        return Failed(reason, retry_after=seconds)


def _moved(answer: Answer) -> str:
    """Return where Telegram has moved a chat to, as a remedy.  Source: its Bot API, ResponseParameters."""
    parameters = members(answer.body).get("parameters")
    place = parameters.get("migrate_to_chat_id") if isinstance(parameters, dict) else None
    return f"; put the chat's new ID into the URL: {place}" if type(place) is int and abs(place) < 2**53 else ""


def _smtp(error: Exception, scrub: Callable[[str], str], *, began: bool) -> Failed | None:
    """Return what a mail server's refusal means; None when it has not refused.  Source: RFC 5321, 4.2.1."""
    code: int
    text: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error
    elif isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        # STARTTLS or a login that the server does not offer; smtplib's own words.
        return Failed(f"the mail server cannot do what the URL asks for: {scrub(str(error))}", permanent=True)
    else:
        return None
    words = text if isinstance(text, str) else text.decode("utf-8", "replace")
    reason = _sentence(f"SMTP {code}", scrub(words))
    if began and not 400 <= code < 600:  # a reply to the mail that is neither yes (250) nor no
        return Failed(reason, uncertain=True)
    return Failed(reason, permanent=500 <= code < 600)


def _network(witness: Witness, exchange: Exchange, error: Exception, scrub: Callable[[str], str]) -> Failed:
    """Return what it means that no answer came."""
    if not exchange.began and isinstance(error, _UNSENDABLE):
        # Its text would repeat the URL.
        return Failed(f"no request can be made of the URL ({type(error).__name__})", permanent=True)
    said = witness.hung_up or scrub(_root(error))
    if exchange.began:
        return Failed(f"no answer: {said}; the message may have arrived", uncertain=True)
    if isinstance(error, ProxyUnusable):
        return Failed(said)
    if isinstance(error, smtplib.SMTPServerDisconnected) and error.__context__ is None and not witness.hung_up:
        return Failed(f"the mail server hung up before the mail was sent: {said}")
    return Failed(f"could not connect: {said}" + (f" ({witness.hint})" if witness.hint else ""))


def _root(error: BaseException) -> str:
    """Return the words of the first error: those around it, by ``requests`` and ``urllib3``, repeat the URL."""
    while (inner := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        error = inner
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _sentence(head: str, words: str) -> str:
    return f"{head}: {words}" if words else head
