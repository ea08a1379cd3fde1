"""The legacy functions for documents: `create_invoice`, `update_bill`, `reverse_invoice` and the like.

They translate lower-case elements into the field names of the objects and leave the rules to `documents.py`.
"""

from collections.abc import Mapping
from decimal import Decimal

from lxml import etree

from sandbox.intacct import documents
from sandbox.intacct.context import Call, Handler, Result
from sandbox.intacct.documents import HeaderInput
from sandbox.intacct.errors import refuse
from sandbox.intacct.kinds import BY_NOUN, DocumentKind
from sandbox.intacct.ledger import read_lines, write_lines
from sandbox.intacct.lines import LineInput, check_line
from sandbox.intacct.seed import USER_DEFINED_DIMENSIONS
from sandbox.intacct.store import Record
from sandbox.intacct.values import legacy_date, text_of

Element = etree._Element

_HEADER: Mapping[str, str] = {
    "customerid": "CUSTOMERID",
    "vendorid": "VENDORID",
    "datecreated": "WHENCREATED",
    "dateposted": "WHENPOSTED",
    "datedue": "WHENDUE",
    "termname": "TERMNAME",
    "action": "ACTION",
    "description": "DESCRIPTION",
    "externalid": "EXTERNALREFNO",
    "billto": "BILLTOPAYTOCONTACTNAME",
    "payto": "BILLTOPAYTOCONTACTNAME",
    "shipto": "SHIPTORETURNTOCONTACTNAME",
    "returnto": "SHIPTORETURNTOCONTACTNAME",
    "basecurr": "BASECURR",
    "currency": "CURRENCY",
    "exchratedate": "EXCH_RATE_DATE",
    "exchratetype": "EXCH_RATE_TYPE_ID",
    "exchrate": "EXCHANGE_RATE",
    "supdocid": "SUPDOCID",
    "taxsolutionid": "TAXSOLUTIONID",
    "inclusivetax": "INCLUSIVETAX",
    "onhold": "ONHOLD",
    "referenceno": "DOCNUMBER",
    "recpaydate": "RECPAYMENTDATE",
    "paypriority": "PAYMENTPRIORITY",
}
_CONTACTS = frozenset({"billto", "payto", "shipto", "returnto"})
_HEADER_IGNORED = frozenset({"batchkey", "nogl", "customfields"})

_LINE: Mapping[str, str] = {
    "glaccountno": "ACCOUNTNO",
    "accountlabel": "ACCOUNTLABEL",
    "offsetglaccountno": "OFFSETGLACCOUNTNO",
    "amount": "TRX_AMOUNT",
    "totaltrxamount": "TOTALTRXAMOUNT",
    "allocationid": "ALLOCATION",
    "memo": "ENTRYDESCRIPTION",
    "locationid": "LOCATIONID",
    "departmentid": "DEPARTMENTID",
    "projectid": "PROJECTID",
    "taskid": "TASKID",
    "costtypeid": "COSTTYPEID",
    "customerid": "CUSTOMERID",
    "vendorid": "VENDORID",
    "employeeid": "EMPLOYEEID",
    "itemid": "ITEMID",
    "classid": "CLASSID",
    "contractid": "CONTRACTID",
    "warehouseid": "WAREHOUSEID",
    "billable": "BILLABLE",
}


def create(kind: DocumentKind) -> Handler:
    """Make the handler of `create_…`."""

    def handle(call: Call, element: Element) -> Result:
        header = _header(kind, element, set_nulls=True)
        items = element.find(f"{kind.noun}items")
        lines = [_line(item, set_nulls=True) for item in ([] if items is None else items)]
        return Result(key=documents.create(call, kind, header, lines)["RECORDNO"])

    return handle


