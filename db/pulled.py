"""Records of Intacct as they were last seen: kept by their number, thought about once, and again when they change."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from db.database import Ledger, one


@dataclass(frozen=True, slots=True)
class Seen:
    """A record of Intacct as a query showed it."""

    object: str
    record_no: int
    modified_at: datetime
    data: Mapping[str, str]
    parent_no: int | None = None
    target_no: int | None = None
    credit_no: int | None = None
    lines: Sequence[Mapping[str, str]] | None = None


MANY = 5_000
"""After so many new rows at once Postgres does not know the table any more, and would plan for an empty one."""

SEE = """INSERT INTO pulled AS mine (connection_id, object, record_no, parent_no, target_no, credit_no, modified_at,
        data, lines)
    SELECT %(connection)s, g.object, g.record_no, g.parent_no, g.target_no, g.credit_no, g.modified_at, g.data, g.lines
    FROM jsonb_to_recordset(%(rows)s) AS g (object text, record_no bigint, parent_no bigint, target_no bigint,
        credit_no bigint, modified_at timestamptz, data jsonb, lines jsonb)
    ORDER BY g.object, g.record_no
    ON CONFLICT (connection_id, object, record_no) DO UPDATE SET
        parent_no = excluded.parent_no, target_no = excluded.target_no, credit_no = excluded.credit_no,
        modified_at = excluded.modified_at,
        data = excluded.data, lines = excluded.lines, state = 'new', version = mine.version + 1,
        seen_at = ledger_now()
    WHERE mine.modified_at <= excluded.modified_at AND mine.data <> excluded.data"""


def see(ledger: Ledger, connection_id: int, rows: Sequence[Seen]) -> int:
    """Keep records as they were seen; returns how many are new or changed.

    The same record seen again is nothing, one seen late (an older WHENMODIFIED) is not believed.
    """
    by_key = {(row.object, row.record_no): row for row in rows}
    written = [
        {
            "object": row.object,
            "record_no": row.record_no,
            "parent_no": row.parent_no,
            "target_no": row.target_no,
            "credit_no": row.credit_no,
            "modified_at": row.modified_at.isoformat(),
            "data": dict(row.data),
            "lines": None if row.lines is None else [dict(line) for line in row.lines],
        }
        for row in by_key.values()
    ]
    if not written:
        return 0
    changed = ledger.execute(SEE, {"connection": connection_id, "rows": Jsonb(written, dumps=_dump)}).rowcount
    if changed >= MANY:
        ledger.execute("ANALYZE pulled")
    return changed


def _dump(rows: object) -> str:
    """JSON without the NUL characters that `jsonb` refuses."""
    return json.dumps(rows).replace("\\u0000", "")


def without_lines(ledger: Ledger, connection_id: int, object_name: str, limit: int) -> list[int]:
    """Records whose lines were not read since they were seen changed."""
    rows = ledger.execute(
        """SELECT record_no FROM pulled WHERE connection_id = %s AND object = %s AND state = 'new' AND lines IS NULL
           ORDER BY record_no LIMIT %s""",
        [connection_id, object_name, limit],
    ).fetchall()
    return [row["record_no"] for row in rows]


def fresh_for_s(
    ledger: Ledger, connection_id: int, object_name: str, record_nos: Collection[int], seconds: float
) -> float:
    """How long until the last of these was seen so many seconds ago, by the ledger's clock alone."""
    row = one(
        ledger,
        """SELECT coalesce(max(extract(epoch FROM seen_at - ledger_now())), -%(seconds)s)::float8 AS seen_in_s
           FROM pulled
           WHERE connection_id = %(connection)s AND object = %(object)s AND record_no = ANY(%(numbers)s)""",
        {"connection": connection_id, "object": object_name, "numbers": list(record_nos), "seconds": seconds},
    )
    return max(0.0, min(seconds, seconds + float(row["seen_in_s"])))


