"""Accounts, tax rates and dimension values of both sides, each with its counterpart on the other.

Counterparts are found by the very rules that documents are translated by, so a list shows what an invoice would get.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from console.actions.reference_kinds import Listed
from db import reference as stored
from db import reports
from db.connections import Connection
from db.database import Database
from schemas.document_types import DOCUMENT_TYPES
from schemas.errors import DocumentError
from schemas.reference import ReferenceData
from schemas.scoro import Document, DocumentLine
from workers.reference import DIMENSION, build
from workers.translation.accounts import line_account
from workers.translation.amounts import Rate
from workers.translation.taxes import tax_detail

Row = dict[str, Any]


TOPICS = {
    Listed.ACCOUNTS: ("account",),
    Listed.TAXES: ("tax\\_detail", "vat\\_code"),
    Listed.DIMENSIONS: (f"{DIMENSION}%",),
}


def rows(db: Database, connection: Connection, what: Listed) -> list[Row]:
    """Rows with id, name, counterpart, active, read_at, and what else each kind has; a missing counterpart is None."""
    found = db.run(lambda session: reports.reference(session, connection.id, TOPICS[what]))
    data = build(connection, db.run(lambda session: stored.every(session, connection.id)))
    make = {Listed.ACCOUNTS: _accounts, Listed.TAXES: _taxes, Listed.DIMENSIONS: _dimensions}[what]
    return make(found, connection, data)


def _accounts(found: list[Row], connection: Connection, data: ReferenceData) -> list[Row]:
    document = _document("invoices")
    forward = {row["key"]: _account_of(document, row, connection, data) for row in found if row["source"] == "scoro"}
    back = _reversed(forward, {row["key"]: row["data"]["symbol"] for row in found if row["source"] == "scoro"})
    return [
        {
            "source": row["source"],
            "id": row["key"],
            "number": row["data"].get("symbol", row["key"]),
            "name": row["data"].get("title") or row["data"].get("name"),
            "counterpart": forward[row["key"]] if row["source"] == "scoro" else back.get(row["key"]),
            "active": row["active"],
            "read_at": row["read_at"],
        }
        for row in found
    ]


def _account_of(document: Document, row: Row, connection: Connection, data: ReferenceData) -> str | None:
    line = DocumentLine(
        finance_account_id=int(row["key"]),
        finance_account_symbol=row["data"]["symbol"],
        finance_account_name=row["data"]["name"],
    )
    try:
        return line_account(document, line, connection.settings, data)
    except DocumentError:
        return None


def _taxes(found: list[Row], connection: Connection, data: ReferenceData) -> list[Row]:
    documents = [_document(module) for module in ("invoices", "bills") if module in DOCUMENT_TYPES]
    forward = {row["key"]: _details_of(documents, row, connection, data) for row in found if row["source"] == "scoro"}
    names = {row["key"]: row["data"]["code"] or row["data"]["name"] for row in found if row["source"] == "scoro"}
    back: dict[str, str] = {}
    for detail_id in {detail for details in forward.values() for detail in details}:
        back |= _reversed({key: detail_id for key, details in forward.items() if detail_id in details}, names)
    return [
        {
            "source": row["source"],
            "id": row["key"],
            "name": row["data"].get("name") or row["data"].get("code") or row["data"].get("description") or None,
            "rate": row["data"].get("rate") or row["data"].get("percent"),
            "type": row["data"].get("type"),
            "solution": row["data"].get("solution"),
            "counterpart": (
                ", ".join(forward[row["key"]]) or None if row["source"] == "scoro" else back.get(row["key"])
            ),
            "active": row["active"],
            "read_at": row["read_at"],
        }
        for row in found
    ]


def _details_of(documents: list[Document], row: Row, connection: Connection, data: ReferenceData) -> list[str]:
    """The tax details for sales and for purchases."""
    rate = Rate(Decimal(row["data"]["percent"]), int(row["key"]), row["data"]["code"])
    details = []
    for document in documents:
        try:
            details.append(tax_detail(document, rate, connection.settings, data).detail_id)
        except DocumentError:
            continue
    return list(dict.fromkeys(details))


def _dimensions(found: list[Row], connection: Connection, _: ReferenceData) -> list[Row]:
    fields = {name.upper(): field for name, field in connection.settings.dimensions.fields.items()}
    return [
        {
            "dimension": name,
            "id": row["key"],
            "name": row["data"].get("name"),
            "counterpart": fields.get(name.upper()),
            "active": row["active"],
            "read_at": row["read_at"],
        }
        for row in found
        for name in [row["topic"].removeprefix(DIMENSION)]
    ]


def _document(module: str) -> Document:
    """A document of a module that says nothing, to ask the rules with."""
    made = DOCUMENT_TYPES[module].reader({"id": 1, "sum": 0})
    if not isinstance(made, Document):
        raise TypeError(f"{module} hold no documents with lines")
    return made


def _reversed(forward: Mapping[str, str | None], names: Mapping[str, str]) -> dict[str, str]:
    """By counterpart, the names of those that lead to it."""
    back: dict[str, list[str]] = defaultdict(list)
    for key, counterpart in forward.items():
        if counterpart is not None:
            back[counterpart].append(names.get(key) or key)
    return {counterpart: ", ".join(held) for counterpart, held in back.items()}
