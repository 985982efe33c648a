"""One turn of polling: due jobs, List, Get of what moved, diff, record.

*List decides whom to ask; Get decides what happened.*  Not its business: waiting between turns (``loop``), asking
AWS (``bedrock``), wording (``render``), sending (``deliver``).
"""

from watcher.sweep.account import Account
from watcher.sweep.edges import Book, Eyes, Transact
from watcher.sweep.finder import Finder
from watcher.sweep.group import Group
from watcher.sweep.watched import Watched

__all__ = ["Account", "Book", "Eyes", "Finder", "Group", "Transact", "Watched"]
