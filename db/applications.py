"""Credits that are applied to the invoices that they credit, by an operation of the credit's own document.

It is planned when the credit is posted, waits until those invoices stand in Intacct too, and is not `prepared`
before a look at both has said what is open: only then its function is known, and a pack takes it. The link of the
document stays that of the adjustment. Applying as much as is open comes to the same however often it is planned.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from db.database import Ledger
from schemas.intacct.functions import Function

FUNCTION = {"name": "apply_arpayment", "attributes": {}, "body": {}}
"""What stands in for the function until it is prepared."""
ROUGH_BYTES = 2_000

NEVER_POSTED = """(d.state IN ('skipped', 'ignored', 'deleted') AND NOT EXISTS (
    SELECT FROM link l WHERE l.document_id = d.id))"""
"""SQL: a document `d` that does not come to Intacct, so that nothing waits for it."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice that a credit is to be applied to."""

    record_no: str
    number: str
    day: date | None


@dataclass(frozen=True, slots=True)
class Application:
    """A credit whose open amount is to be applied; `record_no` is that of its adjustment."""

    id: UUID
    document_id: int
    number: str
    record_no: str
    day: date | None
    invoices: tuple[Invoice, ...]


PLAN = f"""WITH parent AS MATERIALIZED (
        SELECT o.*, gen_random_uuid() AS new_id FROM operation o
        WHERE o.id = ANY(%(ids)s) AND o.state = 'posted' AND o.credits <> '{{}}'
          -- what somebody else brought to Intacct is left as it is there
          AND NOT EXISTS (SELECT FROM document d WHERE d.id = o.document_id AND d.state = 'linked')
          AND EXISTS (SELECT FROM document d WHERE d.id = ANY(o.credits) AND NOT {NEVER_POSTED})
          AND NOT EXISTS (SELECT FROM operation a WHERE a.document_id = o.document_id AND a.verb = 'apply'
                          AND a.state <> 'superseded' AND a.created_at > o.created_at)
    ), added AS (
        INSERT INTO operation (id, connection_id, document_id, revision_id, source_fingerprint, verb, object,
            natural_key, party, function, payload_fingerprint, bytes, purpose, controlid, prepared, state, reason)
        SELECT new_id, connection_id, document_id, revision_id, source_fingerprint, 'apply', 'ARPYMT',
            natural_key, party, %(function)s, '', %(bytes)s, purpose, new_id::text, false,
            CASE WHEN waits THEN 'waiting_prerequisite' ELSE 'ready' END::operation_state,
            CASE WHEN waits THEN 'it stands in Intacct; it is applied once the invoices that it credits do' ELSE '' END
        FROM parent p, LATERAL (SELECT EXISTS (
            SELECT FROM document d WHERE d.id = ANY(p.credits) AND NOT {NEVER_POSTED}
              AND NOT EXISTS (SELECT FROM link l WHERE l.document_id = d.id)) AS waits) w
        ON CONFLICT (document_id) WHERE state IN ('ready', 'waiting_quota', 'waiting_prerequisite', 'waiting_person')
            DO NOTHING
        RETURNING id, document_id)
    INSERT INTO operation_need (operation_id, document_id)
    SELECT a.id, d.id FROM added a JOIN parent p ON p.new_id = a.id
    JOIN document d ON d.id = ANY(p.credits) AND NOT {NEVER_POSTED}"""


def plan(ledger: Ledger, operation_ids: Sequence[UUID]) -> None:
    """Plan what follows these operations: those of them that posted a credit have it applied.

    Where none of the invoices comes to Intacct a note says so.
    """
    values = {"ids": list(operation_ids), "function": Jsonb(FUNCTION), "bytes": ROUGH_BYTES}
    ledger.execute(PLAN.encode(), values)
    ledger.execute(
        f"""INSERT INTO note (document_id, operation_id, text)
            SELECT o.document_id, o.id, 'The invoices that it credits are not synced, so it was not applied to them.'
            FROM operation o WHERE o.id = ANY(%s) AND o.state = 'posted' AND o.credits <> '{{}}' AND NOT EXISTS (
                SELECT FROM document d WHERE d.id = ANY(o.credits) AND NOT {NEVER_POSTED})""".encode(),
        [list(operation_ids)],
    )


