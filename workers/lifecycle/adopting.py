"""Records that stood in Intacct before us: which of their lines are ours, so that edits can follow."""

from collections.abc import Mapping, Sequence

from schemas.intacct.functions import Function, Value, update
from schemas.intacct.orders import GENERIC
from workers.delivery.look_ups.contents import DOCUMENTS, TAX_ROW_FIELD, DocumentKind
from workers.delivery.look_ups.evidence import Row
from workers.lifecycle.stated import StatedLine, stated_lines
from workers.translation.posted import LINE_FIELDS

UNKNOWN = "unknown:"
"""What keys of lines begin with that Intacct has and Scoro does not."""


def match_lines(create: Function, places: Mapping[str, int], rows: Sequence[Row]) -> dict[str, int]:
    """Our line keys -> numbers of lines in Intacct; lines that are left over get keys of their own.

    `create` is the document as it would be made, `places` where its line keys stand in it. Lines of equal account and
    amount are the same, then lines of equal account, then any in their order: an update writes each of them whole.
    """
    ours = stated_lines(create)
    free = {int(row["LINE_NO"]): row for row in own_lines(rows)}
    found: dict[str, int] = {}
    for alike in (_same_account_and_amount, _same_account, lambda *_: True):
        for key, place in sorted(places.items(), key=lambda item: item[1]):
            if key not in found and (number := next((n for n, row in free.items() if alike(ours[place], row)), None)):
                found[key] = number
                del free[number]
    return found | {f"{UNKNOWN}{number}": number for number in free}


def own_lines(rows: Sequence[Row]) -> list[Row]:
    """The lines of a document without the rows of tax, by their number."""
    own = [row for row in rows if not row.get(TAX_ROW_FIELD) and row.get("LINE_NO", "").isdecimal()]
    return sorted(own, key=lambda row: int(row["LINE_NO"]))


def as_written(create: Function, record_no: str, header: Row, rows: Sequence[Row], base_currency: str) -> Function:
    """The update that would have left a record as it stands: what the next one is compared with.

    `create` is the document as it would be made: it shows the form of the functions.
    """
    kind = DOCUMENTS[create.object]
    if create.name in GENERIC:
        return _as_written_generically(kind, record_no, header, rows, base_currency)
    names = {field: element for element, field in kind.header_fields.items()}
    body: dict[str, Value] = {names[field]: held for field, held in header.items() if field in names and held}
    if body.get("currency") == base_currency:
        del body["currency"]
    items: list[Value] = [
        {
            "@line_num": row["LINE_NO"],
            **{element: row[field] for element, field in LINE_FIELDS.items() if row.get(field)},
        }
        for row in own_lines(rows)
    ]
    body[f"update{kind.noun}items"] = {"updatelineitem": items}
    return Function(name=f"update_{kind.noun}", attributes={"key": record_no}, body=body)


def _as_written_generically(
    kind: DocumentKind, record_no: str, header: Row, rows: Sequence[Row], base_currency: str
) -> Function:
    fields: dict[str, Value] = {"RECORDNO": record_no}
    fields |= {field: header[field] for field in kind.header_fields.values() if header.get(field)}
    if fields.get("CURRENCY") == base_currency:
        del fields["CURRENCY"]
    lines: list[Value] = [
        {"LINE_NO": row["LINE_NO"], **{field: row[field] for field in LINE_FIELDS.values() if row.get(field)}}
        for row in own_lines(rows)
    ]
    fields[f"{kind.line_object}S"] = {kind.line_object: lines}
    return update(kind.object, fields)


def _same_account(line: StatedLine, row: Row) -> bool:
    return line.place.get("glaccountno") == row.get("ACCOUNTNO")


def _same_account_and_amount(line: StatedLine, row: Row) -> bool:
    return _same_account(line, row) and ("amount", row.get("TRX_AMOUNT")) in line.money
