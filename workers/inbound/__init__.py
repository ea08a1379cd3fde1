"""Writes to Scoro: what Intacct has shown is booked there, once."""
