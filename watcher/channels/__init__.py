"""Apprise adapter: one channel is one URL with one target, and ``send`` returns what became of a message.

Opening: ``opening`` makes a channel of a URL; ``asked`` finds what Apprise would ignore of it; ``services`` knows its
family and pace, ``confirmation`` whether it confirms messages and shows their text.
Sending: ``channel`` sends; ``measure`` says whether a message fits as it is posted, in ``units`` of the service;
``content`` and ``slack`` add what Apprise cannot express.
Travelling: ``wire`` carries HTTP requests over ``connections``, and ``mail`` carries mails; ``reply`` reads an answer's
body to a bound; ``apart`` runs calls that may block, and ``deadline`` ends a send in time; ``standins`` lends all this
to Apprise's plugins.
Judging: ``witness`` notes what happened, each ``answer`` included; ``decisive`` chooses the request that counts;
``refusals`` reads services that refuse inside a 200; ``verdict`` decides, in ``words`` that ``scrub`` keeps secrets out
of.
Apprise, requests and urllib3 are imported when the first channel is opened, or by ``prepare``.
Not its business: what a message says (``render``), when it is sent and whether it is tried again (``deliver``).
"""

from watcher.channels.channel import AppriseChannel
from watcher.channels.confirmation import confirms, has_text
from watcher.channels.opening import BadChannel, check_url, open_channel, prepare
from watcher.channels.witness import LIMITS, Limits

__all__ = [
    "LIMITS",
    "AppriseChannel",
    "BadChannel",
    "Limits",
    "check_url",
    "confirms",
    "has_text",
    "open_channel",
    "prepare",
]
