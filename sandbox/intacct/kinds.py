"""The four kinds of documents, what they have in common and where they differ."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DocumentKind:
    """A header object with its lines, the party it is for, and the elements its legacy functions use."""

    object: str
    noun: str
    party: str
    tax_type: str
    record_type: str
    module: str
    number_element: str
    reference_element: str
    number_error: str = "number_missing"
    has_terms: bool = False
    one_sign: bool = False

    @property
    def item(self) -> str:
        """Object of the lines."""
        return f"{self.object}ITEM"

    @property
    def party_id(self) -> str:
        """Field with the party's id."""
        return f"{self.party}ID"

    @property
    def payable(self) -> bool:
        """Whether it belongs to Accounts Payable."""
        return self.party == "VENDOR"

    @property
    def credit(self) -> bool:
        """Whether it is an adjustment, whose lines may be negative."""
        return self.object.endswith("ADJUSTMENT")


INVOICE = DocumentKind(
    "ARINVOICE", "invoice", "CUSTOMER", "Sale", "ri", "4.AR", "invoiceno", "ponumber", has_terms=True
)
BILL = DocumentKind(
    "APBILL",
    "bill",
    "VENDOR",
    "Purchase",
    "pi",
    "3.AP",
    "billno",
    "ponumber",
    number_error="bill_number_missing",
    has_terms=True,
)
AR_ADJUSTMENT = DocumentKind(
    "ARADJUSTMENT", "aradjustment", "CUSTOMER", "Sale", "ra", "4.AR", "adjustmentno", "invoiceno"
)
AP_ADJUSTMENT = DocumentKind(
    "APADJUSTMENT",
    "apadjustment",
    "VENDOR",
    "Purchase",
    "pa",
    "3.AP",
    "adjustmentno",
    "billno",
    one_sign=True,
)

KINDS: Mapping[str, DocumentKind] = {kind.object: kind for kind in (INVOICE, BILL, AR_ADJUSTMENT, AP_ADJUSTMENT)}
BY_NOUN: Mapping[str, DocumentKind] = {kind.noun: kind for kind in KINDS.values()}

TERMS_DAYS: Mapping[str, int] = {"Due on receipt": 0, "N7": 7, "N14": 14, "N15": 15, "N30": 30, "N45": 45, "N60": 60}
"""Payment terms of the company -> days until due."""
