"""What cannot be looked at, in plain rows: monitors ask every few seconds, and making our dataclasses costs more.

Not its business: how long is too long (``cli.health``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from watcher.store.database import Database
from watcher.store.listing import ACCOUNT_SCOPE, SCOPE, WATCHED, Row

# A job that AWS never knew is most likely misspelt, and one that was lost sight of was looked at in vain: both are told
# otherwise, and are no fault of the daemon.  The trouble of a scope without jobs, and without a rule, is nobody's.
_ROWS = f"""
    SELECT key AS scope, '' AS label, '' AS name, '' AS identifier, failing_since, blind_since FROM scopes
    WHERE key IN (SELECT {SCOPE} FROM jobs WHERE {WATCHED} AND state != 'ended'
        UNION ALL SELECT {ACCOUNT_SCOPE} FROM jobs WHERE {WATCHED} AND state != 'ended'
        UNION ALL SELECT value FROM json_each(?))
    UNION ALL
    SELECT '', label, name, identifier, failing_since, blind_since FROM jobs
    WHERE {WATCHED} AND state IN ('running', 'closing') AND failures
        AND {SCOPE} NOT IN (SELECT key FROM scopes) AND {ACCOUNT_SCOPE} NOT IN (SELECT key FROM scopes)
"""


def unseen(database: Database, also: Iterable[str]) -> list[Row]:
    """Return the scopes that cannot be looked at, then the jobs that cannot for reasons of their own.

    *also* are the keys of scopes that matter without jobs: those in which rules look.

    A scope's row has its key in *scope*, a job's has what it is called in *label*, *name* and *identifier*;
    *blind_since* is 0 until people were told.  Times are epoch seconds.
    """
    with database.reading() as sql:
        return sql.execute(_ROWS, (json.dumps(sorted(also)),)).fetchall()
