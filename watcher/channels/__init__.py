"""The doorman of Apprise: one channel is one URL with one target, and ``send`` says honestly what became of it.

``opening`` makes a channel of a URL, ``services`` knows its family and pace, and ``channel`` sends; ``measure`` says
whether a message fits as it is posted, in ``units`` of the service; ``content`` and ``slack`` put in what Apprise has
no words for; ``wire`` and ``mail`` are what our requests and mails travel by; ``witness`` notes what happened on the
way; ``verdict`` puts it into words; ``scrub`` keeps secrets out of those words; ``standins`` lends our wire to
Apprise's plugins.  Apprise, requests and urllib3 are imported when the first channel is opened.
Not its business: what a message says (``render``), when it is sent and whether it is tried again (``deliver``).
"""

from watcher.channels.channel import AppriseChannel
from watcher.channels.confirmation import confirms
from watcher.channels.opening import BadChannel, check_url, open_channel
from watcher.channels.witness import LIMITS, Limits

__all__ = ["LIMITS", "AppriseChannel", "BadChannel", "Limits", "check_url", "confirms", "open_channel"]
