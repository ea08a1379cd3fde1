"""Documents of Scoro as functions of Intacct: a create, or an update where the document is linked."""

from collections.abc import Sequence
from dataclasses import replace

from schemas.kinds import Kind, RecordRef
from schemas.money import Money
from schemas.scoro import Document, Invoice
from schemas.settings import ConnectionSettings
from workers.translation import bills, legacy
from workers.translation.context import Context, Translation
from workers.translation.faults import refused, setting_command
from workers.translation.header import Header, currency_of, header_of
from workers.translation.legacy import Form, Written
from workers.translation.postings import Posting, postings
from workers.translation.projects import LineProjects, line_projects
from workers.translation.signs import as_credit, with_sign


def translate_invoice(document: Invoice, context: Context) -> Translation:
    """Return what to send for an invoice; raises DocumentError that names document, field and fix."""
    notes: list[str] = []
    header = header_of(document, Kind.CUSTOMER, context, notes)
    projects = line_projects(document, header.party_id, context, notes)
    lines = postings(document, context, notes, projects)
    _note_payments(document, currency_of(document, context), notes)
    draft = context.settings.defaults.invoice_status == "draft"
    written = _legacy(legacy.INVOICE, document, header, lines, context, notes=notes, draft=draft)
    return _translation(document, header, projects, written, context, notes=notes)


def translate_credit_invoice(document: Invoice, context: Context) -> Translation:
    """Return what to send for a credit invoice: an AR adjustment, whose negative lines are a credit memo."""
    notes: list[str] = []
    document = as_credit(document, notes)
    header = header_of(document, Kind.CUSTOMER, context, notes)
    projects = line_projects(document, header.party_id, context, notes)
    lines = postings(document, context, notes, projects)
    draft = context.settings.defaults.invoice_status == "draft"
    written = _legacy(legacy.AR_ADJUSTMENT, document, header, lines, context, notes=notes, draft=draft)
    translation = _translation(document, header, projects, written, context, notes=notes)
    refs = [RecordRef(Kind.INVOICE, scoro_id) for scoro_id in document.credited_invoices]
    there = [ref.scoro_id for ref in refs if ref in context.known or ref in context.sources]
    return replace(translation, credits=tuple(there))


def translate_expense(document: Document, context: Context) -> Translation:
    """Return what to send for an expense: a bill, or an AP adjustment where something is given back."""
    translate = translate_credit_bill if document.sum < 0 else translate_bill
    return translate(document, context)


def translate_bill(document: Document, context: Context) -> Translation:
    """Return what to send for a bill."""
    notes: list[str] = []
    header = header_of(document, Kind.VENDOR, context, notes)
    projects = line_projects(document, None, context, notes)
    lines = postings(document, context, notes, projects)
    if context.link is None:
        written = bills.create(header, lines, draft=_bills_are_drafts(context.settings))
    else:
        written = bills.update(document, header, lines, context.link, context=context)
    return _translation(document, header, projects, written, context, notes=notes)


def translate_credit_bill(document: Document, context: Context) -> Translation:
    """Return what to send for a credit bill: an AP adjustment, whose lines all have the sign that a setting names."""
    notes: list[str] = []
    sign = context.settings.accounts.ap_credit_sign
    if sign is None:
        raise refused(
            "ap_credit_sign",
            f"{document.label} is a credit, and which sign reduces what is owed in an AP adjustment of Intacct is "
            "not confirmed (accounts.ap_credit_sign).",
            "Post one AP adjustment by hand, see whether its amount is negative or positive, and set it: "
            f"{setting_command('accounts.ap_credit_sign', 'negative')}",
            field="accounts.ap_credit_sign",
        )
    document = as_credit(document, notes)
    header = header_of(document, Kind.VENDOR, context, notes)
    projects = line_projects(document, None, context, notes)
    lines = with_sign(document, postings(document, context, notes, projects, one_sign=True), sign)
    draft = _bills_are_drafts(context.settings)
    written = _legacy(legacy.AP_ADJUSTMENT, document, header, lines, context, notes=notes, draft=draft)
    return _translation(document, header, projects, written, context, notes=notes)


def _note_payments(document: Invoice, currency: str, notes: list[str]) -> None:
    """Name what was paid before or on top: it is no part of the invoice's total, so it is not posted with it."""
    if document.prepayment_sum or document.prepayment_id:
        amount = f" of {Money(document.prepayment_sum, currency)}" if document.prepayment_sum else ""
        notes.append(
            f"A prepayment{amount} was set against it in Scoro; it is no part of the total: apply its advance in"
            " Intacct."
        )
    if document.payment_fee:
        fee = Money(document.payment_fee, currency)
        notes.append(f"A payment fee of {fee} is no part of its total and was not posted.")


def _bills_are_drafts(settings: ConnectionSettings) -> bool:
    return settings.defaults.bill_status == "draft"


def _legacy(
    form: Form,
    document: Document,
    header: Header,
    lines: Sequence[Posting],
    context: Context,
    *,
    notes: list[str],
    draft: bool,
) -> Written:
    if context.link is None:
        return legacy.create(form, header, lines, draft=draft, notes=notes)
    return legacy.update(form, document, header, lines, context.link, context=context, notes=notes)


def _translation(
    document: Document,
    header: Header,
    projects: LineProjects,
    written: Written,
    context: Context,
    *,
    notes: Sequence[str],
) -> Translation:
    function, numbers = written
    return Translation(
        function=function,
        number=header.number,
        party=header.party_id,
        line_numbers=numbers,
        total=Money(document.gross, currency_of(document, context)),
        needs=tuple(dict.fromkeys((header.party, *projects.needs))),
        plans=(*((header.party_plan,) if header.party_plan else ()), *projects.plans),
        notes=tuple(notes),
    )
