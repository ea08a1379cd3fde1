"""What is synced from Scoro to Intacct, by module: the one table that intake, webhooks, commands and documents read.

Adding a module is adding a row here, and a translator for each of its kinds in `workers.translation`. The kind of a
document may change inside its module (an invoice becomes a credit invoice), its module never does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from schemas.kinds import Kind, RecordRef
from schemas.mapping import CUSTOMER_MAPPING, INVOICE_MAPPING, MappingRow, mapping_document
from schemas.scoro import Document, Reader, Record, Synced, read_contact, read_invoice


@dataclass(frozen=True, slots=True)
class DocumentType:
    """One module of Scoro: how its records are read, what of them counts, and what they need in Intacct.

    `kinds` are those of its documents; what was captured and is not read yet counts as the first. `entity_type` is
    Scoro's word for it in webhooks, None where Scoro sends none. `dimensions` is the toggle of `dimensions.*` that
    holds for it. `needs` names the records that a document needs in Intacct before it can be posted.
    """

    kinds: tuple[Kind, ...]
    entity_type: str | None
    reader: Reader[Synced]
    mapping: tuple[MappingRow, ...]
    dimensions: Literal["invoices", "bills"]
    needs: Callable[[Synced], Sequence[RecordRef]] = field(default=lambda _: ())

    @property
    def module(self) -> str:
        """Scoro's module."""
        return self.kinds[0].module


@dataclass(frozen=True, slots=True)
class RecordSource:
    """Where Scoro keeps what a needed record is made from."""

    module: str
    reader: Reader[Record]


def _customer_of(document: Synced) -> Sequence[RecordRef]:
    party_id = document.party_id if isinstance(document, Document) else None
    return (RecordRef(Kind.CUSTOMER, party_id),) if party_id else ()


DOCUMENT_TYPES: Mapping[str, DocumentType] = {
    type_.module: type_
    for type_ in (
        DocumentType(
            kinds=(Kind.INVOICE, Kind.CREDIT_INVOICE),
            entity_type="invoice",
            reader=read_invoice,
            mapping=INVOICE_MAPPING,
            dimensions="invoices",
            needs=_customer_of,
        ),
    )
}
"""The types by Scoro's module."""

RECORD_SOURCES: Mapping[Kind, RecordSource] = {
    Kind.CUSTOMER: RecordSource("contacts", read_contact),
    Kind.VENDOR: RecordSource("contacts", read_contact),
}
"""What documents need, by kind: where it is read in Scoro if the ledger knows no record of it."""

SYNCED_KINDS: tuple[Kind, ...] = tuple(type_.kinds[0] for type_ in DOCUMENT_TYPES.values())
"""One kind of each module, to capture everything of the module by."""


def document_type(kind: Kind) -> DocumentType | None:
    """The type of a kind; None for one that does not go from Scoro to Intacct."""
    type_ = DOCUMENT_TYPES.get(kind.module)
    return type_ if type_ and kind in type_.kinds else None


def webhook_kind(entity_type: str) -> Kind | None:
    """The kind by the singular `entityType` of Scoro's webhook (scoro-api, section 10); None for what is not synced."""
    return next((type_.kinds[0] for type_ in DOCUMENT_TYPES.values() if type_.entity_type == entity_type), None)


def mapping_page() -> str:
    """The mapping of all types as Markdown: `docs/mapping.md`."""
    sections: dict[str, Sequence[MappingRow]] = {}
    for type_ in DOCUMENT_TYPES.values():
        noun = type_.kinds[0].noun
        article = "an" if noun[0] in "aeiou" else "a"
        sections[f"Header of {article} {noun}"] = [row for row in type_.mapping if row.part == "header"]
        sections[f"Lines of {article} {noun}"] = [row for row in type_.mapping if row.part == "line"]
    sections["New customers"] = CUSTOMER_MAPPING
    return mapping_document(sections)
