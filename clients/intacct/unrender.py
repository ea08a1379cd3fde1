"""A function read back from the XML that people are shown (`clients.intacct.render` is its inverse).

UnreadableFunctionError   the text is no function that the gateway would take; the message says where and what
"""

import re
from collections.abc import Mapping
from datetime import date

from lxml import etree

from schemas.intacct.functions import Function, Value
from schemas.intacct.notation import Order
from schemas.intacct.orders import (
    DATES,
    FUNCTIONS,
    GENERIC,
    GENERIC_DATES,
    ORDERS,
    FunctionShapeError,
    check,
    orders_below,
)

MAX_CHARACTERS = 2_000_000
_US_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4})")


class UnreadableFunctionError(Exception):
    """A text is no function; the message is one sentence."""


def read_function(xml: str) -> tuple[str, Function]:
    """The control id (empty where there is none) and the function of `<function controlid="…">…</function>`.

    Without entities, DTD or network; the order of elements is that of the table, whatever it is in the text.
    """
    root = _root(xml)
    controlid, element = "", root
    if root.tag == "function":
        controlid = root.get("controlid", "")
        children = list(_elements(root))
        if len(children) != 1:
            raise UnreadableFunctionError(f"<function> holds {len(children)} elements; one function is wanted.")
        element = children[0]
    name = str(element.tag)
    if name not in FUNCTIONS:
        raise UnreadableFunctionError(f"<{name}> is no function of Intacct that is sent.")
    attributes = {str(key): str(text) for key, text in element.attrib.items()}
    body = _generic(element) if name in GENERIC else _children(element, ORDERS[name], orders_below(name, ORDERS))
    try:
        function = Function(name=name, attributes=attributes, body=body)
        check(function)
    except FunctionShapeError as error:
        raise UnreadableFunctionError(f"{error}.") from error
    except ValueError as error:
        raise UnreadableFunctionError(f"<{name}> cannot be read: {error}.") from error
    return controlid, function


def _root(xml: str) -> etree._Element:
    if len(xml) > MAX_CHARACTERS:
        raise UnreadableFunctionError(f"The text has {len(xml):,} characters; at most {MAX_CHARACTERS:,} are read.")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(xml.strip().encode(), parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableFunctionError(f"The text is no XML: {error.msg}.") from error
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs take docinfo for optional
        raise UnreadableFunctionError("The text brings a document type of its own, which is not read.")
    return root


def _elements(parent: etree._Element) -> list[etree._Element]:
    return [child for child in parent if isinstance(child.tag, str)]


def _children(element: etree._Element, order: Order, orders: Mapping[str, Order]) -> dict[str, Value]:
    held: dict[str, list[Value]] = {}
    for child in _elements(element):
        name = str(child.tag)
        held.setdefault(name, []).append(_value(child, name, orders))
    return {name: values if len(values) > 1 or name in order.repeated else values[0] for name, values in held.items()}


def _value(element: etree._Element, name: str, orders: Mapping[str, Order]) -> Value:
    if name in DATES and len(element):
        return "-".join(_text(element, part) for part in ("year", "month", "day"))
    if name not in orders:
        if len(element):
            raise UnreadableFunctionError(f"<{name}> holds text, no elements.")
        return element.text or ""
    attributes = {"@" + str(key): str(text) for key, text in element.attrib.items()}
    return {**attributes, **_children(element, orders[name], orders_below(name, orders))}


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(name) or "").strip().zfill(2)


def _generic(element: etree._Element) -> dict[str, Value]:
    held: dict[str, list[Value]] = {}
    for child in _elements(element):
        name = str(child.tag)
        held.setdefault(name, []).append(_generic(child) if len(child) else _field(name, child.text or ""))
    return {name: values if len(values) > 1 else values[0] for name, values in held.items()}


def _field(name: str, text: str) -> str:
    if name in GENERIC_DATES and (found := _US_DATE.fullmatch(text.strip())):
        month, day, year = found.groups()
        return date(int(year), int(month), int(day)).isoformat()
    return text
