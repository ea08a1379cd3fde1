"""What a function leaves in a document of Intacct, and whether the document holds that.

For all four kinds of documents, written by legacy functions or by generic ones. What a function does not state, or a
row does not name, is not compared. Totals and line amounts of credits are compared without their sign, as nobody
says which one `query` shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from schemas.intacct.dates import day_of
from schemas.intacct.functions import Function, Value
from schemas.intacct.orders import GENERIC, listed
from schemas.money import ZERO
from workers.delivery.look_ups.evidence import Row
from workers.translation.posted import LINE_FIELDS, TOTAL_FIELD, mapping_of

AMOUNT_FIELD = "TRX_AMOUNT"
TAX_ROW_FIELD = "PARENTENTRY"
"""Set in rows of tax, which belong to another line."""
_DATES = frozenset({"WHENCREATED", "WHENDUE", "BEGINDATE", "ENDDATE"})


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One object of the books: how its legacy functions name it, its number and its party."""

    object: str
    noun: str
    number_element: str
    party_field: str
    is_credit: bool = False

    @property
    def line_object(self) -> str:
        """Object of its lines."""
        return f"{self.object}ITEM"

    @property
    def party_name_field(self) -> str:
        """Field with the name of its party."""
        return f"{self.party_field.removesuffix('ID')}NAME"

    @property
    def header_fields(self) -> Mapping[str, str]:
        """Element of a legacy function -> field of the header that shows it."""
        fields = {
            self.number_element: "RECORDID",
            self.party_field.lower(): self.party_field,
            "description": "DESCRIPTION",
            "datecreated": "WHENCREATED",
            "currency": "CURRENCY",
        }
        if not self.is_credit:
            fields |= {"datedue": "WHENDUE", "ponumber": "DOCNUMBER", "supdocid": "SUPDOCID"}
        return fields


DOCUMENTS: Mapping[str, DocumentKind] = {
    kind.object: kind
    for kind in (
        DocumentKind("ARINVOICE", "invoice", "invoiceno", "CUSTOMERID"),
        DocumentKind("ARADJUSTMENT", "aradjustment", "adjustmentno", "CUSTOMERID", is_credit=True),
        DocumentKind("APBILL", "bill", "billno", "VENDORID"),
        DocumentKind("APADJUSTMENT", "apadjustment", "adjustmentno", "VENDORID", is_credit=True),
    )
}


def header_fields(kind: DocumentKind) -> tuple[str, ...]:
    """The fields of a header that are read wherever a record is looked at."""
    return tuple(dict.fromkeys(("RECORDNO", "STATE", TOTAL_FIELD, "WHENMODIFIED", *kind.header_fields.values())))


def line_fields() -> tuple[str, ...]:
    """The fields of lines that are read wherever they are."""
    return ("RECORDNO", "RECORDKEY", "LINE_NO", TAX_ROW_FIELD, *LINE_FIELDS.values())


@dataclass(frozen=True, slots=True)
class Line:
    """A line as a function states it: fields by the names of rows; no number where Intacct gives one."""

    number: int | None
    fields: Mapping[str, str]
    gross: Decimal | None
    """With tax; None where Intacct works it out."""


@dataclass(frozen=True, slots=True)
class Content:
    """A document as a function states it; no lines: they stay as they are."""

    header: Mapping[str, str]
    lines: tuple[Line, ...] | None

    @property
    def total(self) -> Decimal | None:
        """With tax; None where the function does not say."""
        if self.lines is None:
            return None
        grosses = [line.gross for line in self.lines if line.gross is not None]
        return sum(grosses, ZERO) if len(grosses) == len(self.lines) else None


def content_of(function: Function) -> Content:
    """What a create, an update or a reclassification of a document states; raises KeyError for another object."""
    kind = DOCUMENTS[function.object]
    if function.name in GENERIC:
        body = mapping_of(function.body[kind.object])
        header = {field: str(body[field]) for field in kind.header_fields.values() if field in body}
        return Content(header, _generic_lines(body, kind))
    header = {field: str(function.body[name]) for name, field in kind.header_fields.items() if name in function.body}
    return Content(header, _legacy_lines(function, kind))


def holds(header: Row, lines: Sequence[Row], content: Content, *, is_credit: bool) -> bool:
    """Whether a document stands as a function leaves it; `lines` are all rows of its lines."""
    if not all(_same(field, wanted, header[field]) for field, wanted in content.header.items() if field in header):
        return False
    if content.total is not None and not equal_money(header.get(TOTAL_FIELD), content.total, unsigned=is_credit):
        return False
    if content.lines is None:
        return True
    own = sorted((row for row in lines if not row.get(TAX_ROW_FIELD)), key=line_number)
    return len(own) == len(content.lines) and all(
        _holds_line(row, line, is_credit=is_credit) for row, line in zip(own, content.lines, strict=True)
    )


