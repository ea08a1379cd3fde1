"""The header of a document, as both forms of Intacct's functions write it."""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal

from schemas.kinds import Kind, RecordRef
from schemas.money import has_cents
from schemas.scoro import Bill, Document, Expense, Invoice
from workers.translation.context import Context, RecordPlan
from workers.translation.faults import refused
from workers.translation.memos import MAX_TEXT_CHARACTERS, cut, one_line
from workers.translation.parties import plan_party

FORBIDDEN_IN_NUMBERS = re.compile(r"[\"'&<>#?]")
"""What Intacct rejects in document numbers (intacct-xml-api, section 8.1)."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says; empty texts are left out.

    `currency` and `rate` are None in the base currency. `credits` is the number of the document that it credits,
    `attachment` the record that holds its files.
    `posted_on` is the day of the general ledger where it is another than the document's.
    """

    number: str
    date: dt.date
    due: dt.date
    party: RecordRef
    party_id: str
    party_plan: RecordPlan | None
    description: str = ""
    reference: str = ""
    contact: str = ""
    credits: str = ""
    attachment: str = ""
    posted_on: dt.date | None = None
    currency: str | None = None
    rate: Decimal | None = None


def header_of(document: Document, party_kind: Kind, context: Context, notes: list[str]) -> Header:
    """Return the header of a document; raises DocumentError that names field and fix."""
    date = _checked(document)
    party, party_id, plan = plan_party(document, party_kind, context)
    description = one_line(document.description)
    if len(description) > MAX_TEXT_CHARACTERS:
        notes.append(f"The description was cut at {MAX_TEXT_CHARACTERS} characters.")
    currency, rate = _exchange(document, context, notes)
    recognised = document.recognition_date if isinstance(document, (Bill, Expense)) else None
    return Header(
        number=document.no,
        date=date,
        due=_due(document, date, notes),
        party=party,
        party_id=party_id,
        party_plan=plan,
        description=cut(description, MAX_TEXT_CHARACTERS),
        reference=one_line(document.reference_no),
        contact=_contact(document, context, notes),
        credits=_credited(document, context, notes),
        attachment=context.attachment,
        posted_on=recognised if recognised != date else None,
        currency=currency,
        rate=rate,
    )


def currency_of(document: Document, context: Context) -> str:
    """Return the document's currency, which is the base currency where it has none."""
    return document.currency.upper() or context.reference.base_currency


def _checked(document: Document) -> dt.date:
    if not document.no:
        raise refused(
            "no_document_number",
            f"{document.label}: its number (no) is empty.",
            f"Give the {document.noun} a number in Scoro and save it.",
            field="no",
        )
    if FORBIDDEN_IN_NUMBERS.search(document.no):
        raise refused(
            "document_number",
            f"{document.label}: its number (no) holds a character that Intacct rejects: one of \" ' & < > # ?",
            f"Give the {document.noun} a number in Scoro without these characters and save it.",
            field="no",
        )
    if document.date is None:
        raise refused(
            "document_date",
            f"{document.label} has no date of issue (date).",
            f"Set the date on the {document.noun} in Scoro and save it.",
            field="date",
        )
    return document.date


def _due(document: Document, date: dt.date, notes: list[str]) -> dt.date:
    if document.deadline is None and document.kind not in {Kind.CREDIT_INVOICE, Kind.CREDIT_BILL}:
        notes.append(f"The {document.noun} has no due date; its date of issue was used.")
    return document.deadline or date


def _contact(document: Document, context: Context, notes: list[str]) -> str:
    """Return the contact person of an invoice, if Intacct has a contact of that name; others have no place for one."""
    if document.kind is not Kind.INVOICE:
        return ""
    person = one_line(context.person.full_name if context.person else document.person_name)
    if not person or context.reference.knows_contact(person):
        return person
    notes.append(f"The contact person {person} is not a contact in Intacct and was left out.")
    return ""


def _credited(document: Document, context: Context, notes: list[str]) -> str:
    """Return the number of the first invoice that a credit invoice credits, as it is known here or in Scoro."""
    numbers: list[str] = []
    for scoro_id in document.credited_invoices if isinstance(document, Invoice) else ():
        ref = RecordRef(Kind.INVOICE, scoro_id)
        source = context.sources.get(ref)
        number = context.known.get(ref) or (source.no if isinstance(source, Document) else "")
        if number:
            numbers.append(number)
        else:
            notes.append(f"The credited invoice with id {scoro_id} is not known, so it is not named.")
    if len(numbers) > 1:
        notes.append(f"It credits {', '.join(numbers)}; its reference names the first one.")
    return numbers[0] if numbers else ""


def _exchange(document: Document, context: Context, notes: list[str]) -> tuple[str | None, Decimal | None]:
    reference, currency = context.reference, currency_of(document, context)
    if not document.currency:
        notes.append(f"The {document.noun} has no currency; {currency} was used.")
    if not has_cents(currency):
        raise refused(
            "currency_decimals",
            f"{document.label} is in {currency}, which has no two decimals; Scoro and Intacct keep two in every "
            "currency, so its amounts would not be what they seem.",
            f"Book it in Intacct by hand, or change its currency (currency) on the {document.noun} in Scoro.",
            field="currency",
            culprit=(currency,),
        )
    if currency == reference.base_currency:
        return None, None
    if currency not in reference.currencies:
        raise refused(
            "unknown_currency",
            f"{document.label}: its currency {currency} is not an active one.",
            f"Activate {currency} in Scoro and in Intacct and run `scoro-intacct sync background`, or change it on the"
            f" {document.noun}.",
            field="currency",
            culprit=(currency,),
        )
    rate = document.currency_rate or Decimal(0)
    if rate <= 0:
        raise refused(
            "exchange_rate",
            f"{document.label} in {currency} has no exchange rate (currency_rate).",
            f"Set the exchange rate of {currency} to {reference.base_currency} on the {document.noun} in Scoro and save"
            " it.",
            field="currency_rate",
            culprit=(currency,),
        )
    return currency, rate
