"""The generic functions: `create`, `update`, `delete`, `read`, `readByName`.

Up to 100 records a call, each on its own: those before a failing one stay, and the answer lists them.
"""

from collections.abc import Callable, Mapping

from lxml import etree

from sandbox.intacct import documents, parties, payment_functions, payments
from sandbox.intacct.answers import add
from sandbox.intacct.context import Call, Handler, Result
from sandbox.intacct.errors import FunctionError, refuse
from sandbox.intacct.kinds import BILL, KINDS
from sandbox.intacct.ledger import read_lines
from sandbox.intacct.legacy import stored_header
from sandbox.intacct.lines import LineInput
from sandbox.intacct.objects import NOT_QUERYABLE, OBJECTS, ObjectSpec, words
from sandbox.intacct.payments import PAYMENT_KINDS
from sandbox.intacct.query import View
from sandbox.intacct.seed import USER_DEFINED_DIMENSIONS
from sandbox.intacct.store import Record
from sandbox.intacct.values import text_of

Element = etree._Element

MAX_RECORDS = 100

_BILL_HEADER = frozenset(
    words(
        "RECORDNO VENDORID WHENCREATED WHENDUE WHENPOSTED BILLTOPAYTOCONTACTNAME SHIPTORETURNTOCONTACTNAME RECORDID "
        "DOCNUMBER DESCRIPTION TERMNAME RECPAYMENTDATE SUPDOCID PAYMENTPRIORITY ONHOLD PRBATCH CURRENCY BASECURR "
        "EXCH_RATE_DATE EXCH_RATE_TYPE_ID EXCHANGE_RATE INCLUSIVETAX ACTION TAXSOLUTIONID"
    )
)
_BILL_LINE = frozenset(
    words(
        "RECORDNO LINE_NO ACCOUNTNO ACCOUNTLABEL OFFSETGLACCOUNTNO TRX_AMOUNT TOTALTRXAMOUNT ENTRYDESCRIPTION FORM1099 "
        "FORM1099TYPE FORM1099BOX BILLABLE ALLOCATION LOCATIONID DEPARTMENTID PROJECTID TASKID COSTTYPEID CUSTOMERID "
        "VENDORID EMPLOYEEID ITEMID CLASSID CONTRACTID WAREHOUSEID PARTIALEXEMPT"
    )
)
_PRIORITIES = ("", "urgent", "high", "normal", "low")


def create(call: Call, element: Element) -> Result:
    """Create the records that the element holds."""
    return _each(call, element, _create_one)


def update(call: Call, element: Element) -> Result:
    """Change the records that the element holds."""
    return _each(call, element, _update_one)


def delete(call: Call, element: Element) -> Result:
    """Delete records by RECORDNO."""
    name = text_of(element.find("object"))
    call.allow("delete", name)
    for key in _keys(element):
        if name in KINDS:
            documents.delete(call, KINDS[name], key)
        elif name in PAYMENT_KINDS:
            payments.remove_draft(call, PAYMENT_KINDS[name], key, "delete")
        elif name in parties.WRITABLE:
            parties.delete(call, OBJECTS[name], key)
        else:
            raise _unsupported(name, "delete")
    return Result()


def read(call: Call, element: Element) -> Result:
    """Read records by RECORDNO; those that are not there are left out."""
    name = _readable(call, element, "read")
    found = [record for key in _keys(element) if (record := call.get(name, key)) is not None]
    return Result(data=_rows(call, OBJECTS[name], found, text_of(element.find("fields"))))


def read_by_name(call: Call, element: Element) -> Result:
    """Read records by their id; documents and payments by RECORDNO."""
    name = _readable(call, element, "readByName")
    by_number = name in KINDS or name in PAYMENT_KINDS
    look_up = call.get if by_number else call.find
    found = [record for key in _keys(element) if (record := look_up(name, key)) is not None]
    return Result(data=_rows(call, OBJECTS[name], found, text_of(element.find("fields"))))


def _each(call: Call, element: Element, write: Callable[[Call, Element], str]) -> Result:
    if len(element) > MAX_RECORDS:
        raise refuse("too_many", limit=MAX_RECORDS)
    data = etree.Element("data", listtype="objects", count="0")
    for child in element:
        try:
            with call.store.savepoint():
                recordno = write(call, child)
        except FunctionError as error:
            return Result(data=data, failed=error.lines)
        row = add(data, child.tag.lower())
        add(row, "RECORDNO", recordno)
        spec = OBJECTS[child.tag]
        if child.tag in parties.WRITABLE:
            stored = call.store.get(child.tag, recordno)
            add(row, spec.key, "" if stored is None else stored[spec.key])
        data.set("count", str(len(data)))
    return Result(data=data)


def _create_one(call: Call, element: Element) -> str:
    name = element.tag
    call.allow("create", name)
    if name == BILL.object:
        header, lines = _bill(call, element)
        header.pop("RECORDNO", None)
        return str(documents.create(call, BILL, header, lines or [])["RECORDNO"])
    if name in PAYMENT_KINDS:
        return payment_functions.create(call, PAYMENT_KINDS[name], element)
    if name in parties.WRITABLE:
        spec = OBJECTS[name]
        return str(parties.create(call, spec, _flat(call, spec, element))["RECORDNO"])
    raise _unsupported(name, "create")


