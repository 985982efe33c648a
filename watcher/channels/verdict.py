"""What became of a send that Apprise says has failed: in words, whether to try again, and whether it may have arrived.

In doubt it is temporary, since what is tried again is not lost; and in doubt it is uncertain, since a message marked
"may be a repeat" is better than an unmarked one.
Not its business: when it is tried again (``deliver``).
"""

from __future__ import annotations

import json
import re
import smtplib
import ssl
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

from watcher import clock
from watcher.channels.witness import Answer, Witness
from watcher.model import Failed

TEMPORARY_4XX = frozenset({407, 408, 409, 421, 423, 425, 429})
"""The client errors (RFC 9110, 4918, 6585, 8470) that heal without a change of the channel's URL."""

SLACK_TEMPORARY = frozenset(
    {
        "accesslimited",
        "ratelimited",
        "rate_limited",
        "request_timeout",
        "rollup_error",
        "service_unavailable",
        "team_added_to_org",
    }
)
"""Slack's errors that pass by themselves.  Source: Slack's reference of chat.postMessage and of incoming webhooks."""

SLACK_UNCERTAIN = frozenset({"fatal_error", "internal_error"})
"""Slack's errors of which its reference says that some aspect of the operation may have succeeded."""

_WORDS = ("error", "errmsg", "message", "description", "detail", "title", "reason", "errors")


def failed(witness: Witness, scrub: Callable[[str], str], *, slack: bool, seen: bool) -> Failed:
    """Return why the send did not succeed, as far as *witness* knows.

    *scrub* takes the secrets out of foreign words; *slack* says that Slack's words are answered; *seen* that this
    service cannot send anything without the witness seeing it.
    """
    if witness.error is not None:
        refused = None if witness.hung_up else _smtp(witness.error, scrub)
        return refused or _network(witness, witness.error, scrub)
    if witness.answer is not None:
        return _http(witness.answer, scrub, slack=slack)
    words = scrub("; ".join(witness.words)) or "Apprise gave no reason"
    return Failed(words, uncertain=not seen)


def _smtp(error: Exception, scrub: Callable[[str], str]) -> Failed | None:
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
    return Failed(_sentence(f"SMTP {code}", scrub(words)), permanent=code >= 500)


def _network(witness: Witness, error: Exception, scrub: Callable[[str], str]) -> Failed:
    """Return what it means that no answer came."""
    if isinstance(error, ValueError) and not isinstance(error, ssl.SSLError):
        # An address or a header that cannot be written; its text would repeat the URL.
        return Failed(f"no request can be made of the URL ({type(error).__name__})", permanent=True)
    words = witness.hung_up or scrub(_root(error))
    if witness.began:
        return Failed(f"no answer: {words}; the message may have arrived", uncertain=True)
    return Failed(f"could not connect: {words}")


def _root(error: BaseException) -> str:
    """Return the words of the first error: those around it, by ``requests`` and ``urllib3``, repeat the URL."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _http(answer: Answer, scrub: Callable[[str], str], *, slack: bool) -> Failed:
    """Return what a server's answer means that Apprise's plugin did not take for success."""
    code, words = _words(answer.body)
    reason = _sentence(f"HTTP {answer.status} {answer.phrase}".rstrip(), scrub(words))
    if 200 <= answer.status < 300:
        if slack and code:
            temporary = code in SLACK_TEMPORARY | SLACK_UNCERTAIN
            return Failed(reason, permanent=not temporary, uncertain=code in SLACK_UNCERTAIN)
        # Without an error in words nobody knows; with some, another try may be an answer too.
        return Failed(reason, uncertain=not code)
    if 300 <= answer.status < 400:
        return Failed(f"{reason}; redirects are not followed: put the new address into the URL", permanent=True)
    if answer.status < 500 and answer.status not in TEMPORARY_4XX:
        return Failed(reason, permanent=True)
    return Failed(reason, retry_after=_seconds(answer.retry_after))


def _words(body: str) -> tuple[str, str]:
    """Return the error code of a JSON answer (empty when there is none), and the answer's words."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return "", re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", body, flags=re.DOTALL | re.IGNORECASE)
    if not isinstance(parsed, dict):
        return "", body
    found = [value if isinstance(value, str) else json.dumps(value) for key in _WORDS if (value := parsed.get(key))]
    return (found[0], ": ".join(found)) if found else ("", body)


def _sentence(head: str, words: str) -> str:
    return f"{head}: {words}" if words else head


def _seconds(retry_after: str) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, given as a number or a date; None when it says neither.

    Source: RFC 9110, 10.2.3.
    """
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - clock.now())
