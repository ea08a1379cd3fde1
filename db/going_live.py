"""Going live: what a rehearsal has come to, document by document, and the moment from which everything is sent."""

from typing import Any

from db import creates
from db.database import Ledger, one
from schemas.kinds import DOCUMENT_KINDS

OUTCOMES = ("create", "link", "hold", "update", "unknown", "skip", "fail", "read")
"""What becomes of a document: `unknown` was not looked up yet, `read` is still to be read from Scoro."""

# the newest open operation decides, else the document's own state
REHEARSED = """SELECT d.kind, d.scoro_id, d.number, d.document_date, d.amount, coalesce(d.currency, '') AS currency,
        CASE
            WHEN o.state = 'waiting_person' THEN 'hold'
            WHEN o.verb = 'create' AND o.look_first THEN CASE f.result
                WHEN 'equal' THEN 'link' WHEN 'different' THEN 'hold' WHEN 'absent' THEN 'create' ELSE 'unknown' END
            WHEN o.verb = 'create' THEN 'create'
            WHEN o.id IS NOT NULL THEN 'update'
            WHEN d.state IN ('skipped', 'ignored', 'deleted') THEN 'skip'
            WHEN d.state = 'failed' THEN 'fail'
            WHEN d.state = 'held' THEN 'hold'
            ELSE 'read' END AS outcome,
        CASE WHEN o.id IS NULL THEN d.reason ELSE coalesce(f.reason, o.reason) END AS reason, f.record_no
    FROM document d
    LEFT JOIN LATERAL (SELECT o.* FROM operation o WHERE o.document_id = d.id AND o.state IN
        ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person', 'sending', 'uncertain')
        ORDER BY o.created_at DESC LIMIT 1) o ON true
    LEFT JOIN finding f ON f.operation_id = o.id
    WHERE d.connection_id = %(connection)s AND d.kind = ANY(%(kinds)s::document_kind[])
      AND (d.state NOT IN ('posted', 'linked') OR o.id IS NOT NULL)"""


def rehearsed(ledger: Ledger, connection_id: int, outcome: str, limit: int) -> list[dict[str, Any]]:
    """Documents of one outcome, the oldest first."""
    return ledger.execute(
        f"SELECT * FROM ({REHEARSED}) r WHERE outcome = %(outcome)s ORDER BY document_date, scoro_id LIMIT %(limit)s"
        "".encode(),
        {"connection": connection_id, "kinds": list(DOCUMENT_KINDS), "outcome": outcome, "limit": limit},
    ).fetchall()


def summed(ledger: Ledger, connection_id: int) -> list[dict[str, Any]]:
    """Count and money by outcome and currency."""
    return ledger.execute(
        f"""SELECT outcome, currency, count(*)::int AS count, sum(amount) AS amount FROM ({REHEARSED}) r
            GROUP BY outcome, currency ORDER BY outcome, currency""".encode(),
        {"connection": connection_id, "kinds": list(DOCUMENT_KINDS)},
    ).fetchall()


def go_live(ledger: Ledger, connection_id: int) -> dict[str, Any] | None:
    """Rehearsal -> active: what waits is agreed to, older documents are looked up first; None in another state.

    Gives how many documents wait (`documents`), and of how many Intacct is asked before (`older`).
    """
    moved = ledger.execute(
        "UPDATE connection SET state = 'active', reason = '' WHERE id = %s AND state = 'rehearsal' RETURNING id",
        [connection_id],
    ).fetchone()
    if moved is None:
        return None
    found = waiting(ledger, connection_id)
    creates.allow(ledger, connection_id, found["creates"])
    return found


def waiting(ledger: Ledger, connection_id: int) -> dict[str, Any]:
    """How many documents wait to be sent: `documents` in all, of which `creates`, of which `older`."""
    return one(
        ledger,
        """SELECT count(*)::int AS documents, count(*) FILTER (WHERE o.verb = 'create')::int AS creates,
               count(*) FILTER (WHERE o.look_first)::int AS older
           FROM operation o JOIN document d ON d.id = o.document_id
           WHERE o.connection_id = %s AND d.kind = ANY(%s::document_kind[])
             AND o.state IN ('ready', 'waiting_quota', 'waiting_prerequisite')""",
        [connection_id, list(DOCUMENT_KINDS)],
    )
