"""From payments of Intacct to receipts of Scoro. Pure.

A payment is a header with details; a detail says what it pays of one document, in money, by a credit, or both. Each
document that a payment pays gets one receipt of its own: Scoro's receipt groups could hold several, but a group has one
contact and one kind of document, and one of its receipts could not be taken back by itself.

A credit that is applied to a document (`ADJUSTMENTKEY`) settles both: a receipt on the document that it pays, and one
of the opposite sign on the credit. So the two stand settled in Scoro as they do in Intacct, and no money moves.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from schemas.intacct.dates import day_of
from schemas.money import ZERO, cents

Row = Mapping[str, str]

PAYMENTS = ("ARPYMT", "APPYMT")
PAID = {"ARPYMT": ("ARINVOICE", "ARADJUSTMENT"), "APPYMT": ("APBILL", "APADJUSTMENT")}
"""Payment -> objects of the documents that it pays, and of the credits that it uses."""

HEADER_FIELDS = {
    "ARPYMT": ("RECORDNO", "FINANCIALENTITY", "STATE", "DOCNUMBER", "WHENCREATED", "RECEIPTDATE", "CURRENCY"),
    "APPYMT": ("RECORDNO", "FINANCIALENTITY", "STATE", "DOCNUMBER", "WHENCREATED", "CURRENCY"),
}
DETAIL_FIELDS = (
    "RECORDNO",
    "RECORDKEY",
    "POSADJKEY",
    "ADJUSTMENTKEY",
    "PAYMENTKEY",
    "PAYMENTDATE",
    "TRX_PAYMENTAMOUNT",
    "TRX_ADJUSTMENTAMOUNT",
    "CURRENCY",
    "STATE",
)

NOT_YET = frozenset({"d", "draft", "s", "submitted", "pa", "partially approved", "a", "approved", "u", "declined"})
"""States (of `query` or their codes) of a payment that has not been made."""
TAKEN_BACK = frozenset({"v", "void", "voided", "reversed", "reversal", "deleted"})
"""States of a payment, or of one of its details, that has been undone."""


@dataclass(frozen=True, slots=True)
class PaidDocument:
    """A document of ours that a payment pays."""

    id: int
    label: str
    currency: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one payment pays of one document; `sum` is negative where it takes from a credit."""

    paid: PaidDocument
    sum: Decimal
    currency: str
    date: date
    bank: str
    number: str

    @property
    def intent(self) -> dict[str, str | int]:
        """As the ledger keeps it."""
        return {
            "paid": self.paid.id,
            "sum": str(self.sum),
            "currency": self.currency,
            "date": self.date.isoformat(),
            "bank": self.bank,
            "payment": self.number,
        }

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what Scoro is given."""
        told = {name: value for name, value in self.intent.items() if name != "payment"}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Understood:
    """What a payment comes to: its receipts (none for one that was taken back), and what it names beside ours."""

    receipts: tuple[Receipt, ...] = ()
    unknown: frozenset[int] = frozenset()
    """Details (by RECORDNO) that name no document of ours."""


def understand(
    payment_object: str,
    header: Row | None,
    details: Mapping[int, Row],
    documents: Mapping[tuple[str, str], PaidDocument],
    starts_on: date,
) -> Understood:
    """Read one payment; `documents` are those of ours by (object, RECORDNO).

    Drafts, payments taken back and those dated before `starts_on` have no receipts.
    """
    paid_object, credit_object = PAID[payment_object]
    sums: dict[int, Decimal] = defaultdict(Decimal)
    paid: dict[int, PaidDocument] = {}
    currencies: dict[int, str] = {}
    days: dict[int, date] = {}
    unknown: set[int] = set()
    for number, row in sorted(details.items()):
        for key, amount in _shares(paid_object, credit_object, row):
            document = documents.get(key)
            if document is None:
                unknown.add(number)
            elif amount and row.get("STATE", "").strip().casefold() not in TAKEN_BACK:
                paid[document.id] = document
                sums[document.id] += amount
                currencies[document.id] = row.get("CURRENCY") or (header or {}).get("CURRENCY", "")
                if (day := day_of(row.get("PAYMENTDATE", ""))) is not None:
                    days[document.id] = day
    if header is None or not is_live(header.get("STATE", "")):
        return Understood((), frozenset(unknown))
    made = day_of(header.get("RECEIPTDATE", "")) or day_of(header.get("WHENCREATED", ""))
    receipts = []
    for document_id, amount in sums.items():
        day = made or days.get(document_id)
        if amount and day is not None and day >= starts_on:
            document = paid[document_id]
            receipts.append(
                Receipt(
                    document,
                    amount,
                    currencies[document_id] or document.currency,
                    day,
                    header.get("FINANCIALENTITY", ""),
                    header.get("DOCNUMBER", "") or header["RECORDNO"],
                )
            )
    return Understood(tuple(receipts), frozenset(unknown))


def is_live(state: str) -> bool:
    """Whether a payment in this state has been made and not taken back; one without a state has."""
    return state.strip().casefold() not in NOT_YET | TAKEN_BACK


def keys_of(payment_object: str, rows: Sequence[Row]) -> set[tuple[str, str]]:
    """The documents and credits that details name, by (object, RECORDNO)."""
    paid_object, credit_object = PAID[payment_object]
    return {key for row in rows for key, _ in _shares(paid_object, credit_object, row)}


def _shares(paid_object: str, credit_object: str, row: Row) -> list[tuple[tuple[str, str], Decimal]]:
    """What a detail settles of which records, credits with the opposite sign."""
    credit = abs(_money(row.get("TRX_ADJUSTMENTAMOUNT", "")))
    money = _money(row.get("TRX_PAYMENTAMOUNT", ""))
    target = (paid_object, row["RECORDKEY"]) if row.get("RECORDKEY") else (credit_object, row.get("POSADJKEY", ""))
    shares = [(target, money + credit)]
    if row.get("ADJUSTMENTKEY"):
        shares.append(((credit_object, row["ADJUSTMENTKEY"]), -credit))
    return [(key, amount) for key, amount in shares if key[1]]


def _money(text: str) -> Decimal:
    try:
        return cents(Decimal(text.strip() or 0))
    except InvalidOperation:
        return ZERO
