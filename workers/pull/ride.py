"""A pull that rides in a write request which leaves anyway, and so costs no request of its own.

It rides half an interval after the last look, and only with bulk: a person who waits for a document is not held up by
pages of payments. The first pull is not made before its time. What does not fit into a page each is read
by a look of its own.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from db import outbox, pulled, pulls
from db.connections import Connection
from db.database import Ledger, one
from db.pulls import Mark
from schemas.intacct.results import FunctionResult
from schemas.kinds import Purpose
from workers.delivery.riders import Leaving, Results, Rider
from workers.pull.paging import Paged
from workers.pull.queries import changed_since, newest, seen

FIRST = "at 0"
"""The first page of a query."""


def source(ledger: Ledger, leaving: Leaving) -> Sequence[Rider]:
    """The queries of a connection's pull, where it may ride."""
    connection = leaving.connection
    if leaving.purpose is not Purpose.BULK:
        return []
    pull = pulls.peek(ledger, connection.id)
    if pull is None or pull.held_s > 0 or pull.rides_in_s > 0:
        return []
    if pulls.is_looked_at(ledger, connection.id) or pulls.open_fetches(ledger, connection.id):
        return []
    windows = changed_since(connection, pull.marks, asked=pull.by_person)
    if not windows:
        return []
    pulls.carried_by(ledger, connection.id, leaving.request_id)
    began_at, started = one(ledger, "SELECT ledger_now() AS at")["at"], time.monotonic()

    def heard(ledger: Ledger, results: Results) -> None:
        keep(ledger, connection, windows, results, began_at=began_at, took_s=time.monotonic() - started)

    return [Rider("pull", {name: paged.asks()[FIRST] for name, paged in windows.items()}, heard)]


def keep(
    ledger: Ledger,
    connection: Connection,
    windows: Mapping[str, Paged],
    results: Mapping[str, FunctionResult],
    *,
    began_at: datetime,
    took_s: float,
) -> None:
    """Keep what was seen; a look that is not complete is made again by itself, at once."""
    if not results:
        return  # the request failed: it is due as it was
    new = 0
    for name, paged in windows.items():
        paged.hear(FIRST, results.get(name))
        new += pulled.see(ledger, connection.id, seen(paged.object, list(paged.rows.values())))
    if new:
        outbox.ring(ledger, "pull", connection.id)
    if any(not paged.is_complete or paged.failure is not None for paged in windows.values()):
        pulls.ask(ledger, connection.id, by_person=False)
        return
    marks = {
        name: Mark(at, took_s)
        for name, paged in windows.items()
        if (at := newest(list(paged.rows.values()))) is not None
    }
    pulls.done(ledger, connection.id, marks, began_at=began_at)
    pulled.think_again(ledger, connection.id)
