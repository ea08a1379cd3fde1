-- Scoro's window is counted by slots of time, so that all of it can be used and no window ever holds more.
-- Follows 0006_incoming.
ALTER TABLE scoro_budget
    DROP COLUMN tokens,
    DROP COLUMN tokens_at,
    ADD COLUMN slot bigint NOT NULL DEFAULT 0,         -- number of the newest slot, counted from 1970
    ADD COLUMN slots integer[] NOT NULL DEFAULT '{}';  -- requests that left in it and in those before, the newest first
COMMENT ON TABLE scoro_budget IS 'What a site may still ask Scoro for, shared by all processes.';
