"""Paid documents: accounts and dimensions of their lines can still be changed, by a function of their own."""

from collections.abc import Mapping

from schemas.intacct.functions import Function, Value
from schemas.intacct.orders import GENERIC
from workers.delivery.look_ups.contents import DOCUMENTS, content_of
from workers.lifecycle.stated import StatedLine, stated_lines

RECLASSIFIED = frozenset({"ARINVOICE", "APBILL"})
"""Objects that Intacct reclassifies; adjustments have no such function."""
PAID_STATES = frozenset({"Paid", "Partially Paid", "Selected"})
"""States of a record in which lines can no longer be updated."""

ALIASES = {"payto": "billto", "returnto": "shipto"}
"""Elements of updates -> the same in creates."""


def reclassification(update: Function, previous: Function, record_no: str) -> Function | str:
    """What to send for a paid document in place of an update, or what of it cannot be changed any more.

    `previous` is what was posted last. Only accounts, memos and dimensions may differ.
    """
    kind = DOCUMENTS[update.object]
    if kind.object not in RECLASSIFIED:
        return "the lines of an adjustment that is used"
    if header := _changed_header(update, previous):
        return ", ".join(header)
    before, after = stated_lines(previous), stated_lines(update)
    if before.keys() != after.keys():
        return "the number of lines"
    if any(before[number].money != line.money for number, line in after.items()):
        return "amounts or taxes"
    items: list[Value] = [_item(number, line, before[number]) for number, line in sorted(after.items())]
    body = {"reclassifyitems": {"reclasslineitem": items}}
    return Function(name=f"reclassify_{kind.noun}", attributes={"key": record_no}, body=body)


def _changed_header(update: Function, previous: Function) -> list[str]:
    """Fields of the header that an update states otherwise than what was posted last."""
    new, old = _header(update), _header(previous)
    return sorted(name for name in new.keys() | old.keys() if new.get(name, "") != old.get(name, ""))


def _header(function: Function) -> Mapping[str, object]:
    stated: dict[str, object] = dict(content_of(function).header)
    fields = function.body if function.name not in GENERIC else {}
    for name in ("billto", "payto", "exchrate"):
        if name in fields:
            stated[ALIASES.get(name, name)] = str(fields[name])
    return stated


def _item(number: int, line: StatedLine, before: StatedLine) -> Value:
    """A line with its account, memo and dimensions; what it had and no longer has is emptied."""
    place = {**dict.fromkeys(before.place, ""), **line.place}
    custom = {**dict.fromkeys(before.custom, ""), **line.custom}
    item: dict[str, Value] = {"@line_num": str(number), **place}
    if custom:
        item["customfields"] = {
            "customfield": [{"customfieldname": name, "customfieldvalue": value} for name, value in custom.items()]
        }
    return item
