-- Going live: what may stand in Intacct from before is looked up before it is sent, and many new documents ask first.

ALTER TABLE connection
    ADD COLUMN live_at timestamptz,                   -- when it first went live; NULL: it never did
    ADD COLUMN creates_allowed integer NOT NULL DEFAULT 0 CHECK (creates_allowed >= 0),
                                                      -- new documents beyond limits.creates_per_hour, agreed to
    ADD COLUMN creates_allowed_until timestamptz NOT NULL DEFAULT 'epoch';  -- what was agreed to lapses then
UPDATE connection SET live_at = created_at WHERE state IN ('active', 'paused', 'broken');

-- Whoever moves a connection out of rehearsal, the moment is kept.
CREATE FUNCTION connection_goes_live() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.live_at := coalesce(NEW.live_at, ledger_now());
    RETURN NEW;
END $$;
CREATE TRIGGER connection_goes_live BEFORE UPDATE OF state ON connection FOR EACH ROW
    WHEN (NEW.state = 'active') EXECUTE FUNCTION connection_goes_live();
ALTER TABLE connection ADD CONSTRAINT active_means_live CHECK (state <> 'active' OR live_at IS NOT NULL);

ALTER TABLE document ADD COLUMN written_at timestamptz;  -- when it was written in Scoro, if Scoro says

-- A document is older if it was dated, written or seen before its connection went live: somebody else may have brought
-- it to Intacct. On the day itself the moment of writing decides; where Scoro does not say it, it counts as older.
CREATE FUNCTION is_older(document_date date, written_at timestamptz, seen_at timestamptz, live_at timestamptz, zone text)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT live_at IS NULL OR seen_at < live_at OR document_date IS NULL
        OR document_date < (live_at AT TIME ZONE zone)::date
        OR (CASE WHEN written_at IS NULL THEN document_date <= (live_at AT TIME ZONE zone)::date
                 ELSE written_at < date_trunc('second', live_at) END)
$$;

-- A create of an older document is not sent before it was looked up.
ALTER TABLE operation ADD COLUMN look_first boolean NOT NULL DEFAULT false;
UPDATE operation SET look_first = true
WHERE verb = 'create' AND object IN ('ARINVOICE', 'ARADJUSTMENT', 'APBILL', 'APADJUSTMENT')
  AND state IN ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person') AND NOT doubted
  AND connection_id IN (SELECT id FROM connection WHERE live_at IS NULL);
CREATE INDEX operation_look_first ON operation (connection_id, due_at)
    WHERE look_first AND state IN ('ready', 'waiting_quota');
CREATE INDEX operation_created ON operation (connection_id, first_left_at) WHERE verb = 'create';

INSERT INTO operation_transition VALUES
    ('ready', 'posted', 'its record stood in Intacct before we went live: linked'),
    ('waiting_quota', 'posted', 'its record stood in Intacct before we went live: linked');

-- What Intacct was found to hold of an older document: in rehearsal for people to see, else what was acted on.
CREATE TYPE finding_result AS ENUM (
    'absent',      -- no such document: it may be created
    'equal',       -- amount, currency and party agree: linked
    'different'    -- a person decides
);
CREATE TABLE finding (
    operation_id uuid PRIMARY KEY REFERENCES operation,
    at timestamptz NOT NULL DEFAULT ledger_now(),
    result finding_result NOT NULL,
    record_no text,
    reason text NOT NULL DEFAULT ''
);
