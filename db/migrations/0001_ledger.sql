-- The ledger: every piece of work, its state and its history. RabbitMQ only rings the bell for what stands here.
-- The enums are the state machines, the partial unique indexes are the invariants, the triggers write the journal.

-- One clock for months and due times; tests move it, nobody else.
CREATE TABLE clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    shift interval NOT NULL DEFAULT '0'
);
INSERT INTO clock DEFAULT VALUES;

CREATE FUNCTION ledger_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT clock_timestamp() + shift FROM clock $$;

CREATE TYPE document_kind AS ENUM ('invoice', 'credit_invoice', 'bill', 'credit_bill', 'expense', 'receipt', 'file',
                                   'project', 'customer', 'vendor', 'folder');
CREATE TYPE connection_state AS ENUM ('rehearsal', 'active', 'paused', 'broken', 'disconnected');
CREATE TYPE document_state AS ENUM ('waiting', 'sending', 'uncertain', 'posted', 'linked', 'held', 'failed', 'skipped',
                                    'ignored', 'deleted');
CREATE TYPE change_origin AS ENUM ('webhook', 'poll', 'schedule', 'manual', 'intacct');
CREATE TYPE change_state AS ENUM (
    'waiting',     -- captured; intake takes it when it is due and nothing of its document is in doubt
    'reading',     -- an intake holds the document's lock and reads Scoro
    'done',        -- it became an operation, or there was nothing to do
    'failed'       -- it ended as a dead letter
);
CREATE TYPE operation_verb AS ENUM ('create', 'update', 'delete', 'reverse', 'apply');
CREATE TYPE operation_state AS ENUM (
    'ready',                 -- goes with the next pack once due
    'waiting_quota',         -- the month's requests are used up; due when they come back
    'waiting_prerequisite',  -- a record that it needs is not in Intacct yet
    'waiting_person',        -- held: a person decides
    'sending',               -- its intent is committed; a request carries it
    'uncertain',             -- it may have run; looked up before anything else
    'posted',
    'refused',               -- ended without success; a dead letter says why
    'superseded'             -- a newer revision took its place before it left
);
CREATE TYPE purpose AS ENUM ('interactive', 'bulk', 'look_up', 'pull', 'background', 'reconcile');
CREATE TYPE request_state AS ENUM (
    'charged',     -- counted, intent committed, not yet leaving
    'leaving',     -- the fence is passed: it may be at the gateway
    'answered',    -- an answer was read, whatever it said
    'unanswered',  -- it left and no answer came, or its claimer died: unconfirmed in the quota
    'withdrawn'    -- it provably never left: refunded
);
CREATE TYPE failure_state AS ENUM ('open', 'waiting', 'resolved', 'discarded');

-- ---------------------------------------------------------------------------------------------- who is connected

CREATE TABLE site (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    url text NOT NULL UNIQUE,
    api_key bytea NOT NULL,                       -- encrypted
    user_token bytea,                             -- encrypted
    hook_token bytea NOT NULL,                    -- encrypted, shown to people as part of the webhook's address
    hook_token_hash bytea NOT NULL UNIQUE,        -- sha256, what an incoming address is looked up by
    request_limit integer NOT NULL DEFAULT 4000 CHECK (request_limit >= 0),
    time_zone text NOT NULL DEFAULT 'UTC',
    held_until timestamptz NOT NULL DEFAULT 'epoch',  -- Scoro is not asked before: it said so, or does not let us in
    created_at timestamptz NOT NULL DEFAULT ledger_now()
);

CREATE TABLE company (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id text NOT NULL UNIQUE,
    throttled_until timestamptz NOT NULL DEFAULT 'epoch'
);

CREATE TABLE connection (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    site_id bigint NOT NULL REFERENCES site,
    scoro_entity text NOT NULL,
    company integer NOT NULL REFERENCES company,
    entity text NOT NULL,                         -- '' where the company has no entities
    user_id text NOT NULL,
    password bytea,                               -- encrypted; forgotten on disconnect
    state connection_state NOT NULL DEFAULT 'rehearsal',
    reason text NOT NULL DEFAULT '',
    settings jsonb NOT NULL DEFAULT '{}',
    base_currency text NOT NULL,
    multi_entity boolean NOT NULL,
    tax_solution text,
    connected_on date NOT NULL,
    reference_version bigint NOT NULL DEFAULT 0,  -- counts up whenever reference data is read
    bulk_at timestamptz NOT NULL DEFAULT 'epoch',  -- until then bulk gathers; what is interactive or full goes
    created_at timestamptz NOT NULL DEFAULT ledger_now()
);
-- one Scoro entity joins one Intacct entity, both ways
CREATE UNIQUE INDEX one_connection_per_scoro_entity ON connection (site_id, scoro_entity) WHERE state <> 'disconnected';
CREATE UNIQUE INDEX one_connection_per_intacct_entity ON connection (company, entity) WHERE state <> 'disconnected';

