"""Bills as the generic functions of Intacct write them: `create APBILL`, `update APBILL`.

The lines of an update are the full set: one that is left out is deleted, one without LINE_NO is new.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from schemas.intacct.functions import Value
from schemas.intacct.functions import create as create_record
from schemas.intacct.functions import update as update_record
from schemas.money import ZERO, cents
from schemas.scoro import Document
from workers.translation.context import Context, DocumentLink
from workers.translation.dimensions import ELEMENTS, USER_DEFINED_PREFIX, generic_dimensions
from workers.translation.header import Header
from workers.translation.legacy import Written, known_lines
from workers.translation.posted import mapping_of, posted_lines
from workers.translation.postings import Posting

OBJECT, LINE, LINES = "APBILL", "APBILLITEM", "APBILLITEMS"


def create(header: Header, lines: Sequence[Posting], *, draft: bool) -> Written:
    """Return the function that makes a bill."""
    fields = _header(header)
    fields["ACTION"] = "Draft" if draft else "Submit"
    fields[LINES] = {LINE: [_line(line) for line in lines]}
    return create_record(OBJECT, fields), {line.key: place for place, line in enumerate(lines, start=1)}


def update(
    document: Document, header: Header, lines: Sequence[Posting], link: DocumentLink, *, context: Context
) -> Written:
    """Return the function that changes the linked bill; raises DocumentError."""
    link = known_lines(document, link, OBJECT)
    items, order = _full_set(lines, link)
    fields = {"RECORDNO": link.recordno, **_header(header)}
    fields |= _cleared_header(fields, context, link)
    fields["ACTION"] = "Draft" if link.state == "Draft" else "Submit"
    fields[LINES] = {LINE: items}
    return update_record(OBJECT, fields), {line.key: place for place, line in enumerate(order, start=1)}


def _full_set(lines: Sequence[Posting], link: DocumentLink) -> tuple[list[Value], list[Posting]]:
    """Return the lines as elements, and in the order of the numbers that they get.

    Where one is gone all are written anew. So numbers have no gaps, and it does not matter whether Intacct closes them.
    """
    before = posted_lines(link.previous) if link.previous else {}
    if set(link.lines) - {line.key for line in lines}:
        return [_line(line) for line in lines], list(lines)
    kept = sorted((line for line in lines if line.key in link.lines), key=lambda line: link.lines[line.key])
    added = [line for line in lines if line.key not in link.lines]
    items: list[Value] = []
    for line in kept:
        number, new = link.lines[line.key], _line(line)
        items.append({"LINE_NO": str(number), **new, **_cleared(before.get(number, {}), new)})
    return [*items, *(_line(line) for line in added)], [*kept, *added]


def _header(header: Header) -> dict[str, Value]:
    fields: dict[str, Value] = {
        "VENDORID": header.party_id,
        "RECORDID": header.number,
        "WHENCREATED": header.date.isoformat(),
        "WHENDUE": header.due.isoformat(),
    }
    if header.posted_on:
        fields["WHENPOSTED"] = header.posted_on.isoformat()
    if header.reference:
        fields["DOCNUMBER"] = header.reference
    if header.attachment:
        fields["SUPDOCID"] = header.attachment
    if header.description:
        fields["DESCRIPTION"] = header.description
    if header.currency:
        fields |= {"CURRENCY": header.currency, "EXCHANGE_RATE": f"{(header.rate or ZERO).normalize():f}"}
    return fields


def _cleared_header(fields: Mapping[str, Value], context: Context, link: DocumentLink) -> dict[str, Value]:
    """Return, empty, what the last function had and this one no longer has: left out, it would stay."""
    names = ("DOCNUMBER", "DESCRIPTION")
    before = mapping_of(link.previous.body[OBJECT]) if link.previous else dict.fromkeys(names, "?")
    cleared: dict[str, Value] = {name: "" for name in names if before.get(name) and name not in fields}
    if before.get("CURRENCY") and "CURRENCY" not in fields:
        cleared |= {"CURRENCY": context.reference.base_currency, "EXCHANGE_RATE": "1"}
    if before.get("WHENPOSTED") and "WHENPOSTED" not in fields:
        cleared["WHENPOSTED"] = fields["WHENCREATED"]
    return cleared


def _line(line: Posting) -> dict[str, Value]:
    item: dict[str, Value] = {"ACCOUNTNO": line.account, "TRX_AMOUNT": str(cents(line.amount))}
    if line.memo:
        item["ENTRYDESCRIPTION"] = line.memo
    item |= generic_dimensions(line.dimensions)
    if line.detail_id is not None:
        item["TAXENTRIES"] = {"TAXENTRY": [_tax_entry(line.detail_id, line.tax)]}
    return item


def _tax_entry(detail_id: str, tax: Decimal | None) -> Value:
    return {"DETAILID": detail_id} if tax is None else {"DETAILID": detail_id, "TRX_TAX": str(cents(tax))}


def _cleared(old: Mapping[str, Value], new: Mapping[str, Value]) -> dict[str, Value]:
    """Return, empty, what the line had and no longer has."""
    names = {"ENTRYDESCRIPTION", *(element.upper() for element in ELEMENTS.values())}
    return {
        name: ""
        for name, value in old.items()
        if value and name not in new and (name in names or name.startswith(USER_DEFINED_PREFIX))
    }
