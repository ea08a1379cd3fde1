"""Receipts: what one payment of Intacct pays of one document."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from db.database import Ledger, one


def paid_documents(ledger: Ledger, connection_id: int, records: Collection[tuple[str, str]]) -> list[dict[str, Any]]:
    """The documents of ours that are these records of Intacct (object, RECORDNO)."""
    return ledger.execute(
        """SELECT l.object, l.record_no, d.id, d.kind, d.number, coalesce(d.currency, '') AS currency
           FROM unnest(%s::text[], %s::text[]) AS g (object, record_no)
           JOIN link l ON l.connection_id = %s AND l.object = g.object AND l.record_no = g.record_no
           JOIN document d ON d.id = l.document_id""",
        [[key[0] for key in records], [key[1] for key in records], connection_id],
    ).fetchall()


def of_payments(
    ledger: Ledger, connection_id: int, payment_object: str, payment_nos: Collection[int]
) -> dict[tuple[int, int], int]:
    """Receipt documents by (payment, paid document)."""
    rows = ledger.execute(
        """SELECT payment_no, paid_document_id, document_id FROM receipt
           WHERE connection_id = %s AND payment_object = %s AND payment_no = ANY(%s)""",
        [connection_id, payment_object, list(payment_nos)],
    ).fetchall()
    return {(row["payment_no"], row["paid_document_id"]): row["document_id"] for row in rows}


def add(ledger: Ledger, connection_id: int, payment_object: str, receipts: Sequence[tuple[int, int, int]]) -> None:
    """Keep (document, payment, paid document) of new receipts."""
    ledger.execute(
        """INSERT INTO receipt (document_id, connection_id, payment_object, payment_no, paid_document_id)
           SELECT g.document_id, %s, %s, g.payment_no, g.paid
           FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS g (document_id, payment_no, paid)""",
        [connection_id, payment_object, *([row[place] for row in receipts] for place in range(3))],
    )


def paid_records(ledger: Ledger, document_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Of receipt documents: the document that each pays."""
    rows = ledger.execute(
        """SELECT r.document_id, d.id, d.kind, d.module, d.scoro_id, d.number, d.currency
           FROM receipt r JOIN document d ON d.id = r.paid_document_id WHERE r.document_id = ANY(%s)""",
        [list(document_ids)],
    ).fetchall()
    return {row["document_id"]: row for row in rows}


def of_document(ledger: Ledger, document_id: int) -> list[int]:
    """The receipts of a document, or the receipt (or bill) that it is."""
    rows = ledger.execute(
        """SELECT document_id FROM receipt WHERE paid_document_id = %(id)s
           UNION SELECT id FROM document WHERE id = %(id)s AND inbound""",
        {"id": document_id},
    ).fetchall()
    return [row["document_id"] for row in rows]


def booked(ledger: Ledger, document_ids: Collection[int]) -> dict[int, Decimal]:
    """What the receipts of ours that stand in Scoro add up to, by the document that they pay."""
    rows = ledger.execute(
        """SELECT r.paid_document_id, sum(d.amount) AS sum FROM receipt r JOIN document d ON d.id = r.document_id
           JOIN link l ON l.document_id = d.id AND l.source_fingerprint <> ''
           WHERE r.paid_document_id = ANY(%s) AND d.scoro_id IS NOT NULL GROUP BY 1""",
        [list(document_ids)],
    ).fetchall()
    return {row["paid_document_id"]: row["sum"] for row in rows}


def entity_was_connected_before(ledger: Ledger, connection_id: int) -> bool:
    """Whether the Scoro entity was connected before: its receipts may be of that time."""
    row = one(
        ledger,
        """SELECT EXISTS (SELECT FROM connection c JOIN connection o ON o.site_id = c.site_id
               AND o.scoro_entity = c.scoro_entity AND o.id <> c.id WHERE c.id = %s) AS yes""",
        [connection_id],
    )
    return bool(row["yes"])