-- What was read from both sides to translate with: accounts, taxes, dimension values, customers, products.
CREATE TABLE reference (
    connection_id bigint NOT NULL REFERENCES connection,
    source text NOT NULL CHECK (source IN ('scoro', 'intacct')),
    topic text NOT NULL,
    key text NOT NULL,
    data jsonb NOT NULL,
    active boolean NOT NULL DEFAULT true,
    read_at timestamptz NOT NULL DEFAULT ledger_now(),
    PRIMARY KEY (connection_id, source, topic, key)
);

-- ---------------------------------------------------------------------------------------------- documents and work

CREATE TABLE document (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection,
    module text NOT NULL,                         -- Scoro's id space; the kind may change inside it
    kind document_kind NOT NULL,
    scoro_id bigint NOT NULL CHECK (scoro_id > 0),
    number text NOT NULL DEFAULT '',
    state document_state NOT NULL DEFAULT 'waiting',
    reason text NOT NULL DEFAULT '',
    amount numeric(20, 2),
    currency text,
    document_date date,
    taken_at timestamptz,                         -- when intake last took a change of it
    first_seen_at timestamptz NOT NULL DEFAULT ledger_now(),
    UNIQUE (connection_id, module, scoro_id)
);
CREATE INDEX document_by_state ON document (connection_id, state, id);

CREATE TABLE change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id bigint NOT NULL REFERENCES document,
    connection_id bigint NOT NULL REFERENCES connection,
    origin change_origin NOT NULL,
    actor text NOT NULL,
    interactive boolean NOT NULL DEFAULT false,
    state change_state NOT NULL DEFAULT 'waiting',
    hints integer NOT NULL DEFAULT 1,             -- how many captures it stands for
    attempts integer NOT NULL DEFAULT 0,
    deaths integer NOT NULL DEFAULT 0,            -- how many of its readers died
    reason text NOT NULL DEFAULT '',
    captured_at timestamptz NOT NULL DEFAULT ledger_now(),
    due_at timestamptz NOT NULL DEFAULT ledger_now(),
    ended_at timestamptz
);
CREATE UNIQUE INDEX one_waiting_change_per_document ON change (document_id) WHERE state = 'waiting';
CREATE UNIQUE INDEX one_reader_per_document ON change (document_id) WHERE state = 'reading';
CREATE INDEX change_due ON change (connection_id, due_at) WHERE state = 'waiting';
CREATE INDEX change_history ON change (document_id, id);
CREATE INDEX change_recent ON change (connection_id, captured_at);

CREATE TABLE revision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id bigint NOT NULL REFERENCES document,
    number integer NOT NULL,
    source_fingerprint text NOT NULL,             -- of the fields that the mapping reads
    source jsonb NOT NULL,                        -- the document as Scoro gave it
    read_at timestamptz NOT NULL DEFAULT ledger_now(),
    UNIQUE (document_id, number)
);

CREATE TABLE operation (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    connection_id bigint NOT NULL REFERENCES connection,
    document_id bigint NOT NULL REFERENCES document,
    revision_id bigint REFERENCES revision,
    source_fingerprint text NOT NULL,
    verb operation_verb NOT NULL,
    object text NOT NULL,                         -- Intacct's object: ARINVOICE, CUSTOMER, ...
    natural_key text NOT NULL,                    -- RECORDID, CUSTOMERID, ...
    party text NOT NULL DEFAULT '',               -- CUSTOMERID of a document
    total numeric(20, 2),                         -- what the record's total must be once it ran
    function jsonb NOT NULL,
    payload_fingerprint text NOT NULL,
    line_numbers jsonb NOT NULL DEFAULT '{}',     -- our line keys -> line numbers once it ran
    bytes integer NOT NULL,
    purpose purpose NOT NULL,
    state operation_state NOT NULL DEFAULT 'ready',
    reason text NOT NULL DEFAULT '',
    due_at timestamptz NOT NULL DEFAULT ledger_now(),
    attempts integer NOT NULL DEFAULT 0,
    controlid text NOT NULL UNIQUE,               -- the same on every try
    fresh_controlids integer NOT NULL DEFAULT 0,
    pack_group uuid,                              -- set when a rejected pack was halved: only its own half goes along
    bisect_root bigint,                           -- the request of the pack that was halved first
    look_ups integer NOT NULL DEFAULT 0,          -- how many in a row were not answered
    doubted boolean NOT NULL DEFAULT false,       -- it has been uncertain once: a refusal is looked up first
    first_left_at timestamptz,
    certain_at timestamptz,                       -- from then on an absent record is believed absent
    request_id bigint,
    problem jsonb,                                -- the last error: class, code, cause, fix, culprit
    record_no text,
    created_at timestamptz NOT NULL DEFAULT ledger_now(),
    settled_at timestamptz
);
-- at most one write of a document may be in doubt, and at most one may wait behind it
CREATE UNIQUE INDEX one_undecided_send_per_document ON operation (document_id) WHERE state IN ('sending', 'uncertain');
CREATE UNIQUE INDEX one_waiting_intent_per_document ON operation (document_id)
    WHERE state IN ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person');