def unknown_vendors(ledger: Ledger, connection_id: int, limit: int) -> list[str]:
    """VENDORIDs of new bills that the reference data does not hold."""
    rows = ledger.execute(
        """SELECT DISTINCT p.data ->> 'VENDORID' AS vendor FROM pulled p
           WHERE p.connection_id = %(connection)s AND p.object = 'APBILL' AND p.state = 'new'
             AND coalesce(p.data ->> 'VENDORID', '') <> '' AND NOT EXISTS (
               SELECT FROM reference r WHERE r.connection_id = p.connection_id AND r.source = 'intacct'
                 AND r.topic = 'vendor' AND r.key = p.data ->> 'VENDORID') ORDER BY 1 LIMIT %(limit)s""",
        {"connection": connection_id, "limit": limit},
    ).fetchall()
    return [row["vendor"] for row in rows]


def versions(ledger: Ledger, connection_id: int, object_name: str, record_nos: Collection[int]) -> dict[int, int]:
    """Version by record."""
    rows = ledger.execute(
        "SELECT record_no, version FROM pulled WHERE connection_id = %s AND object = %s AND record_no = ANY(%s)",
        [connection_id, object_name, list(record_nos)],
    ).fetchall()
    return {row["record_no"]: row["version"] for row in rows}


def add_lines(
    ledger: Ledger,
    connection_id: int,
    object_name: str,
    lines: Mapping[int, Sequence[Mapping[str, str]]],
    versions: Mapping[int, int],
) -> None:
    """Keep the lines of records that were not seen changed since (`versions`)."""
    rows = [
        {"record_no": number, "version": versions[number], "lines": [dict(line) for line in held]}
        for number, held in lines.items()
        if number in versions
    ]
    ledger.execute(
        """UPDATE pulled p SET lines = g.lines
           FROM jsonb_to_recordset(%s) AS g (record_no bigint, version integer, lines jsonb)
           WHERE p.connection_id = %s AND p.object = %s AND p.record_no = g.record_no AND p.version = g.version""",
        [Jsonb(rows, dumps=_dump), connection_id, object_name],
    )


OWN_BILL = """EXISTS (SELECT FROM operation o WHERE o.connection_id = p.connection_id AND o.object = 'APBILL'
    AND o.verb = 'create' AND o.state IN ('sending', 'uncertain') AND o.natural_key = p.data ->> 'RECORDID')"""
"""SQL: bill `p` may be one that we are making right now."""

THINK_AGAIN = """UPDATE pulled p SET state = 'new' FROM link l
    WHERE p.connection_id = %(connection)s AND p.state = 'unknown' AND l.connection_id = p.connection_id
      AND l.linked_at >= p.thought_at AND (
        (l.object = ANY(CASE p.object WHEN 'ARPYMTDETAIL' THEN ARRAY['ARINVOICE', 'ARADJUSTMENT']
                                      ELSE ARRAY['APBILL', 'APADJUSTMENT'] END)
            AND l.record_no = ANY(ARRAY[p.target_no::text, p.credit_no::text])))"""


def think_again(ledger: Ledger, connection_id: int) -> None:
    """Records that named no document of ours are new once there is one; bills once none of ours is in doubt."""
    ledger.execute(THINK_AGAIN, {"connection": connection_id})
    ledger.execute(
        f"""UPDATE pulled p SET state = 'new' WHERE p.connection_id = %s AND p.state = 'unknown'
               AND p.object = 'APBILL' AND NOT {OWN_BILL}""".encode(),
        [connection_id],
    )


def payments_without_header(ledger: Ledger, connection_id: int, payment_object: str, limit: int) -> list[int]:
    """Payments of which details were seen and the header was not."""
    rows = ledger.execute(
        """SELECT DISTINCT d.parent_no FROM pulled d WHERE d.connection_id = %(connection)s AND d.object = %(detail)s
               AND d.state = 'new' AND NOT EXISTS (SELECT FROM pulled h WHERE h.connection_id = d.connection_id
                   AND h.object = %(header)s AND h.record_no = d.parent_no) ORDER BY 1 LIMIT %(limit)s""",
        {
            "connection": connection_id,
            "header": payment_object,
            "detail": f"{payment_object}DETAIL",
            "limit": limit,
        },
    ).fetchall()
    return [row["parent_no"] for row in rows]


