"""Documents as legacy functions of Intacct write them: invoices and adjustments.

An update names every line that Intacct has by its number. Lines cannot be taken away there, so one that Scoro no
longer has stays at 0.00.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from schemas.intacct.functions import Function, Value
from schemas.money import ZERO, cents
from schemas.scoro import Document
from workers.translation.context import Context, DocumentLink
from workers.translation.dimensions import ELEMENTS, legacy_dimensions, sent_dimensions
from workers.translation.faults import refused
from workers.translation.header import Header
from workers.translation.posted import detail_of, mapping_of, posted_lines
from workers.translation.postings import Posting

REMOVED_MEMO = "Removed in Scoro"

Written = tuple[Function, dict[str, int]]
"""A function, and the numbers that our line keys have in Intacct once it ran."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the functions of one kind of document name things; empty where they have no place for it."""

    object: str
    noun: str
    number: str
    party: str
    credits: str = ""
    due: str = ""
    reference: str = ""
    contact: str = ""
    contact_in_updates: str = ""
    attachment: str = ""


INVOICE = Form(
    "ARINVOICE",
    "invoice",
    "invoiceno",
    "customerid",
    due="datedue",
    reference="ponumber",
    contact="billto",
    contact_in_updates="payto",
    attachment="supdocid",
)
AR_ADJUSTMENT = Form("ARADJUSTMENT", "aradjustment", "adjustmentno", "customerid", credits="invoiceno")
AP_ADJUSTMENT = Form("APADJUSTMENT", "apadjustment", "adjustmentno", "vendorid", credits="billno")


def create(form: Form, header: Header, lines: Sequence[Posting], *, draft: bool, notes: list[str]) -> Written:
    """Return the function that makes a document."""
    body: dict[str, Value] = _header(form, header, notes)
    if form.contact and header.contact:
        body[form.contact] = {"contactname": header.contact}
    body["action"] = "Draft" if draft else "Submit"
    body[f"{form.noun}items"] = {"lineitem": [_line(line) for line in lines]}
    numbers = {line.key: place for place, line in enumerate(lines, start=1)}
    return Function(name=f"create_{form.noun}", body=body), numbers


def update(
    form: Form,
    document: Document,
    header: Header,
    lines: Sequence[Posting],
    link: DocumentLink,
    *,
    context: Context,
    notes: list[str],
) -> Written:
    """Return the function that changes the linked document; raises DocumentError."""
    link = known_lines(document, link, form.object)
    numbers = dict(link.lines)
    added = [line for line in lines if line.key not in numbers]
    start = max(numbers.values()) + 1
    numbers |= {line.key: number for number, line in enumerate(added, start=start)}
    items: dict[str, Value] = {"updatelineitem": _stored_lines(document, lines, context, link)}
    if added:
        items["lineitem"] = [_line(line) for line in added]
    body = _header(form, header, notes)
    if form.contact_in_updates and header.contact:
        body[form.contact_in_updates] = {"contactname": header.contact}
    body |= _cleared_header(form, body, context, link)
    body["action"] = "Draft" if link.state == "Draft" else "Submit"
    body[f"update{form.noun}items"] = items
    attributes = {"key": link.recordno}
    if _empties(body):
        attributes["set_nulls"] = "true"
    return Function(name=f"update_{form.noun}", attributes=attributes, body=body), numbers


def known_lines(document: Document, link: DocumentLink, object_name: str) -> DocumentLink:
    """Return the link, if it is to a record of that object whose lines are known; else raises DocumentError."""
    held = f"{link.object} {link.number} in Intacct (RECORDNO {link.recordno})"
    if link.object != object_name:
        raise refused(
            "changed_kind",
            f"{document.label} is a {document.noun} now, but it stands as {held}, which cannot become an "
            f"{object_name}.",
            f"Delete or reverse {link.number} in Intacct, then `scoro-intacct documents unlink` it and send it again.",
            field="sum",
        )
    if link.lines:
        return link
    raise refused(
        "lines_unknown",
        f"{document.label} is linked to {held}, but which of its lines are which is not known, so an edit would double "
        "them.",
        f"Edit the {document.noun} in Intacct by hand, or delete it there, unlink it and send it again.",
        field="lines",
    )


