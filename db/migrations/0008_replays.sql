-- A document that is replayed may have no dead letter of its own: it waits for a record or a culprit that failed.
ALTER TABLE replay_item ALTER dead_letter_id DROP NOT NULL;
CREATE INDEX change_again ON change (connection_id, due_at) WHERE again AND state IN ('waiting', 'reading');
