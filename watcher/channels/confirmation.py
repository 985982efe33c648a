"""Which services never confirm a message, and which show no text of it.

Imports nothing of Apprise, so that a list of channels costs nothing.
Not its business: how such a channel is opened (``opening``).
"""

from __future__ import annotations

from urllib.parse import parse_qsl

UNCONFIRMED = frozenset({"aprs", "deltachat", "irc", "ircs", "rsyslog", "smpp", "smpps", "syslog", "xmpp", "xmpps"})
"""Services by their URL's scheme.

Sources: RFC 2812, 3.3.1 (IRC's PRIVMSG has no reply), RFC 5426, 4 (syslog over UDP is not acknowledged; the local one
is a datagram, too), RFC 6121, 8.2 (a server does not answer a message stanza), APRS-IS ("no response to a packet");
Apprise's SMPP plugin does not wait for submit_sm_resp, and Delta Chat hands over to a program of its own.
"""


TEXTLESS = frozenset({"blink1", "lfg"})
"""Services, by their URL's scheme, that only give a signal (a lamp, an alarm), without a word of the message."""


def has_text(url: str) -> bool:
    """Whether the service of *url* shows the text of a message."""
    return url.partition("://")[0].lower() not in TEXTLESS


def query_of(url: str) -> dict[str, str]:
    """Return the options of *url*, by their names in lower case."""
    return {key.lower(): value for key, value in parse_qsl(url.partition("?")[2], keep_blank_values=True)}


def confirms(url: str) -> bool:
    """Whether the service of *url* confirms each message.

    MQTT does so from quality of service 1 on (MQTT 3.1.1, 4.3), which is what a URL gets that names none.
    """
    scheme = url.partition("://")[0].lower()
    if scheme in ("mqtt", "mqtts"):
        return query_of(url).get("qos", "1").strip() != "0"
    return scheme not in UNCONFIRMED
