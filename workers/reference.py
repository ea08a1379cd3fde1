"""Reference data as translation wants it, built from the ledger and kept until something new is read."""

import threading
from collections import OrderedDict
from decimal import Decimal

from db import reference as stored
from db.connections import Connection
from db.database import Database
from db.reference import Item
from schemas.reference import (
    PARTY_KINDS,
    Account,
    DimensionValue,
    Party,
    ProjectRecord,
    ReferenceData,
    ScoroAccount,
    ScoroVatCode,
    TaxDetail,
)

MAX_KEPT = 64
"""Connections whose reference data stays in memory."""

DIMENSION = "dimension:"
"""Topics of dimension values are this and the dimension's objectName."""


class References:
    """Reference data by connection; read again when its version in the ledger moves."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: OrderedDict[int, tuple[int, ReferenceData]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, connection: Connection) -> ReferenceData:
        """The reference data of a connection as of its loading."""
        with self._lock:
            kept = self._kept.get(connection.id)
            if kept and kept[0] == connection.reference_version:
                self._kept.move_to_end(connection.id)
                return kept[1]
        data = build(connection, self._db.run(lambda ledger: stored.every(ledger, connection.id)))
        with self._lock:
            self._kept[connection.id] = (connection.reference_version, data)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return data


def build(connection: Connection, topics: dict[tuple[str, str], list[Item]]) -> ReferenceData:
    """Make `ReferenceData` from the ledger's rows."""

    def intacct(topic: str) -> list[Item]:
        return topics.get(("intacct", topic), [])

    def scoro(topic: str) -> list[Item]:
        return topics.get(("scoro", topic), [])

    requires = {i.key: tuple(i.data["requires"]) for i in intacct("account_dimensions")}
    return ReferenceData(
        base_currency=connection.base_currency,
        accounts=tuple(Account(i.key, i.data["title"], i.active, requires.get(i.key, ())) for i in intacct("account")),
        scoro_accounts=tuple(
            ScoroAccount(int(i.key), i.data["symbol"], i.data["name"], i.active) for i in scoro("account")
        ),
        tax_details=tuple(
            TaxDetail(
                i.key,
                Decimal(i.data["rate"]),
                i.data["type"],
                i.active,
                i.data["solution"],
                i.data.get("reverse_charge", False),
            )
            for i in intacct("tax_detail")
        ),
        vat_codes=tuple(
            ScoroVatCode(
                int(i.key),
                i.data["code"],
                Decimal(i.data["percent"]),
                i.data["name"],
                i.active,
                i.data.get("purchases", True),
            )
            for i in scoro("vat_code")
        ),
        dimensions={
            topic.removeprefix(DIMENSION): tuple(DimensionValue(i.key, i.data["name"], i.active) for i in items)
            for (source, topic), items in topics.items()
            if source == "intacct" and topic.startswith(DIMENSION)
        }
        | {
            kind.upper(): tuple(DimensionValue(i.key, i.data["name"], i.active) for i in intacct(kind))
            for kind in PARTY_KINDS
        },
        currencies=frozenset(i.key for i in scoro("currency") if i.active),
        multi_entity=connection.multi_entity,
        entity_id=connection.entity or None,
        tax_solution=connection.tax_solution,
        parties={
            kind: tuple(Party(i.key, i.data["name"], i.data["tax_id"]) for i in intacct(kind) if i.active)
            for kind in PARTY_KINDS
        },
        contact_names=frozenset(i.key for i in intacct("contact") if i.active),
        projects=tuple(
            ProjectRecord(i.key, i.data["name"], i.data.get("customer", ""), i.active, i.data.get("record_no", ""))
            for i in intacct(f"{DIMENSION}PROJECT")
        ),
        no_discount_products=frozenset(int(i.key) for i in scoro("product") if i.data["no_discounts"]),
    )
