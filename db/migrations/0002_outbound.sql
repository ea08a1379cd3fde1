-- Credits: once a credit invoice and the invoices that it credits stand in Intacct, it is applied to them.

-- The ledger's documents of the invoices that a credit invoice is to be applied to once this operation is posted.
ALTER TABLE operation ADD COLUMN credits bigint[] NOT NULL DEFAULT '{}';
-- False for one whose function is worked out by a look at what is open in Intacct: no pack takes it before that.
ALTER TABLE operation ADD COLUMN prepared boolean NOT NULL DEFAULT true;
CREATE INDEX operation_unprepared ON operation (connection_id, due_at)
    WHERE NOT prepared AND state IN ('ready', 'waiting_quota');