CREATE INDEX operation_due ON operation (connection_id, due_at) WHERE state IN ('ready', 'waiting_quota', 'uncertain');
CREATE INDEX operation_waiting ON operation (connection_id)
    WHERE state IN ('waiting_prerequisite', 'waiting_person', 'sending');
CREATE INDEX operation_history ON operation (document_id, created_at);
CREATE INDEX operation_of_request ON operation (request_id) WHERE state = 'sending';

-- A record that must stand in Intacct before the operation can run.
CREATE TABLE operation_need (
    operation_id uuid NOT NULL REFERENCES operation,
    document_id bigint NOT NULL REFERENCES document,
    PRIMARY KEY (operation_id, document_id)
);
CREATE INDEX operation_need_by_document ON operation_need (document_id);

-- The transitions that exist; docs/delivery.md draws them.
CREATE TABLE operation_transition (
    from_state operation_state NOT NULL,
    to_state operation_state NOT NULL,
    meaning text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO operation_transition VALUES
    ('ready', 'sending', 'claimed: charged, and its intent committed'),
    ('ready', 'waiting_quota', 'the month''s requests are used up'),
    ('ready', 'waiting_prerequisite', 'a record that it needs was refused or is in doubt'),
    ('ready', 'waiting_person', 'held by a rule or a person'),
    ('ready', 'refused', 'it has no shape that the gateway would read'),
    ('ready', 'superseded', 'a newer revision took its place'),
    ('waiting_quota', 'ready', 'the limit was raised'),
    ('waiting_quota', 'sending', 'the new month came and it was claimed'),
    ('waiting_quota', 'waiting_prerequisite', 'a record that it needs was refused or is in doubt'),
    ('waiting_quota', 'waiting_person', 'held by a rule or a person'),
    ('waiting_quota', 'refused', 'it has no shape that the gateway would read'),
    ('waiting_quota', 'superseded', 'a newer revision took its place'),
    ('waiting_prerequisite', 'ready', 'what it needs stands in Intacct, or is on its way again'),
    ('waiting_prerequisite', 'waiting_person', 'held by a rule or a person'),
    ('waiting_prerequisite', 'superseded', 'a newer revision took its place'),
    ('waiting_person', 'ready', 'a person released it'),
    ('waiting_person', 'posted', 'a person linked it'),
    ('waiting_person', 'refused', 'a person gave it up'),
    ('waiting_person', 'superseded', 'a newer revision took its place'),
    ('sending', 'posted', 'Intacct answered success'),
    ('sending', 'refused', 'Intacct refused it'),
    ('sending', 'uncertain', 'no answer, or a claimer that died after leaving'),
    ('sending', 'ready', 'it provably did not run: due again by the policy'),
    ('sending', 'waiting_prerequisite', 'what it needs was refused in the same pack'),
    ('sending', 'waiting_person', 'Intacct holds something that a person must look at'),
    ('uncertain', 'posted', 'the look-up found it, or a late answer came'),
    ('uncertain', 'ready', 'the look-up believes it absent: the same control id again'),
    ('uncertain', 'refused', 'a late answer refused it, or it was refused and is absent'),
    ('uncertain', 'waiting_prerequisite', 'a late answer: what it needs was refused in the same pack'),
    ('uncertain', 'waiting_person', 'the look-up found something that a person must look at'),
    ('refused', 'superseded', 'a newer revision took its place');

CREATE FUNCTION operation_moves_legally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM operation_transition t WHERE t.from_state = OLD.state AND t.to_state = NEW.state) THEN
        RAISE EXCEPTION 'operation % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER operation_moves_legally BEFORE UPDATE OF state ON operation FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION operation_moves_legally();

