"""Intacct functions as values: what we send, the order that the gateway insists on, what comes back."""
