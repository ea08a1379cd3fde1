"""Bodies of Intacct functions made from the element orders themselves."""

from collections.abc import Iterator, Mapping

from hypothesis import strategies as st

from schemas.intacct.functions import Function, Value
from schemas.intacct.notation import Element, Group, Order
from schemas.intacct.orders import AMOUNTS, DATES, FUNCTIONS, GENERIC, ORDERS, orders_below

_ATTRIBUTES = {
    "object": "supdoc",
    "order": "asc",
    "logical_operator": "and",
    "set_nulls": "true",
    "externalkey": "false",
    "partial_edit": "true",
    "showprivate": "false",
}
_TEXTS = {
    "pagesize": "100",
    "offset": "0",
    "caseinsensitive": "true",
    "showprivate": "false",
    "ascending": "",
    "descending": "",
}

MAX_DEPTH = 4
"""How deep conditions nest in samples."""

_TEXT = st.text(st.characters(min_codepoint=9, max_codepoint=0x1F9FF), max_size=8)


def _leaf(name: str) -> str:
    if name in DATES:
        return "2026-02-28"
    if name in AMOUNTS:
        return "-12.50"
    return _TEXTS.get(name, "1")


def _attribute(name: str) -> str:
    return _ATTRIBUTES.get(name, "1")


def full_samples() -> Iterator[Function]:
    """Each function with all of its elements, once for each way to choose."""
    for name in FUNCTIONS:
        if name in GENERIC:
            yield Function(name=name, body={"CUSTOMER": {"CUSTOMERID": "C1", "DISPLAYCONTACT": {"PRINTAS": "C"}}})
            continue
        order = ORDERS[name]
        attributes = {attribute: _attribute(attribute) for attribute in order.attributes}
        below = orders_below(name, ORDERS)
        for turn in range(_turns(order, below, 0)):
            body = _full(order, below, turn, 0)
            yield Function(name=name, attributes=attributes, body=body)


def _turns(order: Order, orders: Mapping[str, Order], depth: int) -> int:
    """How many samples it takes to have every choice below an element once."""
    inner = [
        _turns(orders[name], orders_below(name, orders), depth + 1)
        for name in order.names
        if name in orders and depth < MAX_DEPTH
    ]
    return max(_most_choices(order.content), *inner, 1)


def _most_choices(part: Element | Group) -> int:
    if isinstance(part, Element):
        return 1
    inner = max((_most_choices(held) for held in part.parts), default=1)
    return max(inner, len(part.parts)) if part.choice else inner


def _full(order: Order, orders: Mapping[str, Order], turn: int, depth: int) -> dict[str, Value]:
    return {
        name: [_full_value(name, orders, turn, depth)] * (2 if name in order.repeated else 1)
        for name in _chosen(order.content, turn, depth)
    }


def _full_value(name: str, orders: Mapping[str, Order], turn: int, depth: int) -> Value:
    if name not in orders:
        return _leaf(name)
    attributes = {f"@{attribute}": _attribute(attribute) for attribute in orders[name].attributes}
    return {**attributes, **_full(orders[name], orders_below(name, orders), turn, depth + 1)}


def _chosen(part: Element | Group, turn: int, depth: int) -> Iterator[str]:
    if isinstance(part, Element):
        yield part.name
        return
    parts = part.parts
    if part.choice:
        # The last of a choice ends a nesting: conditions of conditions and the like.
        parts = (parts[-1] if depth >= MAX_DEPTH else parts[turn % len(parts)],)
    for held in parts:
        yield from _chosen(held, turn, depth)


@st.composite
def functions(draw: st.DrawFn) -> Function:
    """Any legacy function, with some of its elements, in any order of keys, with any text."""
    name = draw(st.sampled_from([name for name in FUNCTIONS if name not in GENERIC]))
    order = ORDERS[name]
    return Function(
        name=name,
        attributes=_some_attributes(draw, order, ""),
        body=draw(_bodies(name, order, 0)),
    )


@st.composite
def _bodies(draw: st.DrawFn, name: str, order: Order, depth: int, orders: Mapping[str, Order] = ORDERS) -> Value:
    below = orders_below(name, orders)
    names = draw(st.permutations(list(dict.fromkeys(_some(draw, order.content, depth)))))
    body: dict[str, Value] = {}
    for child in names:
        count = draw(st.integers(2, 3)) if child in order.repeated else 1
        values: list[Value] = [draw(_values(child, depth, below)) for _ in range(count)]
        body[child] = values if count > 1 else values[0]
    return body | _some_attributes(draw, order, "@") if depth else body


@st.composite
def _values(draw: st.DrawFn, name: str, depth: int, orders: Mapping[str, Order]) -> Value:
    if name in orders:
        return draw(_bodies(name, orders[name], depth + 1, orders))
    if name in DATES or name in AMOUNTS or name in _TEXTS:
        return _leaf(name)
    return draw(_TEXT)


def _some_attributes(draw: st.DrawFn, order: Order, prefix: str) -> dict[str, str]:
    return {
        f"{prefix}{attribute}": _attribute(attribute)
        for attribute, required in order.attributes.items()
        if required or draw(st.booleans())
    }


def _some(draw: st.DrawFn, part: Element | Group, depth: int) -> Iterator[str]:
    if part.least == 0 and not draw(st.booleans()):
        return
    if isinstance(part, Element):
        yield part.name
    elif part.choice:
        last = len(part.parts) - 1
        place = last if depth >= MAX_DEPTH else draw(st.integers(0, last))
        yield from _some(draw, part.parts[place], depth)
    else:
        for held in part.parts:
            yield from _some(draw, held, depth)
