"""The composition root: opens everything, one task group, signals, last words.

``watch`` holds the poll groups, ``lanes`` the channels, ``process`` runs them all.
Not its business: any turn (``sweep``, ``deliver``).
"""

from watcher.daemon.process import Daemon

__all__ = ["Daemon"]
