"""Reading back what a function leaves in Intacct: its line items by their numbers, and the fields that show them."""

from collections.abc import Mapping

from schemas.intacct.functions import Function, Value
from schemas.intacct.orders import GENERIC, listed

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
    """Return the lines of a create or update by the number that they have in Intacct once it ran.

    Lines of a create are numbered from 1; new lines of an update go on after the highest number that it names.
    """
    stored: dict[int, Mapping[str, Value]] = {}
    if function.name in GENERIC:
        items = mapping_of(mapping_of(function.body[function.object]).get(f"{function.object}ITEMS", {}))
        lines = groups(items.get(f"{function.object}ITEM", ()))
        stored = {int(str(item["LINE_NO"])): item for item in lines if item.get("LINE_NO")}
        added = [item for item in lines if not item.get("LINE_NO")]
    else:
        items = next((mapping_of(held) for name, held in function.body.items() if name.endswith("items")), {})
        stored = {int(str(item["@line_num"])): item for item in groups(items.get("updatelineitem", ()))}
        added = groups(items.get("lineitem", ()))
    return stored | dict(enumerate(added, start=max(stored, default=0) + 1))


def groups(value: Value) -> list[Mapping[str, Value]]:
    """Return the occurrences of a repeated group."""
    return [mapping_of(held) for held in listed(value)]


def detail_of(line: Mapping[str, Value]) -> str | None:
    """Return the tax detail of a line item."""
    entries = mapping_of(line.get("taxentries", {})).get("taxentry", [])
    return next((str(mapping_of(entry)["detailid"]) for entry in entries), None)
