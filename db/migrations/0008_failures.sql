-- Failures: dead letters of every kind, incidents and their mails, culprits that are waited for, replays, breakers.

-- A dead letter belongs to a document, to a connection alone (its sign-in fails), or to neither (a poison message).
ALTER TABLE dead_letter
    ALTER connection_id DROP NOT NULL,
    ALTER document_id DROP NOT NULL,
    ADD CHECK (document_id IS NULL OR connection_id IS NOT NULL),
    ADD failure_id bigint REFERENCES failure,     -- the one that it opened or joined
    ADD who text NOT NULL DEFAULT '',
    ADD holds text[] NOT NULL DEFAULT '{}',       -- element=value: what no other document gets through with either
    ADD sent text,                                -- the function, or the message; redacted and shortened
    ADD answered text,                            -- what the far side said of it; redacted and shortened
    ADD poison text UNIQUE;                       -- of a message: its fingerprint, so that a second delivery meets the row
UPDATE dead_letter l SET failure_id = d.failure_id FROM failure_document d WHERE d.dead_letter_id = l.id;
CREATE INDEX dead_letter_by_time ON dead_letter (at);
CREATE INDEX dead_letter_of_failure ON dead_letter (failure_id, id);

ALTER TABLE attempt ADD answered text;            -- the answer to the function, word for word, redacted and shortened

ALTER TABLE failure
    ALTER connection_id DROP NOT NULL,
    DROP CONSTRAINT failure_connection_id_fingerprint_key,
    ADD UNIQUE NULLS NOT DISTINCT (connection_id, fingerprint),
    ADD who text NOT NULL DEFAULT '',
    ADD culprit text[] NOT NULL DEFAULT '{}',
    ADD incident integer NOT NULL DEFAULT 1,      -- counts up whenever it opens again after it was settled
    ADD opened_at timestamptz NOT NULL DEFAULT ledger_now(),  -- when this incident began
    ADD holds text[] NOT NULL DEFAULT '{}',       -- while it is open, what holds one of these waits
    ADD probe_at timestamptz;                     -- when one of those that wait may try
CREATE INDEX failure_holding ON failure (connection_id) WHERE holds <> '{}' AND state IN ('open', 'waiting');
CREATE INDEX failure_unsettled ON failure (connection_id) WHERE state IN ('open', 'waiting');

-- ---------------------------------------------------------------------------------------------- culprits

-- An operation that waits for a failure's culprit, because its own payload holds it; let go to try, or after a day.
CREATE TABLE operation_culprit (
    operation_id uuid NOT NULL REFERENCES operation,
    failure_id bigint NOT NULL REFERENCES failure,
    since timestamptz NOT NULL DEFAULT ledger_now(),
    let_go_at timestamptz,
    PRIMARY KEY (operation_id, failure_id)
);
CREATE INDEX operation_culprit_waiting ON operation_culprit (failure_id, since) WHERE let_go_at IS NULL;

-- ---------------------------------------------------------------------------------------------- mail

-- What makes an id of this ledger unlike that of any other: a mail's Message-ID must be unique in the world.
CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO installation DEFAULT VALUES;

CREATE TYPE mail_event AS ENUM ('opened', 'digest', 'cleared');
CREATE TYPE mail_state AS ENUM (
    'waiting',     -- due, or due again after a try that provably did not get it through
    'sending',     -- a sender has it, until `due_at`: whoever finds it later sends it again, with the same Message-ID
    'sent',        -- the server took it
    'given_up'     -- refused for good, or tried for too long
);
CREATE TABLE mail (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event mail_event NOT NULL,
    failure_id bigint REFERENCES failure,         -- none for a digest, which is about all that is open
    incident integer,
    day date,                                     -- of a digest
    recipient text NOT NULL,
    state mail_state NOT NULL DEFAULT 'waiting',
    reason text NOT NULL DEFAULT '',
    attempts integer NOT NULL DEFAULT 0,
    made_at timestamptz NOT NULL DEFAULT ledger_now(),
    due_at timestamptz NOT NULL DEFAULT ledger_now(),
    sent_at timestamptz,
    message_id text UNIQUE,                       -- these four are made at the first try, and stay
    subject text,
    plain text,
    html text,
    CHECK ((event = 'digest') = (day IS NOT NULL) AND (failure_id IS NULL) = (day IS NOT NULL)),
    CHECK ((message_id IS NULL) = (html IS NULL)),
    UNIQUE NULLS NOT DISTINCT (event, failure_id, incident, day, recipient)
);
CREATE INDEX mail_due ON mail (due_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX mail_of_failure ON mail (failure_id, recipient, id);

-- ---------------------------------------------------------------------------------------------- replay

CREATE TYPE replay_how AS ENUM (
    'read',        -- the document is read again
    'stored',      -- the payload that was refused goes again
    'edited'       -- a person's version of it goes
);
CREATE TYPE replay_state AS ENUM ('running', 'done', 'cancelled');
CREATE TABLE replay (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    how replay_how NOT NULL,
    why text NOT NULL DEFAULT '',
    actor text NOT NULL DEFAULT ledger_actor(),
    requests integer NOT NULL,                    -- the price that was agreed to
    state replay_state NOT NULL DEFAULT 'running',
    reason text NOT NULL DEFAULT '',
    made_at timestamptz NOT NULL DEFAULT ledger_now(),
    ended_at timestamptz
);
CREATE INDEX replay_running ON replay (id) WHERE state = 'running';
CREATE TABLE replay_item (
    replay_id bigint NOT NULL REFERENCES replay,
    document_id bigint NOT NULL REFERENCES document,
    failure_id bigint NOT NULL REFERENCES failure,
    dead_letter_id bigint NOT NULL REFERENCES dead_letter,  -- the last one before it: a newer one says that it failed again
    outcome text NOT NULL DEFAULT '' CHECK (outcome IN ('', 'settled', 'failed again', 'held', 'cancelled')),
    PRIMARY KEY (replay_id, document_id)
);
CREATE INDEX replay_item_open ON replay_item (document_id) WHERE outcome = '';

-- A replay: translated and sent even where Scoro holds what was refused before; many of them go at an even pace.
ALTER TABLE change ADD again boolean NOT NULL DEFAULT false;

-- A person's version of a refused function: the document differs from Scoro by hand until its next edit.
ALTER TABLE operation ADD edited_from uuid REFERENCES operation;

INSERT INTO operation_transition VALUES ('refused', 'ready', 'a person sends it again as it was');

-- ---------------------------------------------------------------------------------------------- breakers

ALTER TABLE connection
    ADD probe text CHECK (probe IN ('read', 'document')),  -- how a broken connection finds out that it is mended
    ADD probe_at timestamptz,
    ADD probes integer NOT NULL DEFAULT 0;        -- in a row that found it still broken

DO $$
DECLARE subject text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['mail', 'replay'] LOOP
        EXECUTE format('CREATE TRIGGER journal_births AFTER INSERT ON %I REFERENCING NEW TABLE AS born
                        FOR EACH STATEMENT EXECUTE FUNCTION journal_births()', subject);
        EXECUTE format('CREATE TRIGGER journal_moves AFTER UPDATE ON %I REFERENCING OLD TABLE AS before_it
                        NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION journal_moves()', subject);
    END LOOP;
END $$;
-- whether everything that a connection sent lately was refused
CREATE INDEX operation_settled ON operation (connection_id, settled_at) WHERE state IN ('posted', 'refused');
