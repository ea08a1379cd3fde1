"""Receipts: groups of entries, each of which pays an invoice, a bill or an expense.

Saving, changing or deleting a group changes what its documents have received; `invoice_id` is the id of
the document of the entry's `sales_doc_type`. By setting that is a change of the document too.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.scoro.errors import BadRequestError
from sandbox.scoro.fields import decimal_of, places
from sandbox.scoro.modules import MODULES
from sandbox.scoro.store import Record

if TYPE_CHECKING:
    from sandbox.scoro.site import Site

PAYABLE = ("invoices", "bills", "expenses")


def complete(site: "Site", head: dict[str, Any]) -> None:
    """Give the entries of a group their numbers and sum; BadRequestError if one pays nothing that exists."""
    kind = head.get("sales_doc_type", "invoices")
    if kind not in PAYABLE:
        raise BadRequestError(f"sales_doc_type {kind!r} is unknown", "sales_doc_type")
    entries = [_entry(site, head, kind, entry) for entry in head.get("receipts", [])]
    head["receipts"] = entries
    head["sum"] = str(sum((Decimal(entry["sum"]) for entry in entries), Decimal("0.00")))


def _entry(site: "Site", head: dict[str, Any], kind: str, given: Any) -> dict[str, Any]:
    try:
        document_id, amount = int(given["invoice_id"]), places(decimal_of(given["sum"]), 2)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise BadRequestError("receipts need invoice_id and sum", "receipts") from error
    document = site.store.get(kind, document_id)
    if document is None or document.deleted is not None:
        raise BadRequestError(f"{kind} {document_id} does not exist", "invoice_id")
    payer = site.store.get("contacts", int(head.get("contact_id") or document.head.get("company_id", 0)))
    return {
        "receipt_id": int(given.get("receipt_id") or site.store.sequence("receipt")),
        "date": given.get("date") or head.get("date"),
        "invoice_id": document_id,
        "prepayment_id": given.get("prepayment_id"),
        "sum": amount,
        "sales_doc_type": kind,
        "contact_id": payer.id if payer else 0,
        "contact_name": payer.head.get("name", "") if payer else "",
    }


def settle(site: "Site", before: Record | None, after: Record | None) -> None:
    """Take back what a group paid before and pay what it pays now."""
    difference: dict[tuple[str, int], Decimal] = {}
    for record, sign in ((before, -1), (after, 1)):
        for entry in record.head["receipts"] if record else []:
            key = (entry["sales_doc_type"], entry["invoice_id"])
            difference[key] = difference.get(key, Decimal(0)) + sign * Decimal(entry["sum"])
    for (kind, document_id), amount in difference.items():
        document = site.store.get(kind, document_id)
        if document is not None and amount:
            paid = Decimal(document.head.get("_paid", "0.00")) + amount
            site.put_paid(MODULES[kind], document, paid, touch=site.settings.receipt_changes_document)