def plan_missing(ledger: Ledger, document_ids: Collection[int]) -> None:
    """Plan it for posted credits of which nothing of the kind stands, as it was given up or no invoice was there."""
    rows = ledger.execute(
        "SELECT operation_id FROM link WHERE document_id = ANY(%s) AND operation_id IS NOT NULL", [list(document_ids)]
    ).fetchall()
    plan(ledger, [row["operation_id"] for row in rows])


def forget_never_posted(ledger: Ledger, document_ids: Collection[int]) -> None:
    """Nothing waits any more for those of these invoices that do not come to Intacct."""
    ledger.execute(
        f"""WITH gone AS (
                DELETE FROM operation_need n USING operation o, document d
                WHERE n.document_id = ANY(%s) AND o.id = n.operation_id AND d.id = n.document_id
                  AND o.verb = 'apply' AND NOT o.prepared AND {NEVER_POSTED} RETURNING n.operation_id)
            UPDATE operation SET state = 'ready', reason = '', due_at = ledger_now()
            WHERE state = 'waiting_prerequisite' AND id IN (SELECT operation_id FROM gone)""".encode(),
        [list(document_ids)],
    )


CLAIM = """WITH due AS (
        SELECT o.id, EXISTS (SELECT FROM operation_need n WHERE n.operation_id = o.id
            AND NOT EXISTS (SELECT FROM link l WHERE l.document_id = n.document_id)) AS waits
        FROM operation o WHERE o.connection_id = %(connection)s AND NOT o.prepared
          AND o.state IN ('ready', 'waiting_quota') AND o.due_at <= ledger_now()
        ORDER BY o.purpose = 'interactive' DESC, o.due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    UPDATE operation o SET look_ups = look_ups + (NOT waits)::int,
        state = CASE WHEN waits THEN 'waiting_prerequisite' ELSE o.state END,
        due_at = ledger_now() + make_interval(secs => least(%(again_s)s * 2 ^ least(look_ups, 20), %(at_most_s)s))
    FROM due WHERE o.id = due.id RETURNING o.id, due.waits"""

DETAILS = """SELECT o.id, o.document_id, o.natural_key AS number, mine.record_no,
        greatest(d.document_date, d.posting_date) AS day,
        coalesce((SELECT jsonb_agg(jsonb_build_array(
                          l.record_no, l.natural_key, greatest(i.document_date, i.posting_date))
                      ORDER BY i.document_date, i.id)
                  FROM operation_need n JOIN document i ON i.id = n.document_id JOIN link l ON l.document_id = i.id
                  WHERE n.operation_id = o.id AND l.object = 'ARINVOICE'), '[]') AS invoices
    FROM operation o JOIN document d ON d.id = o.document_id JOIN link mine ON mine.document_id = o.document_id
    WHERE o.id = ANY(%s) ORDER BY o.created_at"""


def linger(ledger: Ledger, connection_id: int, wait_s: float, at_most_s: float) -> None:
    """Let bulk that is due gather for `wait_s`, but nothing that is older than `at_most_s`."""
    ledger.execute(
        """UPDATE operation SET due_at = ledger_now() + make_interval(secs => %s)
           WHERE connection_id = %s AND NOT prepared AND state IN ('ready', 'waiting_quota') AND purpose = 'bulk'
             AND due_at <= ledger_now() AND created_at > ledger_now() - make_interval(secs => %s)""",
        [wait_s, connection_id, at_most_s],
    )


def claim(ledger: Ledger, connection_id: int, limit: int, *, again_s: float, at_most_s: float) -> list[Application]:
    """Take what is due to be prepared; due again later, in case the look is not answered, ever later."""
    rows = ledger.execute(
        CLAIM.encode(),
        {"connection": connection_id, "limit": limit, "again_s": again_s, "at_most_s": at_most_s},
    ).fetchall()
    return _details(ledger, [row["id"] for row in rows if not row["waits"]])


