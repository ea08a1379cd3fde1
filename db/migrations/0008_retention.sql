-- What is kept for years is deleted in batches, each found by an index.
CREATE INDEX failure_document_by_letter ON failure_document (dead_letter_id);
CREATE INDEX replay_item_by_letter ON replay_item (dead_letter_id);
CREATE INDEX replay_item_by_failure ON replay_item (failure_id);
CREATE INDEX request_kept ON request (ended_at) WHERE sent IS NOT NULL;