def _update_one(call: Call, element: Element) -> str:
    name = element.tag
    call.allow("update", name)
    if name == BILL.object:
        return _update_bill(call, element)
    if name in PAYMENT_KINDS:
        return payment_functions.update(call, PAYMENT_KINDS[name], element)
    if name in parties.WRITABLE:
        spec = OBJECTS[name]
        return str(parties.update(call, spec, _flat(call, spec, element))["RECORDNO"])
    raise _unsupported(name, "update")


def _update_bill(call: Call, element: Element) -> str:
    """Change a bill: lines, if sent, are the full set; what a line does not repeat is gone."""
    changes, lines = _bill(call, element)
    stored = documents.find_to(call, BILL, changes.pop("RECORDNO", ""), "update")
    if lines is None:
        lines = read_lines(call, BILL, stored)
    else:
        numbers = {given["LINE_NO"] for given in read_lines(call, BILL, stored)}
        for given in lines:
            if given.get("LINE_NO") and given["LINE_NO"] not in numbers:
                raise refuse("line_not_found", line=given["LINE_NO"], number=stored["RECORDID"])
    header = documents.merge(stored_header(call, BILL, stored), changes)
    return str(documents.edit(call, BILL, stored, header, lines)["RECORDNO"])


def _bill(call: Call, element: Element) -> tuple[documents.HeaderInput, list[LineInput] | None]:
    header: documents.HeaderInput = {}
    custom = {}
    for child in element:
        if child.tag in _BILL_HEADER:
            header[child.tag] = text_of(child)
        elif child.tag in call.settings.custom_fields.get(BILL.object, []):
            custom[child.tag] = text_of(child)
        elif child.tag != "APBILLITEMS":
            raise refuse("unknown_field", field=child.tag, object=BILL.object)
    if custom:
        header["CUSTOMFIELDS"] = custom
    if header.get("PAYMENTPRIORITY", "") not in _PRIORITIES:
        raise refuse("bad_value", field="PAYMENTPRIORITY", value=header["PAYMENTPRIORITY"])
    if header.get("EXCHANGE_RATE") and "EXCH_RATE_TYPE_ID" not in header:
        header["EXCH_RATE_TYPE_ID"] = ""
    items = element.find("APBILLITEMS")
    return header, None if items is None else [_bill_line(call, item) for item in items]


def _bill_line(call: Call, element: Element) -> LineInput:
    if element.tag != BILL.item:
        raise refuse("unknown_field", field=element.tag, object=BILL.object)
    given: LineInput = {}
    custom = {}
    for child in element:
        if child.tag == "TAXENTRIES":
            given["TAXENTRIES"] = [
                {"DETAILID": text_of(entry.find("DETAILID")), "TRX_TAX": text_of(entry.find("TRX_TAX"))}
                for entry in child
            ]
        elif child.tag in _BILL_LINE or child.tag in USER_DEFINED_DIMENSIONS.values():
            given[child.tag] = text_of(child)
        elif child.tag in call.settings.custom_fields.get(BILL.item, []):
            custom[child.tag] = text_of(child)
        else:
            raise refuse("unknown_field", field=child.tag, object=BILL.item)
    if custom:
        given["CUSTOMFIELDS"] = custom
    return given


def _flat(call: Call, spec: ObjectSpec, element: Element, prefix: str = "") -> Record:
    """Turn nested elements into dotted fields, each one that the object has."""
    known = {"RECORDNO", *spec.writable, *call.settings.custom_fields.get(spec.name, [])}
    fields: Record = {}
    for child in element:
        name = f"{prefix}{child.tag}"
        if len(child):
            fields.update(_flat(call, spec, child, f"{name}."))
        elif name in known:
            fields[name] = text_of(child)
        else:
            raise refuse("unknown_field", field=name, object=spec.name)
    return fields


def _readable(call: Call, element: Element, operation: str) -> str:
    name = text_of(element.find("object"))
    if name not in OBJECTS or name in NOT_QUERYABLE:
        raise refuse("unknown_object", object=name)
    call.allow(operation, name)
    return name


def _keys(element: Element) -> list[str]:
    keys = [key.strip() for key in text_of(element.find("keys")).split(",")]
    if len(keys) > MAX_RECORDS:
        raise refuse("too_many", limit=MAX_RECORDS)
    return keys


def _rows(call: Call, spec: ObjectSpec, records: list[Record], fields: str) -> Element:
    view = View(call, spec)
    everything = fields in ("", "*")
    wanted = list(spec.fields) if everything else [field.strip() for field in fields.split(",")]
    for field in wanted:
        view.check_field(field)
    data = etree.Element("data", listtype=spec.name.lower(), count=str(len(records)))
    for record in records:
        row = add(data, spec.name.lower())
        for field in wanted:
            add(row, field, view.read(record, field))
        if everything and spec.name in KINDS:
            _owned_lines(call, row, spec.name, record)
    return data


def _owned_lines(call: Call, row: Element, object_name: str, record: Record) -> None:
    item = OBJECTS[KINDS[object_name].item]
    view = View(call, item)
    block = add(row, f"{item.name}S")
    for entry in call.store.children(item.name, [int(record["RECORDNO"])]):
        child = add(block, item.name.lower())
        for field in item.fields:
            add(child, field, view.read(entry, field))


def _unsupported(name: str, operation: str) -> FunctionError:
    if name not in OBJECTS:
        return refuse("unknown_object", object=name)
    return refuse("not_supported", operation=operation, object=name)


HANDLERS: Mapping[str, Handler] = {
    "create": create,
    "update": update,
    "delete": delete,
    "read": read,
    "readByName": read_by_name,
}
