"""Pure functions from a Scoro document to Intacct functions."""
