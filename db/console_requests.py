"""Requests to Intacct and the journal, for pages and API: newest first, by keyset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db.database import Ledger, planned_anew

Row = dict[str, Any]

PAGE = 50
MOST_OPERATIONS = 1000
"""More functions than any request holds."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of rows, newest first; `older` is the id to go on from, None at the end."""

    rows: Sequence[Row]
    older: int | None


def _listed(rows: list[Row], size: int) -> Listed:
    return Listed(rows[:size], rows[size - 1]["id"] if len(rows) > size else None)


RESULTS = ("ok", "rejected", "unanswered", "withdrawn", "under_way")
RESULT = """CASE WHEN q.state IN ('charged', 'leaving') THEN 'under_way' WHEN q.state <> 'answered' THEN q.state::text
    WHEN q.reason = 'ok' THEN 'ok' ELSE 'rejected' END"""

ODD = "(q.state <> 'answered' OR q.reason <> 'ok')"
"""SQL: a request that is not as most are; the index `request_odd` holds these alone."""

REQUESTS = f"""SELECT q.id, s.name AS site, c.name AS connection, q.purpose::text AS purpose, q.state::text AS state,
        {RESULT} AS result, q.functions, q.charged_at, q.left_at, q.ended_at, q.reason
    FROM request q JOIN site s ON s.id = q.site_id LEFT JOIN connection c ON c.id = q.connection_id
    WHERE q.id < %(before)s AND (%(purpose)s::purpose IS NULL OR q.purpose = %(purpose)s::purpose)
      AND (%(result)s::text IS NULL OR {RESULT} = %(result)s)
      AND (%(result)s::text IS NULL OR %(result)s = 'ok' OR {ODD})
      AND (%(connection)s::bigint IS NULL OR q.connection_id = %(connection)s)
    ORDER BY q.id DESC LIMIT %(size)s"""


def requests(
    ledger: Ledger,
    *,
    purpose: str | None = None,
    result: str | None = None,
    connection_id: int | None = None,
    before: int | None = None,
    size: int = PAGE,
) -> Listed:
    """Requests older than the id `before`."""
    values = {
        "purpose": purpose,
        "result": result,
        "connection": connection_id,
        "before": before or 2**62,
        "size": size + 1,
    }
    return _listed(planned_anew(ledger, REQUESTS, values), size)


def request(ledger: Ledger, request_id: int) -> Row | None:
    """One request with what was sent and the operations that rode in it; None where there is none."""
    row = ledger.execute(
        f"""SELECT q.id, s.name AS site, c.name AS connection, q.month, q.purpose::text AS purpose,
               q.state::text AS state, {RESULT} AS result, q.functions, q.deadline_s, q.charged_at, q.left_at,
               q.ended_at, q.reason, q.sent
           FROM request q JOIN site s ON s.id = q.site_id LEFT JOIN connection c ON c.id = q.connection_id
           WHERE q.id = %s""".encode(),
        [request_id],
    ).fetchone()
    if row is None:
        return None
    carried = ledger.execute(
        """SELECT a.outcome, a.detail, o.verb::text AS verb, o.object, o.natural_key, o.state::text AS state,
               o.document_id, d.kind::text AS kind, d.scoro_id, d.number
           FROM attempt a JOIN operation o ON o.id = a.operation_id JOIN document d ON d.id = o.document_id
           WHERE a.request_id = %s ORDER BY o.created_at, o.id LIMIT %s""",
        [request_id, MOST_OPERATIONS],
    ).fetchall()
    return {**row, "carried": carried}


# ------------------------------------------------------------------------------------------------- the journal

SUBJECTS = ("connection", "site", "document", "change", "operation", "request", "failure", "person", "api_token")

JOURNAL = """SELECT j.id, j.at, j.actor, j.subject, j.subject_id, j.from_state AS "from", j.to_state AS "to", j.detail,
        coalesce(d.id, od.id, cd.id) AS document_id,
        coalesce(d.kind || ' ' || d.scoro_id, od.kind || ' ' || od.scoro_id, cd.kind || ' ' || cd.scoro_id) AS document
    FROM (SELECT * FROM journal WHERE id < %(before)s {narrowed} ORDER BY id DESC LIMIT %(size)s) j
    LEFT JOIN document d ON j.subject = 'document' AND d.id = CASE WHEN j.subject = 'document'
        THEN j.subject_id::bigint END
    LEFT JOIN operation o ON j.subject = 'operation' AND o.id = CASE WHEN j.subject = 'operation'
        THEN j.subject_id::uuid END
    LEFT JOIN document od ON od.id = o.document_id
    LEFT JOIN change ch ON j.subject = 'change' AND ch.id = CASE WHEN j.subject = 'change'
        THEN j.subject_id::bigint END
    LEFT JOIN document cd ON cd.id = ch.document_id
    ORDER BY j.id DESC"""


def journal(
    ledger: Ledger,
    *,
    people_only: bool = False,
    subject: str | None = None,
    subject_id: str | None = None,
    before: int | None = None,
    size: int = PAGE,
) -> Listed:
    """Entries of the journal older than the id `before`: of everybody, of people only, or of one subject.

    A subject without its id is not asked for, as a rare one among millions would have to be looked for in all of them.
    """
    narrowed = "AND actor LIKE '%%:%%'" if people_only else ""
    if subject and subject_id:
        narrowed += " AND subject = %(subject)s AND subject_id = %(subject_id)s"
    values = {"before": before or 2**62, "size": size + 1, "subject": subject, "subject_id": subject_id}
    return _listed(planned_anew(ledger, JOURNAL.format(narrowed=narrowed), values), size)
