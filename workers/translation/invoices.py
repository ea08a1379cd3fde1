"""An invoice of Scoro as a function of Intacct: `create_invoice`, or `update_invoice` where it is linked."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from schemas.intacct.functions import Function, Value
from schemas.kinds import Kind
from schemas.money import Money
from schemas.scoro import Document
from workers.translation.context import Context, DocumentLink, Translation
from workers.translation.dimensions import ELEMENTS, dimension_elements
from workers.translation.faults import refused
from workers.translation.memos import MAX_TEXT_CHARACTERS, cut, one_line
from workers.translation.parties import plan_party
from workers.translation.posted import detail_of, mapping_of, posted_lines
from workers.translation.postings import Posting, postings, tax_entries

FORBIDDEN_IN_NUMBERS = re.compile(r"[\"'&<>#?]")
"""What Intacct rejects in document numbers (intacct-xml-api, section 8.1)."""
REMOVED_MEMO = "Removed in Scoro"


def translate_invoice(document: Document, context: Context) -> Translation:
    """Return what to send for an invoice; raises DocumentError that names document, field and fix."""
    notes: list[str] = []
    header = _header(document, context, notes)
    party, customer_id, plan = plan_party(document, Kind.CUSTOMER, context)
    header["customerid"] = customer_id
    lines = postings(document, context.settings, context.reference, notes)
    if context.link is None:
        function, numbers = _create(header, lines, context)
    else:
        function, numbers = _update(document, header, lines, context, context.link)
    return Translation(
        function=function,
        number=document.no,
        party=customer_id,
        line_numbers=numbers,
        total=Money(document.gross, _currency(document, context)),
        needs=(party,),
        plans=(plan,) if plan else (),
        notes=tuple(notes),
    )


def _header(document: Document, context: Context, notes: list[str]) -> dict[str, Value]:
    if not document.no or FORBIDDEN_IN_NUMBERS.search(document.no):
        raise refused(
            "document_number",
            f"{document.label}: its number (no) is empty."
            if not document.no
            else f"{document.label}: its number (no) holds a character that Intacct rejects: one of \" ' & < > # ?",
            "Give the invoice a number in Scoro without these characters and save it.",
            field="no",
        )
    if document.date is None:
        raise refused(
            "document_date",
            f"{document.label} has no date of issue (date).",
            "Set the date on the invoice in Scoro and save it.",
            field="date",
        )
    if document.deadline is None:
        notes.append("The invoice has no due date; its date of issue was used.")
    header: dict[str, Value] = {
        "invoiceno": document.no,
        "datecreated": document.date.isoformat(),
        "datedue": (document.deadline or document.date).isoformat(),
    }
    description = one_line(document.description)
    if len(description) > MAX_TEXT_CHARACTERS:
        notes.append(f"The description was cut at {MAX_TEXT_CHARACTERS} characters.")
    texts = {"description": cut(description, MAX_TEXT_CHARACTERS), "ponumber": one_line(document.reference_no)}
    header.update({element: text for element, text in texts.items() if text})
    if bill_to := _bill_to(document, context, notes):
        header["billto"] = {"contactname": bill_to}
    return header | _exchange(document, context, notes)


def _bill_to(document: Document, context: Context, notes: list[str]) -> str | None:
    person = one_line(context.person.full_name if context.person else document.person_name)
    if not person or context.reference.knows_contact(person):
        return person or None
    notes.append(f"The contact person {person} is not a contact in Intacct and was left out.")
    return None


def _currency(document: Document, context: Context) -> str:
    return document.currency.upper() or context.reference.base_currency


def _exchange(document: Document, context: Context, notes: list[str]) -> dict[str, Value]:
    reference, currency = context.reference, _currency(document, context)
    if not document.currency:
        notes.append(f"The invoice has no currency; {currency} was used.")
    if currency == reference.base_currency:
        return {}
    if currency not in reference.currencies:
        raise refused(
            "unknown_currency",
            f"{document.label}: its currency {currency} is not an active one.",
            f"Activate {currency} in Scoro and in Intacct and run `scoro-intacct sync background`, or change it on the"
            " document.",
            field="currency",
            culprit=(currency,),
        )
    rate = document.currency_rate or Decimal(0)
    if rate <= 0:
        raise refused(
            "exchange_rate",
            f"{document.label} in {currency} has no exchange rate (currency_rate).",
            f"Set the exchange rate of {currency} to {reference.base_currency} on the invoice in Scoro and save it.",
            field="currency_rate",
            culprit=(currency,),
        )
    return {"currency": currency, "exchrate": f"{rate.normalize():f}"}


def _create(header: Mapping[str, Value], lines: Sequence[Posting], context: Context) -> tuple[Function, dict[str, int]]:
    action = "Draft" if context.settings.defaults.invoice_status == "draft" else "Submit"
    items: Value = {"lineitem": [line.elements() for line in lines]}
    body = {**header, "action": action, "invoiceitems": items}
    return Function(name="create_invoice", body=body), {line.key: place for place, line in enumerate(lines, start=1)}


def _update(
    document: Document,
    header: Mapping[str, Value],
    lines: Sequence[Posting],
    context: Context,
    link: DocumentLink,
) -> tuple[Function, dict[str, int]]:
    if not link.lines:
        raise refused(
            "lines_unknown",
            f"{document.label} is linked to the invoice {link.number} in Intacct (RECORDNO {link.recordno}), but which "
            "of its lines are which is not known, so an edit would double them.",
            "Edit the invoice in Intacct by hand, or delete it there, unlink it and send it again.",
            field="lines",
        )
    numbers = dict(link.lines)
    added = [line for line in lines if line.key not in numbers]
    start = max(numbers.values()) + 1
    numbers |= {line.key: number for number, line in enumerate(added, start=start)}
    items: dict[str, Value] = {"updatelineitem": _stored_lines(document, lines, context, link)}
    if added:
        items["lineitem"] = [line.elements() for line in added]
    body: dict[str, Value] = {
        **_update_header(header, context, link),
        "action": "Draft" if link.state == "Draft" else "Submit",
        "updateinvoiceitems": items,
    }
    attributes = {"key": link.recordno}
    if _empties(body):
        attributes["set_nulls"] = "true"
    return Function(name="update_invoice", attributes=attributes, body=body), numbers


def _update_header(header: Mapping[str, Value], context: Context, link: DocumentLink) -> dict[str, Value]:
    """Return the header as updates name it, emptied where the last function had what is no longer there."""
    body = {name: value for name, value in header.items() if name != "billto"}
    if "billto" in header:
        body["payto"] = header["billto"]
    before = link.previous.body if link.previous else {"description": "?", "ponumber": "?"}
    for name in ("description", "ponumber"):
        if before.get(name) and name not in body:
            body[name] = ""
    if before.get("currency") and "currency" not in body:
        # Left out, the currency would stay what it was.
        body |= {"currency": context.reference.base_currency, "exchrate": "1"}
    return body


def _stored_lines(document: Document, lines: Sequence[Posting], context: Context, link: DocumentLink) -> list[Value]:
    """Return every line that Intacct has, by number: as it is now, or at 0.00 where Scoro no longer has it."""
    before = posted_lines(link.previous) if link.previous else {}
    current = {line.key: line for line in lines}
    some_detail = next((line.detail_id for line in lines if line.detail_id), None)
    items: list[Value] = []
    for key, number in sorted(link.lines.items(), key=lambda item: item[1]):
        old = before.get(number, {})
        if key in current:
            new = current[key].elements()
            if old.get("memo") == REMOVED_MEMO:
                # What stood there before it was removed is no longer in `old`, yet still in Intacct.
                old = dict.fromkeys(dimension_elements(document, context.settings), "?")
            elements = new | _cleared(old, new)
        else:
            elements = {"amount": "0.00", "memo": REMOVED_MEMO}
            if some_detail:
                elements["taxentries"] = tax_entries(detail_of(old) or some_detail, Decimal(0))
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
