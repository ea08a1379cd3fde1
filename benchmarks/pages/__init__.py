"""How long the pages take over a ledger with a million documents."""
