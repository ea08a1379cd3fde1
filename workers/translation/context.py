"""What a translation is given and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from schemas.intacct.functions import Function
from schemas.reference import ReferenceData
from schemas.scoro import Contact
from schemas.settings import ConnectionSettings


@dataclass(frozen=True, slots=True)
class CustomerRef:
    """The customer in Intacct that the invoice's payer is linked to."""

    customer_id: str


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """The invoice in Intacct that this one stands in already.

    `lines` maps our line keys to the numbers of their lines in Intacct, of removed lines too. `state` is Intacct's
    (`Draft`, `Posted`, ...). `previous` is the create or update posted last; None where it is not known.
    """

    recordno: str
    number: str
    lines: Mapping[str, int]
    state: str = "Posted"
    previous: Function | None = None


@dataclass(frozen=True, slots=True)
class InvoiceContext:
    """All that the translation of an invoice reads beside the invoice.

    `customer` is known from a link; else `contact` is the payer as Scoro knows it, from which one is found or made.
    `person` is the contact person; without it the invoice's `person_name` is used.
    """

    settings: ConnectionSettings
    reference: ReferenceData
    customer: CustomerRef | None = None
    contact: Contact | None = None
    person: Contact | None = None
    link: DocumentLink | None = None


@dataclass(frozen=True, slots=True)
class CustomerPlan:
    """The customer that the invoice needs, where no link named one: found in Intacct, or to be made by `function`."""

    contact_id: int
    customer_id: str
    function: Function | None = None
    notes: tuple[str, ...] = ()

    @property
    def matched(self) -> bool:
        """Whether Intacct has the customer already."""
        return self.function is None


@dataclass(frozen=True, slots=True)
class Translation:
    """One function for Intacct, and what the ledger keeps about it.

    `line_numbers` are the numbers that our line keys have in Intacct once the function has run. `net`, `vat` and
    `gross` are the header totals of Scoro in `currency`. `notes` are decisions made silently, a sentence each.
    """

    function: Function
    line_numbers: dict[str, int]
    number: str
    currency: str
    net: Decimal
    vat: Decimal
    gross: Decimal
    customer: CustomerPlan | None = None
    notes: tuple[str, ...] = field(default=())
