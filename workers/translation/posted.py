"""Reading back what a function leaves in Intacct, and comparing it with what Intacct shows.

For look-ups after an unanswered write: did it happen? Rows are those of `query`, with fields by name and values as
Intacct writes them (dates `mm/dd/yyyy`). What a function does not state, or a row does not name, is not compared.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from schemas.intacct.functions import Function, Value
from schemas.money import ZERO

HEADER_FIELDS = {
    "invoiceno": "RECORDID",
    "customerid": "CUSTOMERID",
    "description": "DESCRIPTION",
    "ponumber": "DOCNUMBER",
    "datecreated": "WHENCREATED",
    "datedue": "WHENDUE",
    "currency": "CURRENCY",
}
"""Element of a function -> field of ARINVOICE that shows it."""

LINE_FIELDS = {
    "glaccountno": "ACCOUNTNO",
    "amount": "TRX_AMOUNT",
    "memo": "ENTRYDESCRIPTION",
    "locationid": "LOCATIONID",
    "departmentid": "DEPARTMENTID",
    "projectid": "PROJECTID",
    "classid": "CLASSID",
    "itemid": "ITEMID",
    "vendorid": "VENDORID",
    "employeeid": "EMPLOYEEID",
}
"""Element of a line item -> field of ARINVOICEITEM that shows it."""

TOTAL_FIELD = "TRX_TOTALENTERED"
_DATES = frozenset({"datecreated", "datedue"})
_TAX_ROW_FIELD = "PARENTENTRY"


def mapping_of(value: Value) -> Mapping[str, Value]:
    """Return a group of a body as the mapping that it is; raises TypeError for text and lists."""
    if not isinstance(value, Mapping):
        raise TypeError(f"a group was expected, not {value!r}")
    return value


def posted_lines(function: Function) -> dict[int, Mapping[str, Value]]:
    """Return the line items of a create or update by the number that they have in Intacct once it ran.

    Lines of a create are numbered from 1; new lines of an update go on after the highest number that it names.
    """
    stored: dict[int, Mapping[str, Value]] = {}
    for container in ("invoiceitems", "updateinvoiceitems"):
        items = mapping_of(function.body.get(container, {}))
        for item in map(mapping_of, items.get("updatelineitem", [])):
            stored[int(str(item["@line_num"]))] = item
        start = max(stored, default=0) + 1
        for number, item in enumerate(map(mapping_of, items.get("lineitem", [])), start=start):
            stored[number] = item
    return stored


def detail_of(line: Mapping[str, Value]) -> str | None:
    """Return the tax detail of a line item."""
    entries = mapping_of(line.get("taxentries", {})).get("taxentry", [])
    return next((str(mapping_of(entry)["detailid"]) for entry in entries), None)


def total_of(function: Function) -> Decimal:
    """Return the total with tax of a create, or of an update that names all lines."""
    total = ZERO
    for line in posted_lines(function).values():
        total += Decimal(str(line.get("amount", "0")))
        for entry in mapping_of(line.get("taxentries", {})).get("taxentry", []):
            total += Decimal(str(mapping_of(entry).get("trx_tax", "0")))
    return total


def matches_create(function: Function, row: Mapping[str, str]) -> bool:
    """Whether a row of ARINVOICE is the invoice that this create makes: equal number, customer and total."""
    return (
        _same(function.body.get("invoiceno", ""), row.get("RECORDID", ""))
        and _same(function.body.get("customerid", ""), row.get("CUSTOMERID", ""))
        and _amount(row.get(TOTAL_FIELD)) == total_of(function)
    )


def matches_update(function: Function, header_row: Mapping[str, str], line_rows: Sequence[Mapping[str, str]]) -> bool:
    """Whether the invoice stands in Intacct as this create or update leaves it.

    `line_rows` are all rows of its ARINVOICEITEM; rows of tax (those with a PARENTENTRY) are left out of account.
    """
    for element, field in HEADER_FIELDS.items():
        if element in function.body and field in header_row:
            wanted, held = function.body[element], header_row[field]
            if not (_same_day(wanted, held) if element in _DATES else _same(wanted, held)):
                return False
    if TOTAL_FIELD in header_row and _amount(header_row[TOTAL_FIELD]) != total_of(function):
        return False
    rows = {int(row["LINE_NO"]): row for row in line_rows if not row.get(_TAX_ROW_FIELD)}
    lines = posted_lines(function)
    return rows.keys() == lines.keys() and all(_same_line(line, rows[number]) for number, line in lines.items())


def _same_line(line: Mapping[str, Value], row: Mapping[str, str]) -> bool:
    for element, field in LINE_FIELDS.items():
        if element not in line or field not in row:
            continue
        if element == "amount":
            if _amount(row[field]) != Decimal(str(line[element])):
                return False
        elif not _same(line[element], row[field]):
            return False
    return True


def _same(wanted: Value, held: str) -> bool:
    return " ".join(str(wanted).split()) == " ".join(held.split())


def _same_day(wanted: Value, held: str) -> bool:
    try:
        return date.fromisoformat(str(wanted)) == datetime.strptime(held, "%m/%d/%Y").date()  # noqa: DTZ007 (a date)
    except ValueError:
        return False


def _amount(held: str | None) -> Decimal | None:
    try:
        amount = Decimal(held or "")
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
