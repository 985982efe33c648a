"""Facts into words.  Pure: no clock, no dice, no log.

``compose`` writes a Doc, in plain text, from a Story (``compose_summary`` from several); ``write`` prints a Doc for a
family of receivers, so that what AWS or a user wrote can neither ping anybody nor inject markup; ``apply`` does the
same with a user's own template.  Not its business: what happened (``diff``), who is told (``policy``).
"""

from watcher.render.compose import compose
from watcher.render.fit import Room, most_events, write
from watcher.render.samples import sample
from watcher.render.split import write_summary
from watcher.render.story import Doc, Story
from watcher.render.summary import compose_summary
from watcher.render.template import TemplateMistake, apply, check_template

__all__ = [
    "Doc",
    "Room",
    "Story",
    "TemplateMistake",
    "apply",
    "check_template",
    "compose",
    "compose_summary",
    "most_events",
    "sample",
    "write",
    "write_summary",
]
