"""The shape of the database, as a list of steps that is only ever appended to.

``user_version`` counts the steps that a database has taken.  Epoch seconds are REAL, JSON is TEXT.
"""

from __future__ import annotations

APPLICATION_ID = 0x62647277
"""``bdrw``: SQLite's header field that says whose file this is."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE jobs (
        id            INTEGER PRIMARY KEY,
        identifier    TEXT NOT NULL,              -- what AWS is asked for: an ARN, or a name
        arn           TEXT UNIQUE,                -- once known
        name          TEXT NOT NULL DEFAULT '',
        kind          TEXT NOT NULL,
        account       TEXT NOT NULL DEFAULT '',
        region        TEXT NOT NULL,
        profile       TEXT NOT NULL DEFAULT '',
        label         TEXT NOT NULL DEFAULT '',
        tags          TEXT NOT NULL DEFAULT '[]',
        from_cli      INTEGER NOT NULL DEFAULT 0, -- someone said `add`
        from_config   INTEGER NOT NULL DEFAULT 0, -- a [[job]] table names it
        state         TEXT NOT NULL DEFAULT 'new'
                      CHECK (state IN ('new', 'running', 'closing', 'ended', 'vanished')),
        merged_into   INTEGER REFERENCES jobs (id), -- a job given by name that was known by its ARN
        added_at      REAL NOT NULL,
        asked_at      REAL NOT NULL DEFAULT 0,    -- a person waits for the next look
        next_poll_at  REAL NOT NULL DEFAULT 0,
        confirmed_at  REAL NOT NULL DEFAULT 0,    -- by Get
        created_at    REAL NOT NULL DEFAULT 0,    -- AWS's times
        changed_at    REAL NOT NULL DEFAULT 0,
        ended_at      REAL NOT NULL DEFAULT 0,
        closing_at    REAL NOT NULL DEFAULT 0,    -- how long its last word is waited for
        failures      INTEGER NOT NULL DEFAULT 0,
        failing_since REAL NOT NULL DEFAULT 0,
        blind_since   REAL NOT NULL DEFAULT 0,    -- set when watch_lost was told
        last_error    TEXT NOT NULL DEFAULT '',
        mark          INTEGER NOT NULL DEFAULT 0, -- fingerprint of what List would show
        base_model    TEXT NOT NULL DEFAULT '',
        customization TEXT NOT NULL DEFAULT '',
        expected      REAL NOT NULL DEFAULT 0,    -- seconds that a person expects it to run
        reminded      TEXT NOT NULL DEFAULT '[]', -- episodes told of
        remind_at     REAL NOT NULL DEFAULT 0,    -- when the next reminder may be due
        version       INTEGER NOT NULL DEFAULT 0, -- of the snapshot: the optimistic lock
        revision      INTEGER NOT NULL            -- moves when a person changes what is watched
    ) STRICT;
    CREATE INDEX jobs_by_identifier ON jobs (identifier);
    CREATE INDEX jobs_by_revision ON jobs (revision);
    CREATE INDEX jobs_alike ON jobs (base_model, customization, ended_at);

    CREATE TABLE mutes (
        job   INTEGER PRIMARY KEY,                -- 0: every job
        until REAL NOT NULL
    ) STRICT;

    CREATE TABLE notes (                          -- single values that survive a restart
        key   TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;

    CREATE TABLE snapshots (
        job      INTEGER PRIMARY KEY REFERENCES jobs (id),
        facts    TEXT NOT NULL,                   -- merged, for diffing
        response TEXT NOT NULL,                   -- as AWS sent it last
        seen_at  REAL NOT NULL
    ) STRICT;

    CREATE TABLE scopes (                         -- credentials, account, region and kind that fail together
        key           TEXT PRIMARY KEY,
        failures      INTEGER NOT NULL,
        failing_since REAL NOT NULL,
        next_poll_at  REAL NOT NULL,
        blind_since   REAL NOT NULL DEFAULT 0,
        last_error    TEXT NOT NULL
    ) STRICT;

    CREATE TABLE events (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        subject     TEXT NOT NULL,                -- job/1, scope/..., channel/...
        version     INTEGER NOT NULL,
        job         INTEGER REFERENCES jobs (id),
        transitions TEXT NOT NULL,
        sight       TEXT NOT NULL DEFAULT '{}',   -- status and sub-tasks as they were then
        observed_at REAL NOT NULL,
        UNIQUE (subject, version)
    ) STRICT;
    CREATE INDEX events_by_job ON events (job, id);

    CREATE TABLE deliveries (
        id              INTEGER PRIMARY KEY AUTOINCREMENT,
        event           INTEGER NOT NULL REFERENCES events (id),
        subject         TEXT NOT NULL,            -- the event's: a subject's news never overtakes itself
        channel         TEXT NOT NULL,
        state           TEXT NOT NULL DEFAULT 'pending'
                        CHECK (state IN ('pending', 'sending', 'sent', 'uncertain', 'dead')),
        attempts        INTEGER NOT NULL DEFAULT 0,
        uncertain       INTEGER NOT NULL DEFAULT 0, -- an earlier try may have arrived
        revived         INTEGER NOT NULL DEFAULT 0, -- was dead, and is asked for again
        fold            TEXT NOT NULL DEFAULT ''  -- held back, to be told with others in one message
                        CHECK (fold IN ('', 'digest', 'mute')),
        created_at      REAL NOT NULL,
        tried_since     REAL NOT NULL DEFAULT 0,  -- patience is counted from the first try
        next_attempt_at REAL NOT NULL,
        finished_at     REAL NOT NULL DEFAULT 0,
        last_error      TEXT NOT NULL DEFAULT '',
        receiver_data   TEXT NOT NULL DEFAULT '{}',
        UNIQUE (event, channel)
    ) STRICT;
    CREATE INDEX deliveries_open ON deliveries (channel, subject, id)
        WHERE state IN ('pending', 'sending', 'uncertain');
    CREATE TABLE attempts (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        delivery INTEGER NOT NULL REFERENCES deliveries (id),
        began_at REAL NOT NULL,
        ended_at REAL NOT NULL,
        result   TEXT NOT NULL CHECK (result IN ('sent', 'failed', 'refused', 'uncertain')),
        reason   TEXT NOT NULL
    ) STRICT;
    CREATE INDEX attempts_by_delivery ON attempts (delivery);
    CREATE INDEX deliveries_by_state ON deliveries (state, channel, finished_at);
    """,
    """
    CREATE TABLE requests (                       -- what a person asks of the daemon, answered in the row
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        what        TEXT NOT NULL,
        arguments   TEXT NOT NULL DEFAULT '{}',
        asked_at    REAL NOT NULL,
        expires_at  REAL NOT NULL,                -- nobody waits for an answer any longer
        taken_at    REAL NOT NULL DEFAULT 0,
        answered_at REAL NOT NULL DEFAULT 0,
        answer      TEXT NOT NULL DEFAULT ''
    ) STRICT;
    -- The newest answer of a receiver to each subject: a thread is looked up for each message, and kept when old
    -- messages are let go.
    CREATE INDEX deliveries_threads ON deliveries (channel, subject, id) WHERE receiver_data != '{}';
    """,
    """
    ALTER TABLE jobs ADD COLUMN from_rule TEXT NOT NULL DEFAULT '';    -- the [[discover]] rule that found it
    ALTER TABLE jobs ADD COLUMN dismissed INTEGER NOT NULL DEFAULT 0;  -- a person removed it: no rule takes it up again
    """,
    """
    -- Patience counts running time: see policy/patience.py.
    ALTER TABLE deliveries ADD COLUMN tried_for REAL NOT NULL DEFAULT 0;    -- seconds of running time between its tries
    ALTER TABLE deliveries ADD COLUMN tried_at REAL;                        -- running time in all at its latest failure
    ALTER TABLE deliveries ADD COLUMN refused_for REAL NOT NULL DEFAULT 0;  -- the same, of refusals in a row
    ALTER TABLE deliveries ADD COLUMN requeued INTEGER NOT NULL DEFAULT 0;  -- how often its channel's recovery did so
    ALTER TABLE deliveries ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 1; -- 0: the service confirms nothing
    ALTER TABLE deliveries ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;    -- a failure, or older than one of its job
    UPDATE deliveries SET urgent = 1 WHERE state IN ('pending', 'sending', 'uncertain') AND EXISTS (
        SELECT 1 FROM deliveries AS own JOIN events ON events.id = own.event
        WHERE own.channel = deliveries.channel AND own.subject = deliveries.subject AND own.id >= deliveries.id
        AND own.state IN ('pending', 'sending', 'uncertain') AND instr(transitions, '"outcome": "failed"'));
    CREATE INDEX deliveries_next ON deliveries (channel, urgent, next_attempt_at)
        WHERE state IN ('pending', 'uncertain');
    CREATE TABLE channels (
        name         TEXT PRIMARY KEY,
        worked       TEXT,                      -- fingerprint of the latest URL that accepted a message, if any
        paused_until REAL NOT NULL DEFAULT 0,   -- its receiver asked for no request until then
        stuck_since  REAL NOT NULL DEFAULT 0    -- its oldest message fails since then, and that was reported
    ) STRICT;
    INSERT INTO channels (name, worked)
        SELECT channel, coalesce((SELECT value FROM notes WHERE key = 'channel/' || channel), '')
        FROM deliveries WHERE state = 'sent' GROUP BY channel;
    -- How long a completed job took, 0 for all others: the typical duration is read without a look at the snapshots.
    ALTER TABLE jobs ADD COLUMN took REAL NOT NULL DEFAULT 0;
    UPDATE jobs SET took = ended_at - created_at
        WHERE state = 'ended' AND created_at > 0 AND ended_at > created_at AND EXISTS (
            SELECT 1 FROM snapshots WHERE job = jobs.id AND CASE WHEN json_valid(facts) THEN
                json_extract(facts, '$.status') IN ('Completed', 'InService') END);
    CREATE INDEX jobs_typical ON jobs (base_model, customization, ended_at) WHERE took > 0;
    """,
)
