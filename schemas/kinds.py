"""The words for what is synced: kinds of document, Scoro's modules, states. The ledger's enums are the same words."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a row of the ledger's `document` table is. The last four are records that documents need, not documents."""

    INVOICE = "invoice"
    CREDIT_INVOICE = "credit_invoice"
    BILL = "bill"
    CREDIT_BILL = "credit_bill"
    EXPENSE = "expense"
    RECEIPT = "receipt"
    FILE = "file"
    PROJECT = "project"
    CUSTOMER = "customer"
    VENDOR = "vendor"
    FOLDER = "folder"
    ATTACHMENT = "attachment"

    @property
    def module(self) -> str:
        """Scoro's module: the space in which this kind's Scoro ids are unique."""
        return MODULES[self]

    @property
    def noun(self) -> str:
        """How sentences name one: `credit invoice`."""
        return self.replace("_", " ")


MODULES: dict[Kind, str] = {
    Kind.INVOICE: "invoices",
    Kind.CREDIT_INVOICE: "invoices",
    Kind.BILL: "bills",
    Kind.CREDIT_BILL: "bills",
    Kind.EXPENSE: "expenses",
    Kind.RECEIPT: "receipts",
    Kind.FILE: "files",
    Kind.PROJECT: "projects",
    Kind.CUSTOMER: "customers",
    Kind.VENDOR: "vendors",
    Kind.FOLDER: "folders",
    Kind.ATTACHMENT: "attachments",
}
"""Scoro's module by kind. `customers` and `vendors` are our two roles of one Scoro contact; `folders` and `attachments`
are ours alone: the id of an attachment is the ledger's id of the document that it holds the files of."""

RECORD_KINDS: tuple[Kind, ...] = (Kind.CUSTOMER, Kind.VENDOR, Kind.FOLDER, Kind.ATTACHMENT)
"""Records that documents need: nobody looks for them by themselves."""

DOCUMENT_KINDS: tuple[Kind, ...] = tuple(kind for kind in Kind if kind not in RECORD_KINDS)
"""The kinds that people see as documents."""


class RecordRef(NamedTuple):
    """A record by its kind and its id in Scoro's module; how documents name what they need."""

    kind: Kind
    scoro_id: int


class DocumentState(StrEnum):
    """Where a document stands; the ledger derives it from the newest operation."""

    WAITING = "waiting"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    POSTED = "posted"
    LINKED = "linked"
    HELD = "held"
    FAILED = "failed"
    SKIPPED = "skipped"
    IGNORED = "ignored"
    DELETED = "deleted"


class Purpose(StrEnum):
    """Why a request leaves for Intacct."""

    INTERACTIVE = "interactive"
    BULK = "bulk"
    LOOK_UP = "look_up"
    PULL = "pull"
    BACKGROUND = "background"
    RECONCILE = "reconcile"
