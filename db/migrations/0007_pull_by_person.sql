-- Whether a person asked for the next look: then payments are read even where they come on demand only
-- (data.receipts.updates).
ALTER TABLE pull ADD COLUMN by_person boolean NOT NULL DEFAULT false;
