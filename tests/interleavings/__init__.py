"""Interleaved sessions on real Postgres: the product's own intake and delivery, stopped and continued step by step.

`actors` are threads that run the product's functions and stand still at its named steps; `clock` is the time that the
ledger and the far sides agree on; `far_sides` are Scoro and the Intacct gateway in this process; `stage` puts them
together and says afterwards whether what stands is what should.
"""
