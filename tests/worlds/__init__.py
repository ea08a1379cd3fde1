"""A small world for tests: both stand-ins, a ledger, a broker, one connection, and the product between them."""