-- Our document <-> the Intacct record, kept for ever.
CREATE TABLE link (
    document_id bigint PRIMARY KEY REFERENCES document,
    connection_id bigint NOT NULL REFERENCES connection,
    object text NOT NULL,
    record_no text NOT NULL,
    natural_key text NOT NULL,
    record_state text NOT NULL DEFAULT '',        -- Intacct's state as last known: Draft, Posted, ...
    line_numbers jsonb NOT NULL DEFAULT '{}',
    function jsonb,                               -- the last function that ran: what the record holds
    source_fingerprint text NOT NULL DEFAULT '',
    operation_id uuid REFERENCES operation,
    linked_at timestamptz NOT NULL DEFAULT ledger_now()
);
-- one record links to at most one document; several contacts of Scoro may be one customer
CREATE UNIQUE INDEX one_document_per_record ON link (connection_id, object, record_no)
    WHERE object NOT IN ('CUSTOMER', 'VENDOR');

CREATE TABLE note (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id bigint NOT NULL REFERENCES document,
    revision_id bigint REFERENCES revision,
    operation_id uuid REFERENCES operation,
    at timestamptz NOT NULL DEFAULT ledger_now(),
    text text NOT NULL CHECK (text <> '')
);
CREATE INDEX note_by_document ON note (document_id, id);

-- ---------------------------------------------------------------------------------------------- requests and quota

CREATE TABLE quota (
    site_id bigint NOT NULL REFERENCES site,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    used integer NOT NULL DEFAULT 0 CHECK (used >= 0),
    bulk_tokens double precision,                 -- bulk requests that may leave at once, as of bulk_tokens_at
    bulk_tokens_at timestamptz,
    PRIMARY KEY (site_id, month)
);

CREATE TABLE request (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id bigint NOT NULL REFERENCES site,
    connection_id bigint REFERENCES connection,
    month date NOT NULL,
    purpose purpose NOT NULL,
    state request_state NOT NULL DEFAULT 'charged',
    functions integer NOT NULL,
    bisect_root bigint,                           -- of a rejected pack: the request that began the search for its fault
    deadline_s double precision NOT NULL,         -- how long the call may take once it left
    charged_at timestamptz NOT NULL DEFAULT ledger_now(),
    left_at timestamptz,
    ended_at timestamptz,
    reason text NOT NULL DEFAULT '',              -- ok, or what went wrong
    sent text                                     -- the functions without the envelope, which holds the sign-in
);
CREATE INDEX request_open ON request (charged_at) WHERE state IN ('charged', 'leaving');
CREATE INDEX request_bisected ON request (bisect_root) WHERE bisect_root IS NOT NULL;
CREATE INDEX request_by_month ON request (site_id, month, purpose, state);

CREATE TABLE attempt (
    operation_id uuid NOT NULL REFERENCES operation,
    request_id bigint NOT NULL REFERENCES request,
    outcome text NOT NULL DEFAULT '',
    detail text NOT NULL DEFAULT '',
    PRIMARY KEY (operation_id, request_id)
);

-- The month of a site, by its own calendar.
CREATE FUNCTION site_month(zone text) RETURNS date LANGUAGE sql STABLE AS
$$ SELECT date_trunc('month', ledger_now() AT TIME ZONE zone)::date $$;

-- ---------------------------------------------------------------------------------------------- failures

CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection,
    document_id bigint NOT NULL REFERENCES document,
    operation_id uuid REFERENCES operation,
    change_id bigint REFERENCES change,
    attempt integer NOT NULL DEFAULT 1,
    at timestamptz NOT NULL DEFAULT ledger_now(),
    error_class text NOT NULL,
    code text NOT NULL,
    cause text NOT NULL,
    fix text NOT NULL,
    field text NOT NULL DEFAULT '',
    culprit text[] NOT NULL DEFAULT '{}',
    handled_at timestamptz
);
CREATE INDEX dead_letter_open ON dead_letter (id) WHERE handled_at IS NULL;
CREATE INDEX dead_letter_by_document ON dead_letter (document_id, id);