def holds_fields(row: Row, function: Function) -> bool:
    """Whether a record of master data stands as a generic function leaves it."""
    fields = mapping_of(function.body[function.object])
    return all(
        _same(field, wanted, row[field]) for field, wanted in fields.items() if field in row and isinstance(wanted, str)
    )


def equal_money(held: str | None, wanted: Decimal, *, unsigned: bool) -> bool:
    """Whether a row's amount equals ours; for credits without their sign."""
    amount = money_of(held)
    if amount is None:
        return False
    return abs(amount) == abs(wanted) if unsigned else amount == wanted


def money_of(held: str | None) -> Decimal | None:
    """The amount that a row shows; None for anything else."""
    try:
        amount = Decimal(held or "")
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _legacy_lines(function: Function, kind: DocumentKind) -> tuple[Line, ...] | None:
    """Lines of a create are numbered from 1; new ones of an update go on after the highest that it names."""
    containers = [
        function.body[name]
        for name in (f"{kind.noun}items", f"update{kind.noun}items", "reclassifyitems")
        if name in function.body
    ]
    if not containers:
        return None
    items = mapping_of(containers[0])
    lines = [
        _line(item, LINE_FIELDS, ("taxentries", "taxentry", "trx_tax"), int(str(item["@line_num"])))
        for item in _groups(items.get("updatelineitem", items.get("reclasslineitem", ())))
    ]
    first_new = max((line.number or 0 for line in lines), default=0) + 1
    for number, item in enumerate(_groups(items.get("lineitem", ())), start=first_new):
        lines.append(_line(item, LINE_FIELDS, ("taxentries", "taxentry", "trx_tax"), number))
    return tuple(sorted(lines, key=lambda line: line.number or 0))


def _generic_lines(body: Mapping[str, Value], kind: DocumentKind) -> tuple[Line, ...] | None:
    """The full set, in order; a line without LINE_NO is new and gets the number that Intacct gives it."""
    items = body.get(f"{kind.line_object}S")
    if items is None:
        return None
    names = {field: field for field in LINE_FIELDS.values()}
    lines = [
        _line(
            item,
            names,
            ("TAXENTRIES", "TAXENTRY", "TRX_TAX"),
            int(str(item["LINE_NO"])) if item.get("LINE_NO") else None,
        )
        for item in _groups(mapping_of(items).get(kind.line_object, ()))
    ]
    # those that keep their numbers stand in their order, new ones behind them
    return tuple(sorted(lines, key=lambda line: (line.number is None, line.number or 0)))


def _line(
    item: Mapping[str, Value], names: Mapping[str, str], tax_path: tuple[str, str, str], number: int | None
) -> Line:
    fields = {field: str(item[name]) for name, field in names.items() if name in item}
    total = item.get("totaltrxamount", item.get("TOTALTRXAMOUNT"))
    if total is not None:
        fields.pop(AMOUNT_FIELD, None)  # Intacct takes the tax out of the total itself
        return Line(number, fields, money_of(str(total)))
    entries, entry, tax = tax_path
    taxes = [money_of(str(held.get(tax, ""))) for held in _groups(mapping_of(item.get(entries, {})).get(entry, ()))]
    parts = [money_of(fields.get(AMOUNT_FIELD)), *taxes]
    known = [part for part in parts if part is not None]
    return Line(number, fields, sum(known, ZERO) if len(known) == len(parts) else None)


def _groups(value: Value) -> Iterator[Mapping[str, Value]]:
    return (mapping_of(held) for held in listed(value))


def _holds_line(row: Row, line: Line, *, is_credit: bool) -> bool:
    if line.number is not None and line_number(row) != line.number:
        return False
    return all(
        same_line_field(field, wanted, row[field], is_credit=is_credit)
        for field, wanted in line.fields.items()
        if field in row
    )


def same_line_field(field: str, wanted: str, held: str, *, is_credit: bool) -> bool:
    """Whether a row of a line shows what a function states of this field."""
    amount = money_of(wanted) if field == AMOUNT_FIELD else None
    return _same(field, wanted, held) if amount is None else equal_money(held, amount, unsigned=is_credit)


def line_number(row: Row) -> int:
    """The number of a line, 0 where its row has none."""
    text = row.get("LINE_NO", "")
    return int(text) if text.isdecimal() else 0


def _same(field: str, wanted: str, held: str) -> bool:
    if field not in _DATES or not wanted:
        return " ".join(wanted.split()) == " ".join(held.split())
    day = day_of(wanted)
    return day is not None and day == day_of(held)