def update(kind: DocumentKind) -> Handler:
    """Make the handler of `update_…`; what the request leaves out stays."""

    def handle(call: Call, element: Element) -> Result:
        _no_external_key(element, kind, "update")
        stored = documents.find_to(call, kind, element.get("key", ""), "update")
        set_nulls = element.get("set_nulls") == "true"
        items = element.find(f"update{kind.noun}items")
        if items is None and kind.has_terms and call.settings.update_items_required:
            raise refuse("missing_field", field=f"update{kind.noun}items")
        changes = _header(kind, element, set_nulls=set_nulls)
        if Decimal(stored["TRX_TOTALPAID"]):
            _update_paid(call, kind, stored, changes, lines_given=items is not None)
        else:
            lines = _changed_lines(call, kind, stored, items, set_nulls=set_nulls)
            documents.edit(call, kind, stored, documents.merge(stored_header(call, kind, stored), changes), lines)
        return Result(key=stored["RECORDNO"])

    return handle


def delete(kind: DocumentKind) -> Handler:
    """Make the handler of `delete_…`."""

    def handle(call: Call, element: Element) -> Result:
        _no_external_key(element, kind, "delete")
        documents.delete(call, kind, element.get("key", ""))
        return Result(key=element.get("key", ""))

    return handle


def reverse(kind: DocumentKind) -> Handler:
    """Make the handler of `reverse_…`."""

    def handle(call: Call, element: Element) -> Result:
        day = legacy_date(element[0])
        description = text_of(element.find("description"))
        return Result(key=documents.reverse(call, kind, element.get("key", ""), day, description)["RECORDNO"])

    return handle


def reclassify(kind: DocumentKind) -> Handler:
    """Make the handler of `reclassify_…`: accounts and dimensions of a posted document, paid or not."""

    def handle(call: Call, element: Element) -> Result:
        stored = documents.find_to(call, kind, element.get("key", ""), "reclassify")
        if stored["STATE"] in ("Draft", "Reversed", "Reversal"):
            raise refuse("state", number=stored["RECORDID"], state=stored["STATE"], verb="reclassified")
        documents.check_period(call, stored["WHENPOSTED"])
        record = {**stored, **_header(kind, element, set_nulls=False)}
        lines = read_lines(call, kind, stored)
        for item in element.iterfind("reclassifyitems/reclasslineitem"):
            _line_numbered(lines, item, stored).update(_line(item, set_nulls=False))
        checked = [
            check_line(call, kind, record, given, inclusive=stored.get("INCLUSIVETAX") == "true") for given in lines
        ]
        for each, given in zip(checked, lines, strict=True):
            each.record["LINE_NO"] = given["LINE_NO"]
        call.change(kind.object, record)
        kept = call.store.children(kind.item, [int(stored["RECORDNO"])])
        write_lines(call, kind, record, checked, rate=Decimal(stored["EXCHANGE_RATE"]), kept=kept)
        call.store.count(f"updated.{kind.object}")
        return Result(key=stored["RECORDNO"])

    return handle


def stored_header(call: Call, kind: DocumentKind, stored: Record) -> HeaderInput:
    """Turn a stored header back into input; the action is Submit, as it is where nobody says otherwise."""
    header: HeaderInput = {**stored, "CUSTOMFIELDS": {}, "ACTION": "Submit"}
    for name in call.settings.custom_fields.get(kind.object, []):
        if name in stored:
            header["CUSTOMFIELDS"][name] = stored[name]
    if header["EXCH_RATE_TYPE_ID"]:
        header["EXCHANGE_RATE"] = ""
    return header


def _update_paid(call: Call, kind: DocumentKind, stored: Record, changes: HeaderInput, *, lines_given: bool) -> None:
    """Allow what the vendor allows on a paid bill: texts of the header, never its lines."""
    if not kind.payable:
        raise refuse("already_paid", number=stored["RECORDID"], verb="edited")
    if lines_given:
        raise refuse("paid_lines")
    texts = ("DESCRIPTION", "DOCNUMBER", "SUPDOCID", "RECPAYMENTDATE", "PAYMENTPRIORITY", "ONHOLD")
    for field in changes:
        if field not in (*texts, "CUSTOMFIELDS", "ACTION"):
            raise refuse("already_paid", number=stored["RECORDID"], verb="edited")
    custom = changes.pop("CUSTOMFIELDS", {})
    changes.pop("ACTION", None)
    call.change(kind.object, {**stored, **changes, **custom})
    call.store.count(f"updated.{kind.object}")


