"""Facts into words.  Pure: no clock, no dice, no log.

``compose`` writes a Doc, in plain text, from a Story; ``families`` prints a Doc so that what AWS or a user wrote can
neither ping anybody nor inject markup.  Not its business: what happened (``diff``), who is told (``policy``).
"""

from watcher.render.compose import compose
from watcher.render.families import write
from watcher.render.story import Story

__all__ = ["Story", "compose", "write"]
