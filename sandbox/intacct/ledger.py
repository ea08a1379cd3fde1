"""Writing and reading the lines of a stored document.

A line is a record of the line object; each of its taxes is one more, tied to it by `PARENTENTRY` and marked by
`SUBTOTAL`. `LINE_NO` counts from 1 and stays with its line; a line keeps its RECORDNO through edits.
"""

from collections.abc import Sequence
from decimal import Decimal

from sandbox.intacct.context import Call
from sandbox.intacct.kinds import DocumentKind
from sandbox.intacct.lines import Line, LineInput
from sandbox.intacct.objects import words
from sandbox.intacct.seed import USER_DEFINED_DIMENSIONS
from sandbox.intacct.store import Record
from sandbox.intacct.values import round_cents, timestamp

_INPUT_FIELDS = words(
    "ACCOUNTNO OFFSETGLACCOUNTNO ENTRYDESCRIPTION BILLABLE LINE_NO TRX_AMOUNT TOTALTRXAMOUNT TAXENTRIES DEPARTMENTID "
    "CLASSID ITEMID EMPLOYEEID CUSTOMERID VENDORID PROJECTID LOCATIONID"
)


def write_lines(
    call: Call,
    kind: DocumentKind,
    header: Record,
    lines: Sequence[Line],
    *,
    rate: Decimal,
    kept: Sequence[Record] = (),
) -> None:
    """Replace the stored lines of `header` by these; `kept` are the records stored before."""
    recordnos = {old["LINE_NO"]: old["RECORDNO"] for old in kept if not old["PARENTENTRY"]}
    if kept:
        call.store.remove_children(kind.item, int(header["RECORDNO"]))
    highest = max((int(each.record["LINE_NO"] or 0) for each in lines), default=0)
    common = _common_fields(call, header)
    fresh = iter(call.store.next_recordnos(sum(1 + len(each.taxes) for each in lines)))
    entries = []
    for each in lines:
        if not each.record["LINE_NO"]:
            highest += 1
            each.record["LINE_NO"] = str(highest)
        recordno = recordnos.get(each.record["LINE_NO"]) or str(next(fresh))
        entry = {
            **common,
            **each.record,
            "RECORDNO": recordno,
            "PARENTENTRY": "",
            "SUBTOTAL": "",
            "DETAILID": "",
            "TRX_AMOUNT": str(each.net),
            "AMOUNT": str(round_cents(each.net * rate)),
            "TOTALTRXAMOUNT": str(each.net + each.tax),
        }
        entries.append(entry)
        for detail_id, tax in each.taxes:
            entries.append(_tax_entry(entry, str(next(fresh)), detail_id, tax=tax, rate=rate))
    call.store.insert(kind.item, *entries)


def read_lines(call: Call, kind: DocumentKind, header: Record) -> list[LineInput]:
    """Read the lines of a stored document back as input, in the order of their numbers."""
    inputs = []
    for record in call.store.children(kind.item, [int(header["RECORDNO"])]):
        if record["PARENTENTRY"]:
            continue
        given: LineInput = {field: record.get(field, "") for field in _INPUT_FIELDS}
        given.update({field: record.get(field, "") for field in USER_DEFINED_DIMENSIONS.values()})
        custom = call.settings.custom_fields.get(kind.item, [])
        given["CUSTOMFIELDS"] = {name: record[name] for name in custom if name in record}
        inputs.append(given)
    return sorted(inputs, key=lambda given: int(given["LINE_NO"]))


def _common_fields(call: Call, header: Record) -> Record:
    return {
        "RECORDKEY": header["RECORDNO"],
        "ENTRY_DATE": header["WHENPOSTED"],
        "CURRENCY": header["CURRENCY"],
        "BASECURR": header["BASECURR"],
        "STATE": header["STATE"],
        "TOTALPAID": "0.00",
        "TRX_TOTALPAID": "0.00",
        "WHENMODIFIED": timestamp(call.now_s),
        "MEGAENTITYID": header["MEGAENTITYID"],
    }


def _tax_entry(entry: Record, recordno: str, detail_id: str, *, tax: Decimal, rate: Decimal) -> Record:
    return {
        **entry,
        "RECORDNO": recordno,
        "PARENTENTRY": entry["RECORDNO"],
        "SUBTOTAL": "T",
        "DETAILID": detail_id,
        "ACCOUNTNO": "",
        "ENTRYDESCRIPTION": detail_id,
        "TRX_AMOUNT": str(tax),
        "AMOUNT": str(round_cents(tax * rate)),
        "TOTALTRXAMOUNT": "",
        "TAXENTRIES": [],
    }
