BEGIN TRANSACTION;
CREATE TABLE attempts (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        delivery INTEGER NOT NULL REFERENCES deliveries (id),
        began_at REAL NOT NULL,
        ended_at REAL NOT NULL,
        result   TEXT NOT NULL CHECK (result IN ('sent', 'failed', 'refused', 'uncertain')),
        reason   TEXT NOT NULL
    ) STRICT;
INSERT INTO "attempts" VALUES(1,5,1750000000.0,1750000001.0,'sent','');
INSERT INTO "attempts" VALUES(2,6,1750000000.0,1750000001.0,'sent','');
INSERT INTO "attempts" VALUES(3,2,1750000000.0,1750000001.0,'refused','HTTP 404 Not Found');
INSERT INTO "attempts" VALUES(4,4,1750000000.0,1750000001.0,'refused','HTTP 404 Not Found');
INSERT INTO "attempts" VALUES(5,3,1750000000.0,1750000001.0,'uncertain','no answer');
INSERT INTO "attempts" VALUES(6,1,1750000000.0,1750000001.0,'failed','could not connect');
CREATE TABLE channels (
        name         TEXT PRIMARY KEY,
        worked       TEXT,                      -- fingerprint of the latest URL that accepted a message, if any
        paused_until REAL NOT NULL DEFAULT 0,   -- its receiver asked for no request until then
        stuck_since  REAL NOT NULL DEFAULT 0    -- its oldest message fails since then, and that was reported
    ) STRICT;
INSERT INTO "channels" VALUES('s','',0.0,0.0);
INSERT INTO "channels" VALUES('t','',0.0,0.0);
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
        receiver_data   TEXT NOT NULL DEFAULT '{}', tried_for REAL NOT NULL DEFAULT 0, tried_at REAL, refused_for REAL NOT NULL DEFAULT 0, requeued INTEGER NOT NULL DEFAULT 0, confirmed INTEGER NOT NULL DEFAULT 1, urgent INTEGER NOT NULL DEFAULT 0,
        UNIQUE (event, channel)
    ) STRICT;
