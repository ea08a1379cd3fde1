"""The ledger: Postgres holds every piece of work and its history."""
