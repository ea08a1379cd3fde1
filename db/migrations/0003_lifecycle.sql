-- What becomes of documents after they were posted: links that people make and take away, documents that are left
-- alone, edits planned anew, records that were changed in Intacct.

ALTER TYPE operation_verb ADD VALUE IF NOT EXISTS 'replace';     -- a draft is deleted and made again, in one transaction
ALTER TYPE operation_verb ADD VALUE IF NOT EXISTS 'reclassify';  -- accounts and dimensions of a paid document

-- Why changes leave a document alone until a person sends it: 'ignored', or 'unlinked' from its record; '' they do not.
ALTER TABLE document ADD COLUMN left_alone text NOT NULL DEFAULT '' CHECK (left_alone IN ('', 'ignored', 'unlinked'));
-- The day on which a document dated in a closed period is posted, for as long as Scoro dates it `posting_for`; its
-- own date moves too where Intacct wants that.
ALTER TABLE document ADD COLUMN posting_date date, ADD COLUMN posting_for date,
    ADD COLUMN posting_dated boolean NOT NULL DEFAULT false;
-- The last day of which Intacct said that its period is closed.
ALTER TABLE connection ADD COLUMN closed_until date;

-- What the record holds once the operation ran, where its function does not say all of it.
ALTER TABLE operation ADD COLUMN leaves jsonb;

-- What waits or was refused is planned anew though Scoro's document is the same: something else has changed.
ALTER TABLE change ADD COLUMN anew boolean NOT NULL DEFAULT false;

-- The header as Intacct showed it after our last write; of a record that stood there before us also its lines.
ALTER TABLE link ADD COLUMN seen jsonb, ADD COLUMN seen_lines jsonb,
    ADD COLUMN lines_wanted boolean NOT NULL DEFAULT false,  -- an edit waits for the lines to be read
    ADD COLUMN looked_at timestamptz;             -- when its header was last read
CREATE INDEX link_lines_wanted ON link (connection_id) WHERE lines_wanted;
-- What Intacct holds otherwise than it was written: {"code", "reason"}. Held until a person keeps theirs or ours.
ALTER TABLE link ADD COLUMN differs jsonb;
CREATE INDEX link_to_read_back ON link (connection_id, linked_at)
    WHERE seen IS NULL AND object IN ('ARINVOICE', 'ARADJUSTMENT', 'APBILL', 'APADJUSTMENT');
