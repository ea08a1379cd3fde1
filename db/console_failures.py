"""Failures as cards, and one with the documents that it holds up, for pages and API: each bounded."""

from collections.abc import Sequence
from typing import Any

from db.console_requests import Listed
from db.database import Ledger, planned_anew
from db.failures import HELD
from db.why import then

Row = dict[str, Any]

PAGE = 30
NAMED = 5
"""Documents that a card names."""
LETTERS = 50
"""Documents that the page of a failure lists, the last tried first."""

UNRESOLVED = ("open", "waiting")
STATES = ("open", "waiting", "resolved", "discarded")

CARDS = f"""SELECT f.id, f.connection_id, c.name AS connection, f.error_class AS class, f.code, f.cause, f.fix,
        f.state::text AS state, f.reason,
        f.who, f.holds, f.incident, f.first_seen_at, f.last_seen_at, coalesce(h.count, 0)::int AS count,
        coalesce(h.money, '{{}}') AS money, coalesce(h.named, '[]') AS named
    FROM failure f LEFT JOIN connection c ON c.id = f.connection_id
    LEFT JOIN LATERAL (
        WITH held AS MATERIALIZED (
            SELECT d.id, d.kind, d.scoro_id, d.number, d.amount, d.currency
            FROM ({HELD}) x JOIN document d ON d.id = x.document_id)
        SELECT sum(n) AS count, jsonb_object_agg(currency, amount::text) FILTER (WHERE amount IS NOT NULL
                AND currency IS NOT NULL) AS money,
            (SELECT jsonb_agg(jsonb_build_object(
                'id', d.id, 'kind', d.kind, 'scoro_id', d.scoro_id, 'number', d.number))
             FROM (SELECT * FROM held ORDER BY id DESC LIMIT {NAMED}) d) AS named
        FROM (SELECT currency, sum(amount) AS amount, count(*) AS n FROM held GROUP BY currency) g) h ON true
    WHERE f.id < %(before)s AND f.state = ANY(%(states)s::failure_state[])
      AND (%(class)s::text IS NULL OR f.error_class = %(class)s)
      AND (%(connection)s::bigint IS NULL OR f.connection_id = %(connection)s)
      AND (%(id)s::bigint IS NULL OR f.id = %(id)s)
      AND (%(kind)s::text IS NULL OR EXISTS (
          SELECT FROM ({HELD}) z JOIN document d ON d.id = z.document_id WHERE d.kind::text = %(kind)s))
    ORDER BY f.id DESC LIMIT %(size)s"""


def cards(
    ledger: Ledger,
    *,
    states: Sequence[str] = UNRESOLVED,
    error_class: str | None = None,
    kind: str | None = None,
    connection_id: int | None = None,
    failure_id: int | None = None,
    before: int | None = None,
    size: int = PAGE,
) -> Listed:
    """Failures older than the id `before`, each with what it holds up now and the money in it per currency."""
    values = {
        "states": list(states),
        "class": error_class,
        "kind": kind,
        "connection": connection_id,
        "id": failure_id,
        "before": before or 2**62,
        "size": size + 1,
    }
    rows = planned_anew(ledger, CARDS, values)
    return Listed(rows[:size], rows[size - 1]["id"] if len(rows) > size else None)


def failure(ledger: Ledger, failure_id: int) -> Row | None:
    """One failure with the documents that were tried last, and its history; None where there is none."""
    found = cards(ledger, states=STATES, failure_id=failure_id).rows
    if not found:
        return None
    letters = ledger.execute(
        """SELECT d.id AS document_id, d.kind::text AS kind, d.scoro_id, d.number, d.amount, d.currency,
               d.state::text AS state, l.at, l.attempt, l.cause, l.fix, l.field, l.culprit, fd.cleared_at
           FROM failure_document fd JOIN document d ON d.id = fd.document_id
           JOIN dead_letter l ON l.id = fd.dead_letter_id WHERE fd.failure_id = %s
           ORDER BY fd.cleared_at IS NOT NULL, fd.document_id DESC LIMIT %s""",
        [failure_id, LETTERS],
    ).fetchall()
    history = ledger.execute(
        """SELECT at, actor, from_state AS "from", to_state AS "to", detail FROM journal
           WHERE subject = 'failure' AND subject_id = %s ORDER BY id DESC LIMIT 50""",
        [str(failure_id)],
    ).fetchall()
    return {**found[0], "then": then(found[0]), "letters": letters, "history": history}


def classes(ledger: Ledger) -> list[str]:
    """Classes that unresolved failures have."""
    rows = ledger.execute(
        "SELECT DISTINCT error_class AS class FROM failure WHERE state IN ('open', 'waiting') ORDER BY 1"
    ).fetchall()
    return [row["class"] for row in rows]


def refused_function(ledger: Ledger, failure_id: int) -> Row | None:
    """The function of the last operation that a failure's documents were refused with: `controlid`, `function`."""
    return ledger.execute(
        """SELECT o.controlid, o.function::text AS function FROM failure_document fd
           JOIN operation o ON o.document_id = fd.document_id AND o.state = 'refused'
           WHERE fd.failure_id = %s AND fd.cleared_at IS NULL ORDER BY o.created_at DESC LIMIT 1""",
        [failure_id],
    ).fetchone()
