"""The values that flow through the house.  All are frozen; none knows where it came from or where it goes.

Every datetime is timezone-aware UTC and its field's name ends in ``_at``.
Not its business: reading AWS's words (``bedrock``), deciding (``diff``, ``policy``), wording (``render``).
"""

from watcher.identifiers import (
    ARN_HINT,
    CUSTOMIZATION,
    DEFAULT_EVENTS,
    EVENTS,
    QUIET_EVENTS,
    JobArn,
    parse_identifier,
)
from watcher.model.facts import Family, Outcome, Severity, Snapshot, Step
from watcher.model.news import (
    Appeared,
    ChannelTest,
    DeliveryDead,
    Event,
    FailureExplained,
    FieldChanged,
    Reminder,
    StatusChanged,
    StepChanged,
    Transition,
    Vanished,
    WatchLost,
    WatchRegained,
)
from watcher.model.post import Delivery, Failed, Message, Posting, Sent, Verdict
from watcher.model.watch import Job, Sighting

__all__ = [
    "ARN_HINT",
    "CUSTOMIZATION",
    "DEFAULT_EVENTS",
    "EVENTS",
    "QUIET_EVENTS",
    "Appeared",
    "ChannelTest",
    "Delivery",
    "DeliveryDead",
    "Event",
    "Failed",
    "FailureExplained",
    "Family",
    "FieldChanged",
    "Job",
    "JobArn",
    "Message",
    "Outcome",
    "Posting",
    "Reminder",
    "Sent",
    "Severity",
    "Sighting",
    "Snapshot",
    "StatusChanged",
    "Step",
    "StepChanged",
    "Transition",
    "Vanished",
    "Verdict",
    "WatchLost",
    "WatchRegained",
    "parse_identifier",
]
