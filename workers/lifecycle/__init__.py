"""What becomes of documents after they were posted: refused edits, closed periods, payments, removals. Pure."""