def payments_without_details(ledger: Ledger, connection_id: int, payment_object: str, limit: int) -> list[int]:
    """Payments of which the header was seen and no detail was."""
    rows = ledger.execute(
        """SELECT h.record_no FROM pulled h WHERE h.connection_id = %(connection)s AND h.object = %(header)s
               AND h.state = 'new' AND NOT EXISTS (SELECT FROM pulled d WHERE d.connection_id = h.connection_id
                   AND d.object = %(detail)s AND d.parent_no = h.record_no) ORDER BY 1 LIMIT %(limit)s""",
        {
            "connection": connection_id,
            "header": payment_object,
            "detail": f"{payment_object}DETAIL",
            "limit": limit,
        },
    ).fetchall()
    return [row["record_no"] for row in rows]


def new_payments(ledger: Ledger, connection_id: int, payment_object: str, limit: int) -> list[int]:
    """Payments of which something is new, the oldest first."""
    rows = ledger.execute(
        """SELECT DISTINCT coalesce(parent_no, record_no) AS payment_no FROM pulled
           WHERE connection_id = %s AND object IN (%s, %s) AND state = 'new' ORDER BY 1 LIMIT %s""",
        [connection_id, payment_object, f"{payment_object}DETAIL", limit],
    ).fetchall()
    return [row["payment_no"] for row in rows]


def new_records(ledger: Ledger, connection_id: int, object_name: str, limit: int) -> list[dict[str, Any]]:
    """New records of an object whose lines are known: number, version, data, lines, link, document, `is_own`."""
    return ledger.execute(
        f"""SELECT p.record_no, p.version, p.data, p.lines, l.document_id, coalesce(d.inbound, false) AS inbound,
               d.state AS document_state, {OWN_BILL} AS is_own
           FROM pulled p LEFT JOIN link l ON l.connection_id = p.connection_id AND l.object = p.object
               AND l.record_no = p.record_no::text LEFT JOIN document d ON d.id = l.document_id
           WHERE p.connection_id = %s AND p.object = %s AND p.state = 'new' AND p.lines IS NOT NULL
           ORDER BY p.record_no LIMIT %s""".encode(),
        [connection_id, object_name, limit],
    ).fetchall()


def payment_rows(
    ledger: Ledger, connection_id: int, payment_object: str, payment_nos: Collection[int]
) -> list[dict[str, Any]]:
    """Headers and details of payments."""
    return ledger.execute(
        """SELECT object, record_no, parent_no, target_no, credit_no, version, data FROM pulled
           WHERE connection_id = %(connection)s AND (
               (object = %(header)s AND record_no = ANY(%(numbers)s))
               OR (object = %(detail)s AND parent_no = ANY(%(numbers)s))) ORDER BY object, record_no""",
        {
            "connection": connection_id,
            "header": payment_object,
            "detail": f"{payment_object}DETAIL",
            "numbers": list(payment_nos),
        },
    ).fetchall()


def settle(ledger: Ledger, connection_id: int, rows: Sequence[tuple[str, int, int, str]]) -> None:
    """Records that were thought about: (object, number, version, state); one that was seen changed since stays new."""
    ledger.execute(
        """UPDATE pulled p SET state = g.state::pulled_state, thought_at = ledger_now()
           FROM unnest(%s::text[], %s::bigint[], %s::integer[], %s::text[]) AS g (object, record_no, version, state)
           WHERE p.connection_id = %s AND p.object = g.object AND p.record_no = g.record_no
             AND p.version = g.version""",
        [*([row[place] for row in rows] for place in range(4)), connection_id],
    )
