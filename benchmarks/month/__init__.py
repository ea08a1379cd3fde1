"""A simulated month of one site: the real ledger, pacing and delivery, on a clock that jumps from event to event."""
