"""Which tax rate a line has in Scoro, and which tax detail that is in Intacct."""

from decimal import Decimal

from schemas.reference import ReferenceData, TaxDetail
from schemas.scoro import Document, DocumentLine
from schemas.settings import ConnectionSettings
from workers.translation.accounts import line_name
from workers.translation.amounts import Rate
from workers.translation.faults import refused, setting_command


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
            field="vat_code_id",
            culprit=(str(source.vat_code_id),),
        )
    return Rate(percent or Decimal(0), source.vat_code_id, source.vat_code or (known.code if known else ""))


def tax_detail(document: Document, rate: Rate, settings: ConnectionSettings, reference: ReferenceData) -> TaxDetail:
    """Return the tax detail of a rate: by `taxes`, equal code or name, or the only active one for sales at the rate.

    Raises DocumentError that names the setting where there is none or more than one.
    """
    details = reference.sale_details()
    key = f"taxes.{rate.vat_code_id}" if rate.vat_code_id else "taxes.{vat_code_id}"
    if rate.vat_code_id and (wanted := settings.taxes.get(str(rate.vat_code_id))):
        chosen = [detail for detail in details if detail.detail_id.casefold() == wanted.casefold()]
        if chosen:
            return chosen[0]
        raise refused(
            "tax_detail_not_usable",
            f"{document.label}: {key} names the tax detail {wanted}, which is not an active one for sales in Intacct.",
            f"Choose an active tax detail: {setting_command(key, 'DETAILID')}",
            field=key,
            culprit=(wanted,),
        )
    known = reference.vat_code(rate.vat_code_id) if rate.vat_code_id else None
    names = {name.casefold() for name in (rate.vat_code, known.name if known else "") if name}
    at_rate = [detail for detail in details if detail.rate == rate.percent]
    named = [detail for detail in at_rate if detail.detail_id.casefold() in names]
    found = named or at_rate
    if len(found) == 1:
        return found[0]
    code = f"{rate.vat_code} ({rate.percent_text} %)" if rate.vat_code else f"{rate.percent_text} %"
    choice = f"several: {', '.join(detail.detail_id for detail in found)}" if found else "none"
    raise refused(
        "tax_without_counterpart",
        f"{document.label}: for the tax rate {code} (vat_code_id {rate.vat_code_id or 'empty'}) Intacct has {choice}.",
        f"Choose another tax rate on the {document.noun} in Scoro, or map it: {setting_command(key, 'DETAILID')}",
        field="vat_code_id",
        culprit=(code,),
    )
