"""The log of what failed: every dead letter, searched and filtered, the newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.database import Ledger

COLUMNS = (
    *("id", "at", "connection", "document", "number", "amount", "currency", "state", "class", "code", "cause", "fix"),
    *("who", "attempt", "failure"),
)
"""What a line of the log tells."""

UNRESOLVED = """EXISTS (SELECT FROM failure f WHERE f.id = l.failure_id AND f.state IN ('open', 'waiting')
    AND (l.document_id IS NULL OR EXISTS (SELECT FROM failure_document fd WHERE fd.dead_letter_id = l.id
         AND fd.cleared_at IS NULL)))"""
"""SQL: what dead letter `l` tells still holds its document up."""

LOG = f"""SELECT l.id, l.at, c.name AS connection, l.document_id, document_name(d) AS document,
        coalesce(d.number, '') AS number, d.amount, d.currency,
        CASE WHEN {UNRESOLVED} THEN 'unresolved' ELSE 'settled' END AS state,
        l.error_class AS class, l.code, l.cause, l.fix, l.who, l.attempt, l.failure_id AS failure
    FROM dead_letter l LEFT JOIN document d ON d.id = l.document_id LEFT JOIN connection c ON c.id = l.connection_id
    WHERE (%(connection)s::bigint IS NULL OR l.connection_id = %(connection)s)
      AND (%(kind)s::text IS NULL OR d.kind::text = %(kind)s)
      AND (%(class)s::text IS NULL OR l.error_class = %(class)s)
      AND (%(since)s::timestamptz IS NULL OR l.at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR l.at < %(until)s)
      AND (%(unresolved)s::boolean IS NULL OR {UNRESOLVED} = %(unresolved)s)
      AND (%(search)s::text IS NULL OR position(lower(%(search)s) IN l.words) > 0
          OR l.document_id IN (SELECT id FROM document WHERE number <> '' AND upper(number) = upper(%(search)s)))
      AND (%(before)s::bigint IS NULL OR l.id < %(before)s)
    ORDER BY l.id DESC LIMIT %(limit)s"""

BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines of the log are wanted; None is all. `before` is the id above which nothing is shown any more."""

    connection_id: int | None = None
    kind: str | None = None
    error_class: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    unresolved: bool | None = None
    search: str | None = None
    before: int | None = None


def lines(ledger: Ledger, wanted: Filter, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The log, the newest first; read in batches, so that years of it need no memory."""
    with ledger.cursor(name="failure_log") as cursor:
        cursor.itersize = BATCH
        cursor.execute(
            LOG.encode(),
            {
                "connection": wanted.connection_id,
                "kind": wanted.kind,
                "class": wanted.error_class,
                "since": wanted.since,
                "until": wanted.until,
                "unresolved": wanted.unresolved,
                "search": wanted.search or None,
                "before": wanted.before,
                "limit": limit,
            },
        )
        yield from cursor
