-- What brings changes in: Scoro's request limits, polls, schedules, bookmarks, addresses of quick actions.
-- Needs nothing but 0001.

-- ---------------------------------------------------------------------------------------------- Scoro's limits

-- What a site may still ask Scoro for, shared by all processes: tokens of the window of seconds, and the day's rest.
CREATE TABLE scoro_budget (
    site_id bigint PRIMARY KEY REFERENCES site,
    window_limit integer NOT NULL CHECK (window_limit > 0),  -- requests per window, as Scoro's headers say
    tokens double precision NOT NULL,             -- requests that may leave at once, as of tokens_at
    tokens_at timestamptz NOT NULL,
    paused_until timestamptz NOT NULL DEFAULT 'epoch',  -- Scoro said that the window is used up
    day date NOT NULL,                            -- in UTC, as Scoro counts
    day_limit integer,                            -- NULL until Scoro says it
    day_left integer,
    day_told_at timestamptz NOT NULL DEFAULT 'epoch'
);

ALTER TABLE site
    ADD COLUMN bulk_held_until timestamptz NOT NULL DEFAULT 'epoch',  -- until then only what people ask for is read
    ADD COLUMN last_webhook_at timestamptz,       -- to the minute: Scoro posted something that we understand
    ADD COLUMN webhook_missed_at timestamptz;     -- a poll found what no webhook had told of

-- ---------------------------------------------------------------------------------------------- schedules

-- A change may wait for the next run of its connection; a person's own request never does.
ALTER TABLE change ADD COLUMN scheduled boolean NOT NULL DEFAULT false;
DROP INDEX change_due;
CREATE INDEX change_due ON change (connection_id, due_at) WHERE state = 'waiting' AND NOT scheduled;
CREATE INDEX change_due_to_people ON change (connection_id, due_at)
    WHERE state = 'waiting' AND NOT scheduled AND interactive;
CREATE INDEX change_scheduled ON change (connection_id) WHERE state = 'waiting' AND scheduled;

ALTER TABLE connection
    ADD COLUMN next_run_at timestamptz,           -- NULL: continuous or manual
    ADD COLUMN next_run_by text NOT NULL DEFAULT '';  -- frequency, time and zone that next_run_at comes from

-- A run of a schedule; the key is what makes it one, on however many machines.
CREATE TABLE schedule_run (
    connection_id bigint NOT NULL REFERENCES connection,
    slot timestamptz NOT NULL,
    ran_at timestamptz NOT NULL DEFAULT ledger_now(),
    missed integer NOT NULL CHECK (missed >= 0),  -- earlier slots that nobody ran: this run stands for them
    released integer NOT NULL,                    -- changes that it let go
    PRIMARY KEY (connection_id, slot)
);

-- ---------------------------------------------------------------------------------------------- polls

-- One module of one connection, listed again and again.
CREATE TABLE poll (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection,
    module text NOT NULL,
    since timestamptz NOT NULL,                   -- whatever was modified before has been looked at
    due_at timestamptz NOT NULL,
    ended_at timestamptz,                         -- when the last look came to its end
    reason text NOT NULL DEFAULT '',              -- why it did not
    calls bigint NOT NULL DEFAULT 0,              -- lists asked for, ever
    found bigint NOT NULL DEFAULT 0,              -- records that no webhook had told of, ever
    found_at timestamptz,
    bookmark text NOT NULL DEFAULT '',            -- the bookmark whose members were listed
    members_at timestamptz,                       -- and when
    UNIQUE (connection_id, module)
);
CREATE INDEX poll_due ON poll (due_at);

-- The version of a record of Scoro that was read last, or that was captured by a poll to be read.
CREATE TABLE sighting (
    connection_id bigint NOT NULL REFERENCES connection,
    module text NOT NULL,
    scoro_id bigint NOT NULL,
    modified text NOT NULL,                       -- modified_date as Scoro writes it
    digest bytea NOT NULL,                        -- of the whole record
    polls integer NOT NULL DEFAULT 0,             -- how often polls captured it with this modified_date
    PRIMARY KEY (connection_id, module, scoro_id)
);

-- What a bookmark held when it was listed last.
CREATE TABLE bookmark_member (
    connection_id bigint NOT NULL REFERENCES connection,
    module text NOT NULL,
    scoro_id bigint NOT NULL,
    PRIMARY KEY (connection_id, module, scoro_id)
);

-- ---------------------------------------------------------------------------------------------- quick actions

-- An address that acts in one person's name when it is posted to; its signed part holds the id.
CREATE TABLE action_address (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection,
    username text NOT NULL CHECK (username <> ''),
    action text NOT NULL CHECK (action IN ('send', 'fetch')),
    kind document_kind,                           -- NULL: the body or the query says it
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT ledger_now(),
    expires_at timestamptz,                       -- NULL: never
    revoked_at timestamptz,
    uses bigint NOT NULL DEFAULT 0,
    last_used_at timestamptz,
    minute timestamptz NOT NULL DEFAULT 'epoch',  -- the minute in which minute_uses are counted
    minute_uses integer NOT NULL DEFAULT 0
);
CREATE INDEX action_address_by_connection ON action_address (connection_id, id);
