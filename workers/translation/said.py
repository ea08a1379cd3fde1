"""What a function says of a document, laid flat, and how two functions differ in it. Pure.

Functions that make and that change a document say the same in different words; an element that one of them leaves out
and an empty one mean the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.intacct.functions import Function, Value
from schemas.intacct.orders import listed
from workers.translation.posted import mapping_of, posted_lines

SAME_AS = {"payto": "billto", "returnto": "shipto"}
"""Element of an update -> its name in a create."""
NOT_CONTENT = frozenset({"action", "ACTION", "RECORDNO"})
NUMBERS = frozenset({"@line_num", "LINE_NO"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in which two functions differ: `header DESCRIPTION` or `line 2 glaccountno`."""

    place: str
    before: str
    now: str

    def __str__(self) -> str:
        """For people: `line 2 glaccountno: 4000 -> 4100`."""
        return f"{self.place}: {self.before or 'nothing'} -> {self.now or 'nothing'}"


def differences(before: Function, now: Function) -> list[Difference]:
    """Where `now` would leave another document than `before` did; a header element that it leaves out stays."""
    held, wanted = said(before), said(now)
    places = [place for place in held | wanted if place in wanted or not place.startswith("header ")]
    return [
        Difference(place, held.get(place, ""), wanted.get(place, ""))
        for place in places
        if held.get(place, "") != wanted.get(place, "")
    ]


def said(function: Function) -> dict[str, str]:
    """What a create or update of a document says, by place."""
    found: dict[str, str] = {}
    body = function.body
    if function.name in {"create", "update"}:
        body = mapping_of(body[function.object])
    for name, value in body.items():
        if name in NOT_CONTENT or _holds_lines(name):
            continue
        found |= {f"header {place}": text for place, text in _flat(SAME_AS.get(name, name), value)}
    for number, item in sorted(posted_lines(function).items()):
        for name, value in item.items():
            if name not in NUMBERS:
                found |= {f"line {number} {place}": text for place, text in _flat(name, value)}
    return found


def _holds_lines(name: str) -> bool:
    return name.casefold().endswith("items")


def _flat(name: str, value: Value) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, held in value.items():
            yield from _flat(f"{name}.{key}", held)
    else:
        items = listed(value)
        for place, held in enumerate(items, start=1):
            yield from _flat(name if len(items) == 1 else f"{name}[{place}]", held)
