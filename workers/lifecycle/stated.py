"""The lines of a document as a function states them, by their numbers, whichever way the function writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.intacct.functions import Function, Value
from schemas.intacct.orders import listed
from workers.translation.posted import LINE_FIELDS, mapping_of, posted_lines

_NAMES = {field_name: element for element, field_name in LINE_FIELDS.items()}
_MONEY = ("amount", "totaltrxamount", "taxentries")
_NEVER_RECLASSIFIED = frozenset({"LINE_NO", "@line_num"})
UDD = "GLDIM"
"""What names of user-defined dimensions begin with."""


@dataclass(frozen=True, slots=True)
class StatedLine:
    """A line: what it is worth, and where it belongs (account, memo, dimensions, by legacy names)."""

    money: tuple[object, ...]
    place: Mapping[str, str]
    custom: Mapping[str, str] = field(default_factory=dict)


def stated_lines(function: Function) -> dict[int, StatedLine]:
    """The lines of a create or update of a document by the numbers that they have in Intacct once it ran."""
    return {number: _line(item) for number, item in posted_lines(function).items()}


def _line(item: Mapping[str, Value]) -> StatedLine:
    money: list[object] = []
    place: dict[str, str] = {}
    custom: dict[str, str] = {}
    for name, value in item.items():
        plain = _NAMES.get(name, name.lower())
        if name in _NEVER_RECLASSIFIED:
            continue
        if plain in _MONEY:
            money.append((plain, _frozen(value)))
        elif plain == "customfields":
            fields = map(mapping_of, listed(mapping_of(value).get("customfield", ())))
            custom |= {str(each["customfieldname"]): str(each["customfieldvalue"]) for each in fields}
        elif name.startswith(UDD):
            custom[name] = str(value)
        elif isinstance(value, str) and value:
            place[plain] = value
    return StatedLine(tuple(sorted(money, key=str)), place, {name: text for name, text in custom.items() if text})


def _frozen(value: Value) -> object:
    if isinstance(value, Mapping):
        return tuple(sorted((name.lower(), _frozen(held)) for name, held in value.items()))
    return value if isinstance(value, str) else tuple(_frozen(held) for held in value)
