"""Strict, stateful stand-ins for Scoro and Intacct."""
