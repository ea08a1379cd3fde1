-- What comes back from Intacct: pulls, the records that they saw, and the intended writes to Scoro.

-- ---------------------------------------------------------------------------------------------- documents

-- What comes from Intacct has no id in Scoro before it is written there, and is never sent back.
ALTER TABLE document ALTER COLUMN scoro_id DROP NOT NULL;
ALTER TABLE document ADD COLUMN inbound boolean NOT NULL DEFAULT false;
ALTER TABLE document ADD CONSTRAINT only_inbound_without_scoro_id CHECK (inbound OR scoro_id IS NOT NULL);

-- a payment of several documents becomes a receipt on each of them: `receipt` below holds what is one to one
DROP INDEX one_document_per_record;
CREATE UNIQUE INDEX one_document_per_record ON link (connection_id, object, record_no)
    WHERE object NOT IN ('CUSTOMER', 'VENDOR', 'ARPYMT', 'APPYMT');

-- How lists name a document: `invoice:3998`, or by its record in Intacct while Scoro does not have it.
CREATE FUNCTION document_name(d document) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT d.kind || ':' || coalesce(d.scoro_id::text,
    (SELECT l.object || ' ' || l.record_no FROM link l WHERE l.document_id = d.id), 'new') $$;

-- ---------------------------------------------------------------------------------------------- pulls