def of_documents(ledger: Ledger, document_ids: Collection[int]) -> list[Application]:
    """What is to be prepared of these credits, now that all that it needs stands in Intacct."""
    rows = ledger.execute(
        """SELECT o.id FROM operation o WHERE o.document_id = ANY(%s) AND NOT o.prepared
             AND o.state IN ('ready', 'waiting_quota') AND NOT EXISTS (
                 SELECT FROM operation_need n WHERE n.operation_id = o.id
                 AND NOT EXISTS (SELECT FROM link l WHERE l.document_id = n.document_id))""",
        [list(document_ids)],
    ).fetchall()
    return _details(ledger, [row["id"] for row in rows])


def _details(ledger: Ledger, ids: Sequence[UUID]) -> list[Application]:
    return [
        Application(
            row["id"],
            row["document_id"],
            row["number"],
            row["record_no"],
            row["day"],
            tuple(
                Invoice(record_no, number, date.fromisoformat(day) if day else None)
                for record_no, number, day in row["invoices"]
            ),
        )
        for row in ledger.execute(DETAILS.encode(), [list(ids)]).fetchall()
    ]


@dataclass(frozen=True, slots=True)
class Concerned:
    """A credit that a pack makes or waits for, by number, with the numbers of its invoices."""

    document_id: int
    number: str
    invoices: tuple[str, ...]


CONCERNED = """WITH credit AS (
        SELECT o.document_id, o.natural_key AS number, unnest(o.credits) AS invoice_id
        FROM operation o WHERE o.id = ANY(%(ids)s)
        UNION SELECT a.document_id, a.natural_key, every.document_id
        FROM operation sent JOIN operation_need n ON n.document_id = sent.document_id
        JOIN operation a ON a.id = n.operation_id AND NOT a.prepared
            AND a.state IN ('ready', 'waiting_quota', 'waiting_prerequisite')
        JOIN operation_need every ON every.operation_id = a.id
        WHERE sent.id = ANY(%(ids)s))
    SELECT c.document_id, c.number, array_agg(coalesce(l.natural_key, d.number)) AS invoices
    FROM credit c JOIN document d ON d.id = c.invoice_id LEFT JOIN link l ON l.document_id = d.id
    GROUP BY 1, 2 ORDER BY 1"""


def concerned(ledger: Ledger, operation_ids: Sequence[UUID]) -> list[Concerned]:
    """The credits that may be ready to be applied once these operations have run."""
    rows = ledger.execute(CONCERNED.encode(), {"ids": list(operation_ids)}).fetchall()
    return [Concerned(row["document_id"], row["number"], tuple(filter(None, row["invoices"]))) for row in rows]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a look at what is open came to: a function, or None where nothing is left to apply. `reason` says why."""

    id: UUID
    function: Function | None
    total: Decimal
    bytes: int
    reason: str = ""


def save(ledger: Ledger, prepared: Sequence[Prepared]) -> None:
    """Let packs take what has a function; the others are done."""
    rows: list[Mapping[str, Any]] = [
        {
            "id": str(one.id),
            "function": one.function.model_dump(mode="json") if one.function else None,
            "fingerprint": one.function.fingerprint() if one.function else "",
            "total": str(one.total),
            "bytes": one.bytes,
            "reason": one.reason,
        }
        for one in prepared
    ]
    ledger.execute(
        """WITH given AS (
               SELECT * FROM jsonb_to_recordset(%s) AS g (id uuid, function jsonb, fingerprint text, total numeric,
                   bytes integer, reason text)
           ), moved AS (
               UPDATE operation o SET prepared = true, look_ups = 0, due_at = ledger_now(), reason = g.reason,
                   function = coalesce(nullif(g.function, 'null'), o.function), payload_fingerprint = g.fingerprint,
                   total = g.total, bytes = g.bytes,
                   state = CASE WHEN nullif(g.function, 'null') IS NULL THEN 'posted' ELSE o.state END,
                   settled_at = CASE WHEN nullif(g.function, 'null') IS NULL THEN ledger_now() END
               FROM given g WHERE o.id = g.id AND NOT o.prepared AND o.state IN ('ready', 'waiting_quota')
               RETURNING o.id, o.document_id, g.reason)
           INSERT INTO note (document_id, operation_id, text)
           SELECT document_id, id, reason FROM moved WHERE reason <> ''""",
        [Jsonb(rows)],
    )
