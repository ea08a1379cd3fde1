"""What is read from Intacct and brought into the ledger or to Scoro."""
