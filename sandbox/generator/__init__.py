"""Believable documents from a seed, and their sums by an arithmetic of the generator's own.

Nothing here knows how a stand-in keeps its records: customers and invoices come as the objects that a
`modify` request of Scoro takes, each with a plan that says what the document is meant to come to.
"""
