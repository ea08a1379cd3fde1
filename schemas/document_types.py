"""What is synced from Scoro to Intacct, by module: the one table that intake, webhooks, commands and documents read.

Adding a module is adding a row here, and a translator for each of its kinds in `workers.translation`. The kind of a
document may change inside its module (an invoice becomes a credit invoice), its module never does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from schemas.arrivals import ARRIVALS
from schemas.kinds import Kind, RecordRef
from schemas.mapping import (
    BILL_MAPPING,
    EXPENSE_MAPPING,
    FILE_MAPPING,
    INVOICE_MAPPING,
    PARTY_MAPPING,
    PROJECT_MAPPING,
    MappingRow,
    MappingSection,
    mapping_document,
)
from schemas.scoro import (
    Document,
    File,
    Invoice,
    Reader,
    Record,
    Synced,
    read_bill,
    read_contact,
    read_expense,
    read_file,
    read_invoice,
    read_project,
)
from schemas.settings import ConnectionSettings


@dataclass(frozen=True, slots=True)
class DocumentType:
    """One module of Scoro: how its records are read, what of them counts, and what they need in Intacct.

    `kinds` are those of its documents; what was captured and is not read yet counts as the first. `entity_type` is
    Scoro's word for it in webhooks, None where Scoro sends none. `dimensions` is the toggle of `dimensions.*` that
    holds for it. `needs` names the records that a document needs in Intacct before it can be posted, `mentions` further
    ones that it only names. `deactivates`: what is deleted or cancelled in Scoro stays in Intacct, as an inactive
    record. `carriers`: it does not go by itself but with these documents, which are read instead.
    """

    kinds: tuple[Kind, ...]
    entity_type: str | None
    reader: Reader[Synced]
    mapping: tuple[MappingRow, ...]
    dimensions: Literal["invoices", "bills"]
    needs: Callable[[Synced], Sequence[RecordRef]] = field(default=lambda _: ())
    mentions: Callable[[Synced], Sequence[RecordRef]] = field(default=lambda _: ())
    deactivates: bool = False
    carriers: Callable[[Synced], Sequence[RecordRef]] | None = None

    @property
    def module(self) -> str:
        """Scoro's module."""
        return self.kinds[0].module

    def needed(self, document: Synced, settings: ConnectionSettings) -> list[RecordRef]:
        """The records that a document needs; projects only where they are synced at all."""
        return [ref for ref in self.needs(document) if ref.kind is not Kind.PROJECT or settings.data.projects.enabled]

    def refers_to(self, document: Synced, settings: ConnectionSettings) -> list[RecordRef]:
        """All records that a document needs or mentions."""
        return [*self.needed(document, settings), *self.mentions(document)]


@dataclass(frozen=True, slots=True)
class RecordSource:
    """Where Scoro keeps what a needed record is made from, and what that needs itself."""

    module: str
    reader: Reader[Record]
    needs: Callable[[Record], Sequence[RecordRef]] = field(default=lambda _: ())


def _party(role: Kind) -> Callable[[Record], Sequence[RecordRef]]:
    def needed(record: Record) -> Sequence[RecordRef]:
        party_id = record.party_id if isinstance(record, Synced) else None
        return (RecordRef(role, party_id),) if party_id else ()

    return needed


def _party_and_projects(role: Kind) -> Callable[[Synced], Sequence[RecordRef]]:
    party = _party(role)

    def needed(document: Synced) -> Sequence[RecordRef]:
        ids = document.project_ids if isinstance(document, Document) else ()
        return (*party(document), *(RecordRef(Kind.PROJECT, project_id) for project_id in ids))

    return needed


def _credited_invoices(document: Synced) -> Sequence[RecordRef]:
    credited = document.credited_invoices if isinstance(document, Invoice) else ()
    return tuple(RecordRef(Kind.INVOICE, scoro_id) for scoro_id in credited)


def _attached_to(file: Synced) -> Sequence[RecordRef]:
    relations = file.relations if isinstance(file, File) else {}
    return [
        RecordRef(kind, scoro_id)
        for kind in (Kind.INVOICE, Kind.BILL, Kind.EXPENSE)
        for scoro_id in relations.get(kind.module, ())
    ]


DOCUMENT_TYPES: Mapping[str, DocumentType] = {
    type_.module: type_
    for type_ in (
        DocumentType(
            kinds=(Kind.INVOICE, Kind.CREDIT_INVOICE),
            entity_type="invoice",
            reader=read_invoice,
            mapping=INVOICE_MAPPING,
            dimensions="invoices",
            needs=_party_and_projects(Kind.CUSTOMER),
            mentions=_credited_invoices,
        ),
        DocumentType(
            kinds=(Kind.BILL, Kind.CREDIT_BILL),
            entity_type="bill",
            reader=read_bill,
            mapping=BILL_MAPPING,
            dimensions="bills",
            needs=_party_and_projects(Kind.VENDOR),
        ),
        DocumentType(
            kinds=(Kind.EXPENSE,),
            entity_type="expense",
            reader=read_expense,
            mapping=EXPENSE_MAPPING,
            dimensions="bills",
            needs=_party_and_projects(Kind.VENDOR),
        ),
        DocumentType(
            kinds=(Kind.PROJECT,),
            entity_type="project",
            reader=read_project,
            mapping=PROJECT_MAPPING,
            dimensions="invoices",
            needs=_party(Kind.CUSTOMER),
            deactivates=True,
        ),
        DocumentType(
            kinds=(Kind.FILE,),
            entity_type=None,
            reader=read_file,
            mapping=FILE_MAPPING,
            dimensions="invoices",
            carriers=_attached_to,
        ),
    )
}
"""The types by Scoro's module."""

RECORD_SOURCES: Mapping[Kind, RecordSource] = {
    Kind.CUSTOMER: RecordSource("contacts", read_contact),
    Kind.VENDOR: RecordSource("contacts", read_contact),
    Kind.INVOICE: RecordSource("invoices", read_invoice),
    Kind.PROJECT: RecordSource("projects", read_project, _party(Kind.CUSTOMER)),
}
"""What documents need or mention, by kind: where it is read in Scoro if the ledger knows no record of it."""

SYNCED_KINDS: tuple[Kind, ...] = tuple(type_.kinds[0] for type_ in DOCUMENT_TYPES.values() if type_.carriers is None)
"""One kind of each module, to capture everything of the module by; what goes with others is captured by those."""


def document_type(kind: Kind) -> DocumentType | None:
    """The type of a kind; None for one that does not go from Scoro to Intacct."""
    type_ = DOCUMENT_TYPES.get(kind.module)
    return type_ if type_ and kind in type_.kinds else None


def webhook_kind(entity_type: str) -> Kind | None:
    """The kind by the singular `entityType` of Scoro's webhook (scoro-api, section 10); None for what is not synced."""
    return next((type_.kinds[0] for type_ in DOCUMENT_TYPES.values() if type_.entity_type == entity_type), None)


def mapping_page() -> str:
    """The mapping of all types as Markdown: `docs/mapping.md`."""
    sections: list[MappingSection] = []
    for type_ in DOCUMENT_TYPES.values():
        columns = tuple(f"{kind.noun.capitalize()} in Intacct" for kind in type_.kinds)
        for part, title in (("header", "header"), ("line", "lines")):
            if rows := [row for row in type_.mapping if row.part == part]:
                sections.append(MappingSection(f"{type_.module.capitalize()}: {title}", columns, rows))
    sections.append(MappingSection("New customers and vendors", ("Intacct",), PARTY_MAPPING))
    return mapping_document([*sections, *ARRIVALS])
