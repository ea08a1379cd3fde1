-- How a connection's webhooks stood when they were looked at last. Needs nothing but 0001.
ALTER TABLE connection
    ADD COLUMN webhooks_at timestamptz,           -- NULL: never looked at, as without PUBLIC_URL
    ADD COLUMN webhooks_problem text NOT NULL DEFAULT '';
