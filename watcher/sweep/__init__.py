"""One turn of polling: due jobs, List, Get of what moved, diff, record.

*List decides whom to ask; Get decides what happened.*  Not its business: waiting between turns (``loop``), asking
AWS (``bedrock``), wording (``render``), sending (``deliver``).
"""

from watcher.sweep.edges import Book, Eyes, Transact
from watcher.sweep.finder import Finder
from watcher.sweep.group import Group
from watcher.sweep.outage import Outage

__all__ = ["Book", "Eyes", "Finder", "Group", "Outage", "Transact"]
