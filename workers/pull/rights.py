"""The rights that the Web Services user of Intacct needs, and how reading ones are tried.

Each object is asked for one row, in the request that reads the background data anyway. Rights to write cannot be tried
without writing; they are named for people beside the reading ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from clients.intacct.catalogue import classify
from schemas.intacct.functions import Function, expression, get_list, query
from schemas.intacct.results import FunctionResult


@dataclass(frozen=True, slots=True)
class Right:
    """What one object takes: where the role names it, what we do with it, and the settings that need it."""

    object: str
    place: str
    writes: str
    needed_by: tuple[str, ...]
    """Keys of settings; empty: nothing goes without it."""

    @property
    def words(self) -> str:
        """What a role must grant."""
        return f"{self.place} ({', '.join(('List', 'View', *self.writes.split()))})"


RIGHTS: tuple[Right, ...] = (
    Right("GLACCOUNT", "General Ledger: Accounts", "", ()),
    Right("TAXDETAIL", "Taxes: Tax details", "", ()),
    Right("CUSTOMER", "Accounts Receivable: Customers", "Add", ("data.invoices.enabled",)),
    Right("ARINVOICE", "Accounts Receivable: Invoices", "Add Edit Delete", ("data.invoices.enabled",)),
    Right("ARADJUSTMENT", "Accounts Receivable: Adjustments", "Add Edit Delete", ("data.invoices.enabled",)),
    Right("VENDOR", "Accounts Payable: Vendors", "Add", ("data.bills.enabled", "data.expenses.enabled")),
    Right("APBILL", "Accounts Payable: Bills", "Add Edit Delete", ("data.bills.enabled", "data.expenses.enabled")),
    Right("APADJUSTMENT", "Accounts Payable: Adjustments", "Add Edit Delete", ("data.bills.enabled",)),
    Right("ARPYMT", "Accounts Receivable: Receive payments", "Add", ("data.receipts.enabled",)),
    Right("ARPYMTDETAIL", "Accounts Receivable: Receive payments", "", ("data.receipts.enabled",)),
    Right("APPYMT", "Accounts Payable: Pay bills", "", ("data.receipts.enabled",)),
    Right("APPYMTDETAIL", "Accounts Payable: Pay bills", "", ("data.receipts.enabled",)),
    Right("PROJECT", "Projects: Projects", "Add Edit", ("data.projects.enabled",)),
    Right("SUPDOC", "Company: Attachments", "Add Edit", ("data.files.enabled",)),
)
"""In the order in which people read them."""

NOBODY = "0"
"""A key that no record has: attachments are read with all their bytes."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A right that the user does not have, in Intacct's own words."""

    right: Right
    said: str


def probes() -> dict[str, Function]:
    """One read of each object, by object."""
    return {right.object: _probe(right.object) for right in RIGHTS}


def _probe(object_name: str) -> Function:
    if object_name == "SUPDOC":
        return get_list("supdoc", expression("supdocid", "=", NOBODY), ("supdocid",), 1)
    return query(object_name, ("RECORDNO",), page_size=1)


def missing(answers: Mapping[str, FunctionResult | None]) -> list[Missing]:
    """The rights that these answers of `probes` say are missing; other errors say nothing about rights."""
    found = []
    for right in RIGHTS:
        answer = answers.get(right.object)
        if answer is None or answer.succeeded:
            continue
        classified = classify(answer.errors)
        if classified.code == "no_permission":
            found.append(Missing(right, classified.text))
    return found