def _changed_lines(
    call: Call, kind: DocumentKind, stored: Record, items: Element | None, *, set_nulls: bool
) -> list[LineInput]:
    lines = read_lines(call, kind, stored)
    for item in () if items is None else items:
        if item.tag == "lineitem":
            lines.append(_line(item, set_nulls=True))
        else:
            _line_numbered(lines, item, stored).update(_line(item, set_nulls=set_nulls))
    return lines


def _line_numbered(lines: list[LineInput], item: Element, stored: Record) -> LineInput:
    number = item.get("line_num", "")
    for given in lines:
        if given.get("LINE_NO") == number:
            return given
    raise refuse("line_not_found", line=number, number=stored["RECORDID"])


def _header(kind: DocumentKind, element: Element, *, set_nulls: bool) -> HeaderInput:
    names = {**_HEADER, kind.reference_element: "DOCNUMBER", kind.number_element: "RECORDID"}
    header: HeaderInput = {}
    for child in element:
        if child.tag in _HEADER_IGNORED or child.tag.endswith("items"):
            continue
        if child.tag.startswith("date") or child.tag in ("exchratedate", "recpaydate"):
            header[names[child.tag]] = legacy_date(child)
            continue
        text = text_of(child[0]) if child.tag in _CONTACTS else text_of(child)
        if text or set_nulls:
            header[names[child.tag]] = text
    if element.find("currency") is not None and element.find("exchrate") is None:
        header["EXCHANGE_RATE"] = ""
    if element.find("exchrate") is not None:
        header["EXCH_RATE_TYPE_ID"] = ""
    custom = _custom_fields(element)
    if custom:
        header["CUSTOMFIELDS"] = custom
    return header


def _line(item: Element, *, set_nulls: bool) -> LineInput:
    given: LineInput = {}
    for child in item:
        field = _LINE.get(child.tag)
        text = text_of(child)
        if field is not None and (text or set_nulls):
            given[field] = text
    entries = item.find("taxentries")
    if entries is not None:
        given["TAXENTRIES"] = [
            {"DETAILID": text_of(entry.find("detailid")), "TRX_TAX": text_of(entry.find("trx_tax"))}
            for entry in entries
        ]
    custom = _custom_fields(item)
    for field in USER_DEFINED_DIMENSIONS.values():
        if field in custom:
            given[field] = custom.pop(field)
    if custom:
        given["CUSTOMFIELDS"] = custom
    return given


def _custom_fields(element: Element) -> dict[str, str]:
    return {
        text_of(each.find("customfieldname")): text_of(each.find("customfieldvalue"))
        for each in element.iterfind("customfields/customfield")
    }


def _no_external_key(element: Element, kind: DocumentKind, verb: str) -> None:
    if element.get("externalkey") == "true":
        raise refuse("not_found", object=kind.noun, key=element.get("key", ""), verb=verb)


HANDLERS: Mapping[str, Handler] = {
    **{f"create_{noun}": create(kind) for noun, kind in BY_NOUN.items()},
    **{f"update_{noun}": update(kind) for noun, kind in BY_NOUN.items()},
    **{f"delete_{noun}": delete(kind) for noun, kind in BY_NOUN.items()},
    **{f"reverse_{noun}": reverse(BY_NOUN[noun]) for noun in ("invoice", "bill")},
    **{f"reclassify_{noun}": reclassify(BY_NOUN[noun]) for noun in ("invoice", "bill")},
}

OBJECT_OF: Mapping[str, str] = {
    f"{verb}_{noun}": kind.object
    for noun, kind in BY_NOUN.items()
    for verb in ("create", "update", "delete", "reverse", "reclassify")
}
"""Function -> the object on which the user needs a right."""