INSERT INTO "deliveries" VALUES(1,2,'job/3','p','pending',1,0,0,'',1750000000.0,1750000000.0,1750000030.0,0.0,'could not connect','{}',0.0,0.0,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(2,3,'job/4','d','pending',1,0,1,'',1750000000.0,0.0,1750000002.0,0.0,'HTTP 404 Not Found','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(3,3,'job/4','u','uncertain',1,1,0,'',1750000000.0,1750000000.0,1750000030.0,0.0,'no answer','{}',0.0,0.0,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(4,3,'job/4','x','dead',1,0,0,'',1750000000.0,1750000000.0,1750000000.0,1750000001.0,'HTTP 404 Not Found','{}',0.0,0.0,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(5,4,'job/5','s','sent',1,0,0,'',1750000000.0,1750000000.0,1750000000.0,1750000001.0,'','{"channel": "C1", "ts": "1503435956.000247"}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(6,4,'job/5','t','sent',1,0,0,'',1750000000.0,1750000000.0,1750000000.0,1750000001.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(7,6,'job/6','p','pending',0,0,0,'',1750000000.0,0.0,1750000000.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(8,7,'channel/d','p','pending',0,0,0,'',1750000001.0,0.0,1750000001.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(9,8,'channel/x','p','pending',0,0,0,'',1750000001.0,0.0,1750000001.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(10,9,'job/3','i','sending',1,0,0,'',1750000000.0,1750000000.0,1750000000.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(11,10,'channel/p','p','pending',0,0,0,'',1750000000.0,0.0,1750000000.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(12,11,'channel/r','r','dead',0,0,0,'',1750000000.0,0.0,1750000000.0,1750000000.0,'dropped by a person','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(13,12,'job/3','p','pending',0,0,0,'mute',1750000000.0,0.0,1750007200.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(14,12,'job/3','g','pending',0,0,0,'mute',1750000000.0,0.0,1750007200.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(15,13,'job/4','p','pending',0,0,0,'',1750000000.0,0.0,1750000000.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(16,13,'job/4','g','pending',0,0,0,'digest',1750000000.0,0.0,1750050000.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(17,14,'scope/research@-/eu-west-1/model-customization-job','p','pending',0,0,0,'',1750000000.0,0.0,1750000000.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(18,15,'scope/default@123456789012/us-west-2/model-customization-job','p','pending',0,0,0,'',1750000000.0,0.0,1750000000.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
INSERT INTO "deliveries" VALUES(19,16,'scope/default@123456789012/us-west-2/model-customization-job','p','pending',0,0,0,'',1750000005.0,0.0,1750000005.0,0.0,'','{}',0.0,NULL,0.0,0,1,0);
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
INSERT INTO "events" VALUES(1,'job/3',1,3,'[{"type": "Appeared", "status": "InProgress"}]','{"status": "InProgress", "steps": [{"name": "training", "status": "InProgress", "started_at": "2026-11-20T08:01:00+00:00", "changed_at": "2026-11-20T08:02:00+00:00"}]}',1750000000.0);
INSERT INTO "events" VALUES(2,'job/3',2,3,'[{"type": "StepChanged", "step": "training", "old": "NotStarted", "new": "InProgress", "started_at": "2025-06-15T15:05:40+00:00", "changed_at": "2025-06-15T15:06:10+00:00"}, {"type": "FieldChanged", "path": "hyperParameters.epochs", "old": "\"1\"", "new": "\"2\""}, {"type": "Reminder", "what": "overdue", "since_at": "2025-06-15T14:06:40+00:00", "limit": 1800.0}]','{"status": "InProgress", "steps": [{"name": "training", "status": "InProgress", "started_at": "2026-11-20T08:01:00+00:00", "changed_at": "2026-11-20T08:02:00+00:00"}]}',1750000000.0);
INSERT INTO "events" VALUES(3,'job/4',1,4,'[{"type": "StatusChanged", "old": "InProgress", "new": "Failed", "outcome": "failed", "changed_at": "2025-06-15T15:06:30+00:00"}, {"type": "FailureExplained", "text": "Maximum input token count 4097 exceeds limit of 4096"}]','{"status": "Failed", "steps": []}',1750000000.0);
INSERT INTO "events" VALUES(4,'job/5',1,5,'[{"type": "StatusChanged", "old": "", "new": "Completed", "outcome": "succeeded", "changed_at": null}]','{"status": "Completed", "steps": []}',1750000000.0);
INSERT INTO "events" VALUES(5,'job/6',1,6,'[{"type": "Appeared", "status": "InProgress"}]','{"status": "InProgress", "steps": []}',1750000000.0);
INSERT INTO "events" VALUES(6,'job/6',2,6,'[{"type": "Vanished", "reason": "ResourceNotFoundException"}]','{}',1750000000.0);
INSERT INTO "events" VALUES(7,'channel/d',1,NULL,'[{"type": "DeliveryDead", "channel": "d", "count": 1, "reason": "HTTP 404 Not Found", "about": "job-3 (event 3)"}]','{}',1750000001.0);
INSERT INTO "events" VALUES(8,'channel/x',1,NULL,'[{"type": "DeliveryDead", "channel": "x", "count": 1, "reason": "HTTP 404 Not Found", "about": "job-3 (event 3)"}]','{}',1750000001.0);
INSERT INTO "events" VALUES(9,'job/3',3,3,'[{"type": "Appeared", "status": "InProgress"}]','{}',1750000000.0);
INSERT INTO "events" VALUES(10,'channel/p',1,NULL,'[{"type": "ChannelTest", "channel": "p"}]','{}',1750000000.0);
INSERT INTO "events" VALUES(11,'channel/r',1,NULL,'[{"type": "ChannelTest", "channel": "r"}]','{}',1750000000.0);
INSERT INTO "events" VALUES(12,'job/3',4,3,'[{"type": "Reminder", "what": "stalled", "since_at": "2025-06-15T01:13:20+00:00", "limit": 43200.0}, {"type": "DeliveryDead", "channel": "d", "count": 1, "reason": "HTTP 404", "about": "job-3 (event 3)"}]','{}',1750000000.0);
INSERT INTO "events" VALUES(13,'job/4',2,4,'[{"type": "Appeared", "status": "Failed"}]','{}',1750000000.0);
INSERT INTO "events" VALUES(14,'scope/research@-/eu-west-1/model-customization-job',1,NULL,'[{"type": "WatchLost", "reason": "ExpiredToken: it expired", "remedy": "put fresh credentials in place", "since_at": "2025-06-15T14:56:40+00:00"}]','{}',1750000000.0);
INSERT INTO "events" VALUES(15,'scope/default@123456789012/us-west-2/model-customization-job',1,NULL,'[{"type": "WatchLost", "reason": "ExpiredToken: it expired", "remedy": "put fresh credentials in place", "since_at": "2025-06-15T14:56:40+00:00"}]','{}',1750000000.0);
INSERT INTO "events" VALUES(16,'scope/default@123456789012/us-west-2/model-customization-job',2,NULL,'[{"type": "WatchRegained", "since_at": "2025-06-15T14:56:40+00:00"}]','{}',1750000005.0);
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
    , from_rule TEXT NOT NULL DEFAULT '', dismissed INTEGER NOT NULL DEFAULT 0, took REAL NOT NULL DEFAULT 0) STRICT;
INSERT INTO "jobs" VALUES(1,'by-name',NULL,'by-name','model-customization-job','','eu-west-1','research','a label','["x", "y"]',0,1,'new',NULL,1750000000.0,0.0,1750000000.0,0.0,0.0,0.0,0.0,0.0,0,0.0,0.0,'',0,'','',0.0,'[]',0.0,0,2,'',0,0.0);
INSERT INTO "jobs" VALUES(2,'arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij01','arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij01','','model-customization-job','123456789012','us-east-1','','never seen','[]',1,0,'new',NULL,1750000000.0,1750000000.0,1750000000.0,0.0,0.0,0.0,0.0,0.0,0,0.0,0.0,'',0,'','',0.0,'[]',0.0,0,4,'',0,0.0);
INSERT INTO "jobs" VALUES(3,'arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij02','arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij02','job-2','model-customization-job','123456789012','us-east-1','','','["team-a"]',1,0,'running',NULL,1750000000.0,0.0,1750000000.0,1750000000.0,1795161600.0,1795161720.0,0.0,0.0,1,1750000000.0,1750000000.0,'{"fault": "credentials", "code": "ExpiredToken", "reason": "it expired", "remedy": "put fresh credentials in place"}',2,'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k','FINE_TUNING',3600.0,'["stalled"]',1.0,2,7,'',0,0.0);
INSERT INTO "jobs" VALUES(4,'arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij03','arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij03','job-3','model-customization-job','123456789012','us-east-1','','','["team-a"]',1,0,'closing',NULL,1750000000.0,0.0,1750000000.0,1750000000.0,1795161600.0,1795161600.0,1795161600.0,1750000600.0,1,1750000000.0,1750000000.0,'{"fault": "credentials", "code": "ExpiredToken", "reason": "it expired", "remedy": "put fresh credentials in place"}',3,'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k','FINE_TUNING',3600.0,'["stalled"]',1750000060.0,1,9,'',0,0.0);
INSERT INTO "jobs" VALUES(5,'arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij04','arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij04','job-4','model-customization-job','123456789012','us-east-1','','','["team-a"]',1,0,'ended',NULL,1750000000.0,0.0,1750000000.0,1750000000.0,1795161600.0,1795167000.0,1795167000.0,0.0,0,0.0,0.0,'',4,'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k','FINE_TUNING',3600.0,'["stalled"]',1750000060.0,1,16,'',0,0.0);
INSERT INTO "jobs" VALUES(6,'arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij05','arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij05','job-5','model-customization-job','123456789012','us-east-1','','','["team-a"]',1,0,'vanished',NULL,1750000000.0,0.0,1750000900.0,1750000000.0,1795161600.0,1795161600.0,0.0,0.0,3,1749999100.0,1750000000.0,'{"fault": "credentials", "code": "ExpiredToken", "reason": "it expired", "remedy": "put fresh credentials in place"}',5,'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k','FINE_TUNING',3600.0,'["stalled"]',1750000060.0,1,13,'',0,0.0);
INSERT INTO "jobs" VALUES(7,'job-4',NULL,'job-4','model-customization-job','','us-east-1','','','["team-a"]',0,0,'new',5,1750000000.0,0.0,1750000000.0,0.0,0.0,0.0,0.0,0.0,0,0.0,0.0,'',0,'','',3600.0,'[]',0.0,0,17,'',0,0.0);
INSERT INTO "jobs" VALUES(8,'arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij06','arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij06','','model-customization-job','123456789012','us-east-1','','','[]',0,0,'new',NULL,1750000000.0,0.0,1750000000.0,0.0,0.0,0.0,0.0,0.0,0,0.0,0.0,'',0,'','',0.0,'[]',0.0,0,20,'',1,0.0);
CREATE TABLE mutes (
        job   INTEGER PRIMARY KEY,                -- 0: every job
        until REAL NOT NULL
    ) STRICT;
INSERT INTO "mutes" VALUES(3,1750007200.0);
CREATE TABLE notes (                          -- single values that survive a restart
        key   TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
INSERT INTO "notes" VALUES('ran_for','0.0');
INSERT INTO "notes" VALUES('channel/d','5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a$f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0');
INSERT INTO "notes" VALUES('limits','Limits(2.0)');
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
INSERT INTO "requests" VALUES(1,'doctor','{"send": false}',1750000000.0,1750000060.0,1750000000.0,1750000001.0,'{"findings": []}');
INSERT INTO "requests" VALUES(2,'doctor','{"send": true}',1750000000.0,1750000060.0,0.0,0.0,'');
CREATE TABLE scopes (                         -- credentials, account, region and kind that fail together
        key           TEXT PRIMARY KEY,
        failures      INTEGER NOT NULL,
        failing_since REAL NOT NULL,
        next_poll_at  REAL NOT NULL,
        blind_since   REAL NOT NULL DEFAULT 0,
        last_error    TEXT NOT NULL
    ) STRICT;
INSERT INTO "scopes" VALUES('research@-/eu-west-1/model-customization-job',3,1749999400.0,1750000060.0,1750000000.0,'{"fault": "credentials", "code": "ExpiredToken", "reason": "it expired", "remedy": "put fresh credentials in place"}');
CREATE TABLE snapshots (
        job      INTEGER PRIMARY KEY REFERENCES jobs (id),
        facts    TEXT NOT NULL,                   -- merged, for diffing
        response TEXT NOT NULL,                   -- as AWS sent it last
        seen_at  REAL NOT NULL
    ) STRICT;
INSERT INTO "snapshots" VALUES(3,'{"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij02", "jobName": "job-2", "status": "InProgress", "creationTime": "2026-11-20T08:00:00.000Z", "lastModifiedTime": "2026-11-20T08:00:00.000Z", "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k", "customizationType": "FINE_TUNING", "outputModelName": "model-2", "outputDataConfig": {"s3Uri": "s3://bucket-2/output"}, "statusDetails": {"trainingDetails": {"status": "InProgress", "creationTime": "2026-11-20T08:01:00.000Z", "lastModifiedTime": "2026-11-20T08:02:00.000Z"}}}','{"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij02", "jobName": "job-2", "status": "InProgress", "creationTime": "2026-11-20T08:00:00.000Z", "lastModifiedTime": "2026-11-20T08:00:00.000Z", "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k", "customizationType": "FINE_TUNING", "outputModelName": "model-2", "outputDataConfig": {"s3Uri": "s3://bucket-2/output"}, "statusDetails": {"trainingDetails": {"status": "InProgress", "creationTime": "2026-11-20T08:01:00.000Z", "lastModifiedTime": "2026-11-20T08:02:00.000Z"}}}',1750000000.0);
INSERT INTO "snapshots" VALUES(4,'{"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij03", "jobName": "job-3", "status": "Failed", "creationTime": "2026-11-20T08:00:00.000Z", "lastModifiedTime": "2026-11-20T08:00:00.000Z", "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k", "customizationType": "FINE_TUNING", "outputModelName": "model-3", "outputDataConfig": {"s3Uri": "s3://bucket-3/output"}, "failureMessage": "Maximum input token count 4097 exceeds limit of 4096"}','{"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij03", "jobName": "job-3", "status": "Failed", "creationTime": "2026-11-20T08:00:00.000Z", "lastModifiedTime": "2026-11-20T08:00:00.000Z", "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k", "customizationType": "FINE_TUNING", "outputModelName": "model-3", "outputDataConfig": {"s3Uri": "s3://bucket-3/output"}, "failureMessage": "Maximum input token count 4097 exceeds limit of 4096"}',1750000000.0);
INSERT INTO "snapshots" VALUES(5,'{"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij04", "jobName": "job-4", "status": "Completed", "creationTime": "2026-11-20T08:00:00.000Z", "lastModifiedTime": "2026-11-20T09:30:00.000Z", "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k", "customizationType": "FINE_TUNING", "outputModelName": "model-4", "outputDataConfig": {"s3Uri": "s3://bucket-4/output"}, "endTime": "2026-11-20T09:30:00.000Z"}','{"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij04", "jobName": "job-4", "status": "Completed", "creationTime": "2026-11-20T08:00:00.000Z", "lastModifiedTime": "2026-11-20T09:30:00.000Z", "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k", "customizationType": "FINE_TUNING", "outputModelName": "model-4", "outputDataConfig": {"s3Uri": "s3://bucket-4/output"}, "endTime": "2026-11-20T09:30:00.000Z"}',1750000000.0);
INSERT INTO "snapshots" VALUES(6,'{"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij05", "jobName": "job-5", "status": "InProgress", "creationTime": "2026-11-20T08:00:00.000Z", "lastModifiedTime": "2026-11-20T08:00:00.000Z", "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k", "customizationType": "FINE_TUNING", "outputModelName": "model-5", "outputDataConfig": {"s3Uri": "s3://bucket-5/output"}}','{"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij05", "jobName": "job-5", "status": "InProgress", "creationTime": "2026-11-20T08:00:00.000Z", "lastModifiedTime": "2026-11-20T08:00:00.000Z", "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k", "customizationType": "FINE_TUNING", "outputModelName": "model-5", "outputDataConfig": {"s3Uri": "s3://bucket-5/output"}}',1750000000.0);
CREATE INDEX jobs_by_identifier ON jobs (identifier);
CREATE INDEX jobs_by_revision ON jobs (revision);
CREATE INDEX jobs_alike ON jobs (base_model, customization, ended_at);
CREATE INDEX events_by_job ON events (job, id);
CREATE INDEX deliveries_open ON deliveries (channel, subject, id)
        WHERE state IN ('pending', 'sending', 'uncertain');
CREATE INDEX attempts_by_delivery ON attempts (delivery);
CREATE INDEX deliveries_by_state ON deliveries (state, channel, finished_at);
CREATE INDEX deliveries_threads ON deliveries (channel, subject, id) WHERE receiver_data != '{}';
CREATE INDEX deliveries_next ON deliveries (channel, urgent, next_attempt_at)
        WHERE state IN ('pending', 'uncertain');
CREATE INDEX jobs_typical ON jobs (base_model, customization, ended_at) WHERE took > 0;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',16);
INSERT INTO "sqlite_sequence" VALUES('deliveries',19);
INSERT INTO "sqlite_sequence" VALUES('attempts',6);
INSERT INTO "sqlite_sequence" VALUES('requests',2);
COMMIT;