-- One row for each connection that has gone live: when it is looked at again, and how far it was seen.
CREATE TABLE pull (
    connection_id bigint PRIMARY KEY REFERENCES connection,
    last_at timestamptz NOT NULL DEFAULT ledger_now(),      -- the last look; before the first one, going live
    asked_at timestamptz,                                   -- somebody asked for a look at once
    not_before timestamptz NOT NULL DEFAULT 'epoch',        -- backoff, or the month's requests are used up
    paced_s float NOT NULL DEFAULT 0,                       -- the site's month allows looks this far apart
    attempts integer NOT NULL DEFAULT 0,                    -- looks that failed in a row
    reason text NOT NULL DEFAULT '',
    request_id bigint,                                      -- the request of a delivery in which it rides
    marks jsonb NOT NULL DEFAULT '{}'                       -- object -> where its next look begins
);
CREATE FUNCTION pull_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pull (connection_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER pull_begins AFTER UPDATE OF state ON connection FOR EACH ROW
    WHEN (NEW.state = 'active' AND OLD.state <> 'active') EXECUTE FUNCTION pull_begins();
INSERT INTO pull (connection_id) SELECT id FROM connection WHERE state = 'active';

-- A document that a person fetches: its payments, or a bill itself, are read at once.
CREATE TABLE fetching (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection,
    document_id bigint NOT NULL REFERENCES document,
    actor text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT ledger_now(),
    done_at timestamptz
);
CREATE INDEX fetching_open ON fetching (connection_id) WHERE done_at IS NULL;

CREATE TYPE pulled_state AS ENUM (
    'new',        -- seen, or seen changed; not thought about yet
    'done',       -- what follows from it is intended, or nothing does
    'unknown'     -- it names no document of ours; thought about again once there is one
);
-- A record of Intacct as it was last seen: payments, their details, bills.
CREATE TABLE pulled (
    connection_id bigint NOT NULL REFERENCES connection,
    object text NOT NULL,
    record_no bigint NOT NULL,
    parent_no bigint,                             -- of a detail: the payment
    target_no bigint,                             -- of a detail: the document that it pays
    credit_no bigint,                             -- of a detail: the credit that it uses
    modified_at timestamptz NOT NULL,             -- WHENMODIFIED
    data jsonb NOT NULL,
    lines jsonb,                                  -- of a bill: its lines; NULL until they were read
    state pulled_state NOT NULL DEFAULT 'new',
    version integer NOT NULL DEFAULT 1,           -- counts up with every change that was seen
    seen_at timestamptz NOT NULL DEFAULT ledger_now(),
    thought_at timestamptz,                       -- when it was last thought about
    PRIMARY KEY (connection_id, object, record_no)
);
CREATE INDEX pulled_new ON pulled (connection_id, object, record_no) WHERE state = 'new';
CREATE INDEX pulled_unknown ON pulled (connection_id) WHERE state = 'unknown';
CREATE INDEX pulled_by_parent ON pulled (connection_id, object, parent_no) WHERE parent_no IS NOT NULL;

-- A receipt of Scoro: what one payment of Intacct paid of one document.
CREATE TABLE receipt (
    document_id bigint PRIMARY KEY REFERENCES document,
    connection_id bigint NOT NULL REFERENCES connection,
    payment_object text NOT NULL,
    payment_no bigint NOT NULL,
    paid_document_id bigint NOT NULL REFERENCES document,
    UNIQUE (connection_id, payment_object, payment_no, paid_document_id)
);
CREATE INDEX receipt_of_document ON receipt (paid_document_id);

-- ---------------------------------------------------------------------------------------------- writes to Scoro

CREATE TYPE scoro_verb AS ENUM ('create', 'update', 'delete');
CREATE TYPE scoro_write_state AS ENUM (
    'ready',            -- goes once due
    'waiting_person',   -- held: a person decides
    'sending',          -- its intent is committed; a call carries it
    'uncertain',        -- it may have happened; looked up before anything else
    'done',
    'refused',          -- ended without success; a dead letter says why
    'superseded'        -- a newer intent took its place before it left
);
CREATE TABLE scoro_write (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection,
    document_id bigint NOT NULL REFERENCES document,
    lane_id bigint NOT NULL REFERENCES document,  -- what is written one at a time: receipts by the document they pay
    verb scoro_verb NOT NULL,
    intent jsonb NOT NULL,                        -- what is to stand in Scoro, in our words
    fingerprint text NOT NULL,                    -- of the intent
    interactive boolean NOT NULL DEFAULT false,
    need_id bigint REFERENCES document,           -- a record that must stand in Scoro first: a bill's supplier
    state scoro_write_state NOT NULL DEFAULT 'ready',
    reason text NOT NULL DEFAULT '',
    due_at timestamptz NOT NULL DEFAULT ledger_now(),
    attempts integer NOT NULL DEFAULT 0,
    look_ups integer NOT NULL DEFAULT 0,          -- how many in a row were not answered
    doubted boolean NOT NULL DEFAULT false,
    sent jsonb,                                   -- the object that Scoro was given
    first_left_at timestamptz,
    left_at timestamptz,
    certain_at timestamptz,                       -- from then on an absent record is believed absent
    problem jsonb,
    think_again boolean NOT NULL DEFAULT false,   -- Intacct has shown something newer: seen to when this is settled
    created_at timestamptz NOT NULL DEFAULT ledger_now(),
    settled_at timestamptz
);
-- At most one write of a lane may be in doubt: of two equal receipts of one invoice a look-up could not say which one
-- it found. And at most one write of a document may wait behind it.
CREATE UNIQUE INDEX one_undecided_scoro_write ON scoro_write (lane_id) WHERE state IN ('sending', 'uncertain');
CREATE INDEX scoro_write_in_doubt ON scoro_write (document_id) WHERE state IN ('sending', 'uncertain');
CREATE UNIQUE INDEX one_waiting_scoro_write ON scoro_write (document_id) WHERE state IN ('ready', 'waiting_person');
CREATE INDEX scoro_write_due ON scoro_write (connection_id, due_at) WHERE state IN ('ready', 'uncertain');
CREATE INDEX scoro_write_sending ON scoro_write (connection_id) WHERE state = 'sending';
CREATE INDEX scoro_write_history ON scoro_write (document_id, id);
CREATE INDEX scoro_write_need ON scoro_write (need_id) WHERE need_id IS NOT NULL;

-- The transitions that exist; docs/inbound.md lists them.
CREATE TABLE scoro_write_transition (
    from_state scoro_write_state NOT NULL,
    to_state scoro_write_state NOT NULL,
    meaning text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO scoro_write_transition VALUES
    ('ready', 'sending', 'its intent is committed, right before its first byte leaves'),
    ('ready', 'done', 'Scoro has it already'),
    ('ready', 'waiting_person', 'Scoro holds something that a person must look at'),
    ('ready', 'refused', 'it cannot be written like this'),
    ('ready', 'superseded', 'a newer intent took its place'),
    ('waiting_person', 'ready', 'a person released it'),
    ('waiting_person', 'superseded', 'a newer intent took its place'),
    ('sending', 'done', 'Scoro answered success'),
    ('sending', 'ready', 'it provably did not happen: due again by the policy'),
    ('sending', 'refused', 'Scoro refused it'),
    ('sending', 'uncertain', 'no answer that can be relied on, or a writer that died'),
    ('uncertain', 'done', 'the look-up found it, or a late answer came'),
    ('uncertain', 'ready', 'the look-up believes it absent: written again'),
    ('uncertain', 'waiting_person', 'the look-up found something that a person must look at'),
    ('uncertain', 'refused', 'a late answer refused it'),
    ('refused', 'superseded', 'a newer intent took its place');

CREATE FUNCTION scoro_write_moves_legally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM scoro_write_transition t WHERE t.from_state = OLD.state AND t.to_state = NEW.state) THEN
        RAISE EXCEPTION 'write % to Scoro cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER scoro_write_moves_legally BEFORE UPDATE OF state ON scoro_write FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION scoro_write_moves_legally();

CREATE TRIGGER journal_births AFTER INSERT ON scoro_write REFERENCING NEW TABLE AS born
    FOR EACH STATEMENT EXECUTE FUNCTION journal_births();
CREATE TRIGGER journal_moves AFTER UPDATE ON scoro_write REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION journal_moves();

-- A document from Intacct shows the state of its write that moved last.
CREATE FUNCTION show_write_on_document(documents bigint[], verbs scoro_verb[], states scoro_write_state[], reasons text[])
    RETURNS void LANGUAGE sql AS $$
    UPDATE document d SET
        state = CASE n.state
            WHEN 'sending' THEN 'sending' WHEN 'uncertain' THEN 'uncertain' WHEN 'refused' THEN 'failed'
            WHEN 'waiting_person' THEN 'held' WHEN 'ready' THEN 'waiting'
            ELSE CASE n.verb WHEN 'delete' THEN 'deleted' ELSE 'posted' END END::document_state,
        reason = n.reason
    FROM unnest(documents, verbs, states, reasons) AS n (document_id, verb, state, reason)
    WHERE d.id = n.document_id AND n.state <> 'superseded'
      AND (n.state <> 'ready' OR d.state <> 'waiting' OR d.reason <> n.reason)
$$;
CREATE FUNCTION document_shows_new_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM show_write_on_document(array_agg(document_id), array_agg(verb), array_agg(state), array_agg(reason))
    FROM born;
    RETURN NULL;
END $$;
CREATE FUNCTION document_shows_moved_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM show_write_on_document(array_agg(a.document_id), array_agg(a.verb), array_agg(a.state),
        array_agg(a.reason))
    FROM before_it b JOIN after_it a USING (id) WHERE (b.state, b.reason) <> (a.state, a.reason);
    RETURN NULL;
END $$;
CREATE TRIGGER document_shows_new_write AFTER INSERT ON scoro_write REFERENCING NEW TABLE AS born
    FOR EACH STATEMENT EXECUTE FUNCTION document_shows_new_write();
CREATE TRIGGER document_shows_moved_write AFTER UPDATE ON scoro_write REFERENCING OLD TABLE AS before_it
    NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION document_shows_moved_write();

-- What we changed among Scoro's accounts and VAT codes, so that parting can undo it; kept before each call.
CREATE TYPE background_change AS ENUM ('deactivated', 'activated', 'created');
CREATE TYPE background_state AS ENUM ('intended', 'done', 'not_done', 'undone');
CREATE TABLE scoro_background (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id bigint NOT NULL REFERENCES connection,
    module text NOT NULL CHECK (module IN ('financeAccounts', 'vatCodes')),
    scoro_id bigint,                              -- NULL: what is to be created
    change background_change NOT NULL,
    symbol text NOT NULL,
    name text NOT NULL,
    state background_state NOT NULL DEFAULT 'intended',
    reason text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT ledger_now()
);
CREATE INDEX scoro_background_open ON scoro_background (connection_id, id) WHERE state IN ('intended', 'done');
