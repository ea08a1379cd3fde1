"""The XML of an answer."""

from collections.abc import Iterable

from lxml import etree

from sandbox.intacct.auth import Login
from sandbox.intacct.context import Result
from sandbox.intacct.envelope import Control, FunctionCall
from sandbox.intacct.errors import ErrorLine
from sandbox.intacct.values import timestamp

Element = etree._Element


def add(parent: Element, name: str, text: str = "") -> Element:
    """Append a child with text."""
    child = etree.SubElement(parent, name)
    child.text = text or None
    return child


def response(control: Control | None, status: str) -> Element:
    """Start an answer with its `<control>`; of an unreadable request there is nothing to repeat."""
    root = etree.Element("response")
    block = add(root, "control")
    add(block, "status", status)
    if control is not None:
        add(block, "senderid", control.sender_id)
        add(block, "controlid", control.controlid)
        add(block, "uniqueid", "true" if control.unique else "false")
        add(block, "dtdversion", control.version)
    return root


def error_message(parent: Element, lines: Iterable[ErrorLine], *, additional_info: bool) -> None:
    """Append `<errormessage>`."""
    block = add(parent, "errormessage")
    for each in lines:
        error = add(block, "error")
        add(error, "errorno", each.errorno)
        add(error, "description", each.description)
        if not each.description2:
            continue
        add(error, "description2", each.description2)
        add(error, "correction", each.correction)
        if additional_info:
            _additional_info(error, each)


def _additional_info(error: Element, each: ErrorLine) -> None:
    info = add(error, "additionalinfo")
    add(info, "errorid", each.errorid)
    add(info, "category", each.category)
    add(info, "target")
    add(info, "messageid", each.messageid)
    placeholders = add(info, "placeholders")
    for name, value in each.placeholders.items():
        placeholder = add(placeholders, "placeholder")
        add(placeholder, "name", name)
        add(placeholder, "value", value)


def authentication(operation: Element, login: Login, now_s: float) -> None:
    """Append the `<authentication>` of somebody signed in."""
    block = add(operation, "authentication")
    add(block, "status", "success")
    add(block, "userid", login.user)
    add(block, "companyid", login.company)
    add(block, "locationid", login.entity)
    add(block, "sessiontimestamp", _instant(now_s))
    add(block, "sessiontimeout", _instant(login.expires_s))


def failed_authentication(operation: Element, user: str, company: str) -> None:
    """Append the `<authentication>` of a sign-in that failed."""
    block = add(operation, "authentication")
    add(block, "status", "failure")
    add(block, "userid", user)
    add(block, "companyid", company)


def success(operation: Element, call: FunctionCall, result: Result) -> Element:
    """Append the `<result>` of a function that worked."""
    block = _result(operation, call, "success")
    if result.list_type is not None:
        block.append(result.list_type)
    if result.key:
        add(block, "key", result.key)
    if result.data is not None:
        block.append(result.data)
    return block


def failure(
    operation: Element,
    call: FunctionCall,
    lines: Iterable[ErrorLine],
    *,
    data: Element | None,
    additional_info: bool,
    status: str,
) -> Element:
    """Append the `<result>` of a function that failed or was undone; `data` lists what it did nevertheless."""
    block = _result(operation, call, status)
    if data is not None:
        block.append(data)
    error_message(block, lines, additional_info=additional_info)
    return block


def _result(operation: Element, call: FunctionCall, status: str) -> Element:
    block = add(operation, "result")
    add(block, "status", status)
    add(block, "function", call.name)
    add(block, "controlid", call.controlid)
    return block


def serialise(root: Element, control: Control | None) -> bytes:
    """Write an answer as UTF-8, with white space unless the request does without."""
    spaced = control is None or control.whitespace
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=spaced)


def _instant(epoch_s: float) -> str:
    day, clock = timestamp(epoch_s).split(" ")
    month, date, year = day.split("/")
    return f"{year}-{month}-{date}T{clock}+00:00"