def _header(form: Form, header: Header, notes: list[str]) -> dict[str, Value]:
    body: dict[str, Value] = {
        form.party: header.party_id,
        form.number: header.number,
        "datecreated": header.date.isoformat(),
    }
    if header.posted_on:
        body["dateposted"] = header.posted_on.isoformat()
    if form.due:
        body[form.due] = header.due.isoformat()
    for element, text in ((form.credits, header.credits), ("description", header.description)):
        if element and text:
            body[element] = text
    if form.reference and header.reference:
        body[form.reference] = header.reference
    elif header.reference:
        notes.append(f"The reference number {header.reference} has no place in an adjustment and was left out.")
    if form.attachment and header.attachment:
        body[form.attachment] = header.attachment
    if header.currency:
        body |= {"currency": header.currency, "exchrate": f"{(header.rate or ZERO).normalize():f}"}
    return body


def _cleared_header(form: Form, body: Mapping[str, Value], context: Context, link: DocumentLink) -> dict[str, Value]:
    """Return, empty, what the last function had and this one no longer has: left out, it would stay."""
    names = [name for name in ("description", form.reference, form.credits) if name]
    before = link.previous.body if link.previous else dict.fromkeys(names, "?")
    cleared: dict[str, Value] = {name: "" for name in names if before.get(name) and name not in body}
    if before.get("currency") and "currency" not in body:
        cleared |= {"currency": context.reference.base_currency, "exchrate": "1"}
    if before.get("dateposted") and "dateposted" not in body:
        cleared["dateposted"] = body["datecreated"]
    contact = form.contact_in_updates
    if contact and contact not in body and (before.get(form.contact) or _names_contact(before.get(contact))):
        cleared[contact] = {"contactname": ""}
    return cleared


def _names_contact(value: Value | None) -> bool:
    return bool(value) and any(mapping_of(value or {}).values())


def _line(line: Posting) -> dict[str, Value]:
    item: dict[str, Value] = {"glaccountno": line.account, "amount": str(cents(line.amount))}
    if line.memo:
        item["memo"] = line.memo
    item |= legacy_dimensions(line.dimensions)
    if line.detail_id is not None:
        item["taxentries"] = _tax_entries(line.detail_id, line.tax)
    return item


def _tax_entries(detail_id: str, tax: Decimal | None) -> Value:
    entry: dict[str, Value] = {"detailid": detail_id}
    if tax is not None:
        entry["trx_tax"] = str(cents(tax))
    return {"taxentry": [entry]}


def _stored_lines(document: Document, lines: Sequence[Posting], context: Context, link: DocumentLink) -> list[Value]:
    """Return every line that Intacct has, by number: as it is now, or at 0.00 where Scoro no longer has it."""
    before = posted_lines(link.previous) if link.previous else {}
    current = {line.key: line for line in lines}
    some_detail = next((line.detail_id for line in lines if line.detail_id), None)
    items: list[Value] = []
    for key, number in sorted(link.lines.items(), key=lambda item: item[1]):
        old = before.get(number, {})
        if key in current:
            new = _line(current[key])
            if old.get("memo") == REMOVED_MEMO:
                # What stood there before it was removed is no longer in `old`, yet still in Intacct.
                old = legacy_dimensions(dict.fromkeys(sent_dimensions(document, context.settings), "?"))
            elements = new | _cleared(old, new)
        else:
            elements = {"amount": "0.00", "memo": REMOVED_MEMO}
            if some_detail:
                elements["taxentries"] = _tax_entries(detail_of(old) or some_detail, ZERO)
        items.append({"@line_num": str(number), **elements})
    return items


def _cleared(old: Mapping[str, Value], new: Mapping[str, Value]) -> dict[str, Value]:
    """Return, empty, what the line had and no longer has: left out, it would stay."""
    cleared: dict[str, Value] = {name: "" for name in ("memo", *ELEMENTS.values()) if old.get(name) and name not in new}
    fields_now = _custom_fields(new)
    gone = [name for name, value in _custom_fields(old).items() if value and name not in fields_now]
    if gone:
        fields = fields_now | dict.fromkeys(gone, "")
        cleared["customfields"] = {
            "customfield": [{"customfieldname": name, "customfieldvalue": value} for name, value in fields.items()]
        }
    return cleared


def _custom_fields(line: Mapping[str, Value]) -> dict[str, str]:
    held = mapping_of(line.get("customfields", {})).get("customfield", [])
    fields = [mapping_of(item) for item in held] if not isinstance(held, (str, Mapping)) else []
    return {str(field["customfieldname"]): str(field["customfieldvalue"]) for field in fields}


def _empties(value: Value) -> bool:
    if isinstance(value, str):
        return value == ""
    return any(_empties(inner) for inner in (value.values() if isinstance(value, Mapping) else value))
