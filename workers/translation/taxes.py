"""Which tax rate a line has in Scoro, and which tax detail that is in Intacct."""

from decimal import Decimal
from typing import Literal

from schemas.reference import ReferenceData, TaxDetail
from schemas.scoro import Document, DocumentLine, Invoice
from schemas.settings import ConnectionSettings
from workers.translation.accounts import line_name
from workers.translation.amounts import Rate
from workers.translation.faults import refused, setting_command

WORDS = {"Sale": "sales", "Purchase": "purchases"}


def tax_type(document: Document) -> Literal["Sale", "Purchase"]:
    """Return the type of tax detail that a document takes."""
    return "Sale" if isinstance(document, Invoice) else "Purchase"


def line_rate(document: Document, line: DocumentLine, reference: ReferenceData) -> Rate:
    """Return the line's own rate, or the document's where no line has one of its own (VAT by document).

    Raises DocumentError where a VAT code is given whose rate nobody knows.
    """
    if not any(_has_rate(other) for other in document.lines) and _has_rate(document):
        return _rate(document, document, f"the {document.noun}", reference)
    return _rate(document, line, f"the line {line_name(line)}", reference)


def _has_rate(source: Document | DocumentLine) -> bool:
    return bool(source.vat) or source.vat_code_id is not None


def _rate(document: Document, source: Document | DocumentLine, place: str, reference: ReferenceData) -> Rate:
    known = reference.vat_code(source.vat_code_id) if source.vat_code_id else None
    percent = source.vat if source.vat is not None else (known.percent if known else None)
    if percent is None and source.vat_code_id:
        raise refused(
            "unknown_tax_rate",
            f"{document.label}: {place} has the VAT code {source.vat_code_id}, whose rate is not known.",
            f"Run `scoro-intacct sync background`, or choose another tax rate on the {document.noun} in Scoro.",
            field=document.scoro_name("vat_code_id"),
            culprit=(str(source.vat_code_id),),
        )
    return Rate(percent or Decimal(0), source.vat_code_id, source.vat_code or (known.code if known else ""))


def tax_detail(document: Document, rate: Rate, settings: ConnectionSettings, reference: ReferenceData) -> TaxDetail:
    """Return the tax detail of a rate: by `taxes`, equal code or name, or the only active one at the rate.

    Invoices take tax details for sales, bills and expenses those for purchases; what `taxes` says of the other type
    does not count. A reverse-charged one is taken only if it is named, never for its rate. Raises DocumentError that
    names the setting where there is none or more than one.
    """
    type_ = tax_type(document)
    details = reference.usable_details(type_)
    if (chosen := _chosen(document, rate, settings, reference)) is not None:
        return chosen
    known = reference.vat_code(rate.vat_code_id) if rate.vat_code_id else None
    names = {name.casefold() for name in (rate.vat_code, known.name if known else "") if name}
    at_rate = [detail for detail in details if detail.rate == rate.percent and not detail.reverse_charge]
    named = [
        detail
        for detail in details
        if detail.detail_id.casefold() in names and (detail.rate == rate.percent or detail.reverse_charge)
    ]
    found = named or at_rate
    if len(found) == 1:
        return found[0]
    key, field = _setting_key(rate), document.scoro_name("vat_code_id")
    code = f"{rate.vat_code} ({rate.percent_text} %)" if rate.vat_code else f"{rate.percent_text} %"
    choice = f"several: {', '.join(detail.detail_id for detail in found)}" if found else "none"
    raise refused(
        "tax_without_counterpart",
        f"{document.label}: for the tax rate {code} ({field} {rate.vat_code_id or 'empty'}) Intacct has {choice}"
        f" for {WORDS[type_]}.",
        f"Choose another tax rate on the {document.noun} in Scoro, or map it: {setting_command(key, 'DETAILID')}",
        field=field,
        culprit=(code, type_),
    )


def _chosen(document: Document, rate: Rate, settings: ConnectionSettings, reference: ReferenceData) -> TaxDetail | None:
    """Return the detail that `taxes` names for the rate; one for sales and one for purchases may stand there."""
    wanted = settings.taxes.get(str(rate.vat_code_id or ""))
    if not wanted:
        return None
    type_, key = tax_type(document), _setting_key(rate)
    other_type = False
    for name in dict.fromkeys((wanted, *wanted.split(","))):
        detail = reference.tax_detail(name.strip())
        if detail in reference.usable_details(type_):
            return detail
        other_type = other_type or (detail is not None and detail.type != type_)
    if other_type:
        return None
    raise refused(
        "tax_detail_not_usable",
        f"{document.label}: {key} names the tax detail {wanted}, which is not an active one for {WORDS[type_]} in"
        " Intacct.",
        f"Choose an active tax detail: {setting_command(key, 'DETAILID')}",
        field=key,
        culprit=(wanted,),
    )


def _setting_key(rate: Rate) -> str:
    return f"taxes.{rate.vat_code_id}" if rate.vat_code_id else "taxes.{vat_code_id}"
