-- Files of documents. An attachment record of Intacct (`supdoc`) holds the files of one document; in the ledger it is a
-- document of kind 'attachment' whose scoro_id is the id, in this ledger, of the document that it belongs to.

ALTER TYPE document_kind ADD VALUE IF NOT EXISTS 'attachment';
ALTER TYPE operation_verb ADD VALUE IF NOT EXISTS 'attach';  -- a posted document names the record that holds its files

-- Which file of Scoro belongs into which attachment record.
CREATE TABLE attachment (
    record_id bigint NOT NULL REFERENCES document,
    file_id bigint NOT NULL REFERENCES document,
    name text NOT NULL DEFAULT '',                -- in the record, without its type
    type text NOT NULL DEFAULT '',
    bytes bigint NOT NULL DEFAULT 0,
    digest text NOT NULL DEFAULT '',              -- sha256 of its content; '' while that has not been read
    operation_id uuid REFERENCES operation,       -- that carries it, or carried it last; none: it is still to be planned
    alone boolean NOT NULL DEFAULT false,         -- refused together with others: each goes by itself
    posted_at timestamptz,                        -- it stands in Intacct
    PRIMARY KEY (record_id, file_id)
);
CREATE INDEX attachment_by_operation ON attachment (operation_id) WHERE operation_id IS NOT NULL;
CREATE INDEX attachment_to_plan ON attachment (record_id) WHERE operation_id IS NULL AND posted_at IS NULL;
CREATE INDEX attachment_by_digest ON attachment (digest) WHERE posted_at IS NULL;

-- Contents on their way, by what they are: the functions of operations name the digest alone.
CREATE TABLE file_content (
    connection_id bigint NOT NULL REFERENCES connection,
    digest text NOT NULL,
    data bytea NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT ledger_now(),
    PRIMARY KEY (connection_id, digest)
);
ALTER TABLE file_content ALTER COLUMN data SET STORAGE EXTERNAL;  -- most files are compressed already

-- A file shows the state of the operation that carries it.
CREATE FUNCTION files_show_moved_operation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM show_on_document(array_agg(f.file_id), array_agg(o.state), array_agg(o.reason))
    FROM before_it b JOIN after_it o USING (id) JOIN attachment f ON f.operation_id = o.id
    WHERE (b.state, b.reason) <> (o.state, o.reason);
    RETURN NULL;
END $$;
CREATE TRIGGER files_show_moved_operation AFTER UPDATE ON operation REFERENCING OLD TABLE AS before_it
    NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION files_show_moved_operation();
CREATE FUNCTION files_show_their_operation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM show_on_document(array_agg(f.file_id), array_agg(o.state), array_agg(o.reason))
    FROM given f JOIN operation o ON o.id = f.operation_id WHERE f.posted_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER files_show_their_operation_at_first AFTER INSERT ON attachment REFERENCING NEW TABLE AS given
    FOR EACH STATEMENT EXECUTE FUNCTION files_show_their_operation();
CREATE TRIGGER files_show_their_operation AFTER UPDATE ON attachment REFERENCING NEW TABLE AS given
    FOR EACH STATEMENT EXECUTE FUNCTION files_show_their_operation();

-- The attachment record that a function of a document names; null: none.
CREATE FUNCTION named_attachment(function jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT coalesce(function #>> '{body,supdocid}', function #>> '{body,APBILL,SUPDOCID}') $$;

-- The attachment record that the record in Intacct names, once a write of ours has named one; '' none of ours.
ALTER TABLE link ADD COLUMN attachment text NOT NULL DEFAULT '';
CREATE FUNCTION link_keeps_attachment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.attachment := coalesce(named_attachment(NEW.function), NEW.attachment);
    RETURN NEW;
END $$;
CREATE TRIGGER link_keeps_attachment BEFORE INSERT OR UPDATE OF function ON link FOR EACH ROW
    WHEN (NEW.object IN ('ARINVOICE', 'APBILL')) EXECUTE FUNCTION link_keeps_attachment();
