"""Functions and requests as XML, in the order and with the dates that the gateway wants (`schemas.intacct.orders`)."""

import re
from collections.abc import Iterator, Mapping, Sequence

from clients.intacct.login import Login, Sender
from schemas.intacct.functions import Function, Value, legal_text
from schemas.intacct.notation import Order
from schemas.intacct.orders import DATES, GENERIC, GENERIC_DATES, ORDERS, listed, orders_below

ADDITIONAL_ERROR_INFO = False
"""Whether to ask for `<additionalinfo>` in errors. Off, as its place in `<control>` is undocumented (section 2)."""

CONTROLID_ROOM = 64
"""Bytes that `size` sets aside for a controlid."""

_SPECIAL = re.compile(r'[&<>"\r]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}


def _escaped(text: str) -> str:
    """Text for XML, in content and in attributes; that of a function's body is legal by its making."""
    return _SPECIAL.sub(lambda special: _ENTITIES[special.group()], text) if _SPECIAL.search(text) else text


def _cleaned(text: str) -> str:
    """Any other text for XML: what XML 1.0 has no place for is stripped."""
    return _escaped(legal_text(text))


def render(controlid: str, function: Function) -> bytes:
    """One `<function>`; elements unknown to the table raise KeyError, so `check` the function before."""
    return _function(controlid, function).encode()


def size(function: Function) -> int:
    """The bytes that a function takes in a request."""
    return len(render("", function)) + CONTROLID_ROOM


def envelope(
    sender: Sender,
    login: Login,
    calls: Sequence[tuple[str, Function]],
    *,
    unique: bool,
    controlid: str,
    atomic: bool = False,
) -> bytes:
    """A whole request: `calls` are (controlid, function), run in this order, each on its own or (`atomic`) all or none.

    `unique` asks the gateway to refuse a function whose controlid it has run before; `controlid` is the request's
    own.
    """
    info = "<showadditionalerrorinfo>true</showadditionalerrorinfo>" if ADDITIONAL_ERROR_INFO else ""
    location = "" if login.entity_id is None else f"<locationid>{_cleaned(login.entity_id)}</locationid>"
    return "".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?><request><control>',
            f"<senderid>{_cleaned(sender.sender_id)}</senderid><password>{_cleaned(sender.password)}</password>",
            f"<controlid>{_cleaned(controlid)}</controlid><uniqueid>{'true' if unique else 'false'}</uniqueid>",
            f"<dtdversion>3.0</dtdversion><includewhitespace>false</includewhitespace>{info}</control>",
            f'<operation transaction="{"true" if atomic else "false"}"><authentication><login>',
            f"<userid>{_cleaned(login.user_id)}</userid><companyid>{_cleaned(login.company_id)}</companyid>",
            f"<password>{_cleaned(login.password)}</password>{location}</login></authentication><content>",
            *(_function(function_controlid, function) for function_controlid, function in calls),
            "</content></operation></request>",
        )
    ).encode()


def _function(controlid: str, function: Function) -> str:
    attributes = "".join(f' {name}="{_cleaned(text)}"' for name, text in sorted(function.attributes.items()))
    if function.name in GENERIC:
        content = "".join(_generic(name, value) for name, value in function.body.items())
    else:
        content = "".join(_children(ORDERS[function.name], function.body, orders_below(function.name, ORDERS)))
    name = function.name
    return f'<function controlid="{_cleaned(controlid)}"><{name}{attributes}>{content}</{name}></function>'


def _children(order: Order, body: Mapping[str, Value], orders: Mapping[str, Order]) -> Iterator[str]:
    known = order.names
    for name in body:
        if name not in known and not name.startswith("@"):
            raise KeyError(name)
    for name in known:
        if name in body:
            for value in listed(body[name]):
                yield _element(name, value, orders)


def _element(name: str, value: Value, orders: Mapping[str, Order]) -> str:
    if isinstance(value, str):
        return f"<{name}>{_legacy_date(value) if name in DATES else _escaped(value)}</{name}>"
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} holds a list in a list")
    attributes = "".join(
        f' {key[1:]}="{_escaped(text)}"'
        for key, text in sorted(value.items())
        if key.startswith("@") and isinstance(text, str)
    )
    return f"<{name}{attributes}>{''.join(_children(orders[name], value, orders_below(name, orders)))}</{name}>"


def _legacy_date(text: str) -> str:
    year, month, day = text.split("-")
    return f"<year>{year}</year><month>{month}</month><day>{day}</day>"


def _generic(name: str, value: Value) -> str:
    """A field of a generic function; fields are sorted, so that a function kept as JSON renders as it did before."""
    if isinstance(value, str):
        text = _us_date(value) if name in GENERIC_DATES and value else _escaped(value)
        return f"<{name}>{text}</{name}>"
    if isinstance(value, Mapping):
        content = "".join(_generic(inner_name, inner) for inner_name, inner in sorted(value.items()))
        return f"<{name}>{content}</{name}>"
    return "".join(_generic(name, one) for one in value)


def _us_date(text: str) -> str:
    year, month, day = text.split("-")
    return f"{month}/{day}/{year}"
