-- Who may look and act (people, their sessions, tokens of programs), counts that pages show at once, figures over time.

CREATE TYPE person_role AS ENUM ('viewer', 'operator', 'admin');  -- each may do what the ones before it may

CREATE TABLE person (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$'),
    role person_role NOT NULL,
    password_hash text,                           -- argon2; none until the invitation was used
    disabled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT ledger_now(),
    seen_at timestamptz
);
CREATE UNIQUE INDEX one_person_per_name ON person (lower(name));

-- A link with which somebody chooses a password, once; without a person it makes the first one.
CREATE TABLE invitation (
    token_hash bytea PRIMARY KEY,                 -- sha256
    person_id bigint REFERENCES person,
    expires_at timestamptz NOT NULL               -- by the server's own clock, as all times of access
);

CREATE TABLE login_session (
    token_hash bytea PRIMARY KEY,                 -- sha256 of what the cookie holds
    person_id bigint NOT NULL REFERENCES person,
    csrf text NOT NULL,
    said text NOT NULL DEFAULT '',                -- for the next page: how the last action went
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    address text NOT NULL DEFAULT '',
    agent text NOT NULL DEFAULT ''
);
CREATE INDEX login_session_by_person ON login_session (person_id);

-- Tries to sign in, by account and by address, counted before the password is looked at.
CREATE TABLE login_tries (
    subject text PRIMARY KEY,
    tries integer NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    blocked_until timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE TABLE api_token (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$'),
    role person_role NOT NULL,
    token_hash bytea NOT NULL UNIQUE,             -- sha256; the token itself is shown once
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT ledger_now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    revoked_at timestamptz
);

-- ---------------------------------------------------------------------------------------------- counts of documents

-- How many documents stand where, as differences that only ever are inserted, so that nobody waits for anybody;
-- whoever reads them folds them into one row each from time to time.
CREATE TABLE document_tally (
    connection_id bigint NOT NULL,
    kind document_kind NOT NULL,
    state document_state NOT NULL,
    difference bigint NOT NULL
);
INSERT INTO document_tally SELECT connection_id, kind, state, count(*) FROM document GROUP BY 1, 2, 3;

CREATE FUNCTION tally_births() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO document_tally SELECT connection_id, kind, state, count(*) FROM born GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO document_tally
    SELECT connection_id, kind, state, sum(n) FROM (
        SELECT b.connection_id, b.kind, b.state, -1 AS n FROM before_it b JOIN after_it a USING (id)
        WHERE (a.connection_id, a.kind, a.state) <> (b.connection_id, b.kind, b.state)
        UNION ALL
        SELECT a.connection_id, a.kind, a.state, 1 FROM before_it b JOIN after_it a USING (id)
        WHERE (a.connection_id, a.kind, a.state) <> (b.connection_id, b.kind, b.state)) moved
    GROUP BY 1, 2, 3 HAVING sum(n) <> 0;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_deaths() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO document_tally SELECT connection_id, kind, state, -count(*) FROM dead GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_births AFTER INSERT ON document REFERENCING NEW TABLE AS born
    FOR EACH STATEMENT EXECUTE FUNCTION tally_births();
CREATE TRIGGER tally_moves AFTER UPDATE ON document REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION tally_moves();
CREATE TRIGGER tally_deaths AFTER DELETE ON document REFERENCING OLD TABLE AS dead
    FOR EACH STATEMENT EXECUTE FUNCTION tally_deaths();

-- ---------------------------------------------------------------------------------------------- figures over time

-- A figure a minute and series, for the charts: what the ledger itself does not remember.
CREATE TABLE pulse (
    series text NOT NULL,
    at timestamptz NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (series, at)
);

-- ---------------------------------------------------------------------------------------------- pages of long lists

-- any filter of the list of documents is a handful of runs through this one, newest first
CREATE INDEX document_listed ON document (connection_id, kind, state, id);
CREATE INDEX document_by_number ON document (upper(number) text_pattern_ops, id) WHERE number <> '';
CREATE INDEX document_by_scoro_id ON document (scoro_id);
CREATE INDEX link_by_record ON link (record_no);
CREATE INDEX link_by_key ON link (upper(natural_key) text_pattern_ops);
CREATE INDEX operation_posted ON operation (settled_at) WHERE state = 'posted';
CREATE INDEX failure_unresolved ON failure (id) WHERE state IN ('open', 'waiting');
CREATE INDEX failure_document_held ON failure_document (failure_id) WHERE cleared_at IS NULL;
CREATE INDEX request_of_connection ON request (connection_id, id);
CREATE INDEX request_of_purpose ON request (purpose, id);
CREATE INDEX request_odd ON request (id) WHERE state <> 'answered' OR reason <> 'ok';
CREATE INDEX attempt_of_request ON attempt (request_id);
CREATE INDEX change_by_webhook ON change (connection_id, captured_at) WHERE origin = 'webhook';
-- what people did, among the far more that happened by itself; their names hold a colon: cli:anna, console:ben
CREATE INDEX journal_of_people ON journal (id) WHERE actor LIKE '%:%';