CREATE TABLE failure (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection,
    fingerprint text NOT NULL,
    error_class text NOT NULL,
    code text NOT NULL,
    cause text NOT NULL,
    fix text NOT NULL,
    state failure_state NOT NULL DEFAULT 'open',
    reason text NOT NULL DEFAULT '',
    first_seen_at timestamptz NOT NULL DEFAULT ledger_now(),
    last_seen_at timestamptz NOT NULL DEFAULT ledger_now(),
    UNIQUE (connection_id, fingerprint)
);

CREATE TABLE failure_document (
    failure_id bigint NOT NULL REFERENCES failure,
    document_id bigint NOT NULL REFERENCES document,
    dead_letter_id bigint NOT NULL REFERENCES dead_letter,
    cleared_at timestamptz,
    PRIMARY KEY (failure_id, document_id)
);
CREATE INDEX failure_document_open ON failure_document (document_id) WHERE cleared_at IS NULL;

-- ---------------------------------------------------------------------------------------------- bells and the journal

-- A bell to ring on RabbitMQ: insert-only for producers, so that a slow broker never holds one of them up.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL CHECK (queue IN ('changes', 'delivery', 'pull', 'dead-letters')),
    key bigint NOT NULL,                          -- the connection, or the dead letter
    claimed_until timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE FUNCTION outbox_notifies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bells', '');
    RETURN NULL;
END $$;
CREATE TRIGGER outbox_notifies AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_notifies();

CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT ledger_now(),
    actor text NOT NULL,
    subject text NOT NULL,                        -- the table
    subject_id text NOT NULL,
    from_state text NOT NULL DEFAULT '',
    to_state text NOT NULL,
    detail text NOT NULL DEFAULT ''
);
CREATE INDEX journal_by_subject ON journal (subject, subject_id, id);

CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal FOR EACH STATEMENT
    EXECUTE FUNCTION journal_is_append_only();

CREATE FUNCTION ledger_actor() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('scoro_intacct.actor', true), ''), current_user::text) $$;

CREATE FUNCTION journal_births() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal (actor, subject, subject_id, to_state, detail)
    SELECT ledger_actor(), TG_TABLE_NAME, b.id::text, b.state::text, b.reason FROM born b;
    RETURN NULL;
END $$;

CREATE FUNCTION journal_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal (actor, subject, subject_id, from_state, to_state, detail)
    SELECT ledger_actor(), TG_TABLE_NAME, a.id::text, b.state::text, a.state::text, a.reason
    FROM before_it b JOIN after_it a USING (id)
    WHERE b.state <> a.state;
    RETURN NULL;
END $$;

DO $$
DECLARE subject text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['connection', 'document', 'change', 'operation', 'request', 'failure'] LOOP
        EXECUTE format('CREATE TRIGGER journal_births AFTER INSERT ON %I REFERENCING NEW TABLE AS born
                        FOR EACH STATEMENT EXECUTE FUNCTION journal_births()', subject);
        EXECUTE format('CREATE TRIGGER journal_moves AFTER UPDATE ON %I REFERENCING OLD TABLE AS before_it
                        NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION journal_moves()', subject);
    END LOOP;
END $$;

-- A document shows the state of its operation that moved last: the one place where the two meet.
CREATE FUNCTION show_on_document(documents bigint[], states operation_state[], reasons text[]) RETURNS void LANGUAGE sql AS $$
    UPDATE document d SET
        state = CASE n.state
            WHEN 'sending' THEN 'sending' WHEN 'uncertain' THEN 'uncertain' WHEN 'posted' THEN 'posted'
            WHEN 'refused' THEN 'failed' WHEN 'waiting_person' THEN 'held' ELSE 'waiting' END::document_state,
        reason = n.reason
    FROM unnest(documents, states, reasons) AS n (document_id, state, reason)
    WHERE d.id = n.document_id AND n.state <> 'superseded'
$$;
CREATE FUNCTION document_shows_new_operation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM show_on_document(array_agg(document_id), array_agg(state), array_agg(reason)) FROM born;
    RETURN NULL;
END $$;
CREATE FUNCTION document_shows_moved_operation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM show_on_document(array_agg(a.document_id), array_agg(a.state), array_agg(a.reason))
    FROM before_it b JOIN after_it a USING (id) WHERE (b.state, b.reason) <> (a.state, a.reason);
    RETURN NULL;
END $$;
CREATE TRIGGER document_shows_new_operation AFTER INSERT ON operation REFERENCING NEW TABLE AS born
    FOR EACH STATEMENT EXECUTE FUNCTION document_shows_new_operation();
CREATE TRIGGER document_shows_moved_operation AFTER UPDATE ON operation REFERENCING OLD TABLE AS before_it
    NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION document_shows_moved_operation();
