"""Reading back what a function leaves in Intacct: its line items by their numbers, and the fields that show them."""

from collections.abc import Mapping

from schemas.intacct.functions import Function, Value

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
