"""Chaos: the real processes over real RabbitMQ and PostgreSQL, one fault after the other, judged by the stand-ins.

proxy      a TCP proxy in front of PostgreSQL that cuts or holds connections at chosen moments
services   a PostgreSQL and a RabbitMQ of our own, which may be restarted and killed
launcher   what runs in each process of the product: the real command, which kills or stops itself when ordered to
processes  the processes, started again whenever they end
desk       a person who goes on making and editing invoices
faults     every kind of fault: how it is provoked, and how its end comes
conductor  a seeded plan of faults, struck in small groups, each followed by a wait and a judgement
report     what came of it, as a table
"""
