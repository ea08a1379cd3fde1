"""Attachments: records (`supdoc`) of several files each, in folders; written and read by legacy functions alone."""

import base64
import binascii
from collections.abc import Callable, Mapping

from lxml import etree

from sandbox.intacct.answers import add
from sandbox.intacct.context import Call, Handler, Result
from sandbox.intacct.errors import refuse
from sandbox.intacct.store import Record
from sandbox.intacct.values import text_of

Element = etree._Element

MAX_ID_LENGTH = 20
_LEGACY_OBJECTS = {"supdoc": "SUPDOC", "supdocfolder": "SUPDOCFOLDER"}


def create_supdoc(call: Call, element: Element) -> Result:
    """Create a record with its files."""
    texts = _texts(element)
    identity = texts["supdocid"]
    if not identity or len(identity) > MAX_ID_LENGTH:
        raise refuse("bad_value", field="supdocid", value=identity)
    if not texts.get("supdocname"):
        raise refuse("missing_field", field="supdocname")
    if call.store.find("SUPDOC", identity) is not None:
        raise refuse("exists", object="attachment", value=identity)
    record = {
        "SUPDOCID": identity,
        "NAME": texts["supdocname"],
        "FOLDERNAME": _folder(call, texts.get("supdocfoldername", "")),
        "DESCRIPTION": texts.get("supdocdescription", ""),
        "FILES": [],
    }
    _add_files(record, element)
    call.add("SUPDOC", record)
    call.store.count("created.SUPDOC")
    return Result(key=identity)


def update_supdoc(call: Call, element: Element) -> Result:
    """Add files to a record, or change its texts; a file that is there is never replaced, whatever its type."""
    texts = _texts(element)
    record = _supdoc(call, texts["supdocid"], "update")
    if texts.get("supdocname"):
        record["NAME"] = texts["supdocname"]
    if texts.get("supdocfoldername"):
        record["FOLDERNAME"] = _folder(call, texts["supdocfoldername"])
    if texts.get("supdocdescription"):
        record["DESCRIPTION"] = texts["supdocdescription"]
    _add_files(record, element)
    call.change("SUPDOC", record)
    call.store.count("updated.SUPDOC")
    return Result(key=record["SUPDOCID"])


def delete_supdoc(call: Call, element: Element) -> Result:
    """Delete a record with its files."""
    record = _supdoc(call, element.get("key", ""), "delete")
    call.store.remove("SUPDOC", int(record["RECORDNO"]))
    call.store.count("deleted.SUPDOC")
    return Result(key=record["SUPDOCID"])


def create_supdocfolder(call: Call, element: Element) -> Result:
    """Create a folder, in another where the request says so."""
    texts = _texts(element)
    name = texts["supdocfoldername"]
    if not name:
        raise refuse("missing_field", field="supdocfoldername")
    if call.store.find("SUPDOCFOLDER", name) is not None:
        raise refuse("exists", object="attachment folder", value=name)
    parent = texts.get("supdocparentfoldername", "")
    record = {
        "NAME": name,
        "DESCRIPTION": texts.get("supdocfolderdescription", ""),
        "PARENTFOLDER": _folder(call, parent) if parent else "",
    }
    call.add("SUPDOCFOLDER", record)
    return Result(key=name)


def get(call: Call, element: Element) -> Result:
    """Read one record by its id."""
    object_name = _object(element)
    record = call.find(object_name, element.get("key", ""))
    if record is None or element.get("externalkey") == "true":
        raise refuse("read_failed", object=element.get("object", ""), key=element.get("key", ""))
    return _listed(element, [record], total=1, start=0)


def get_list(call: Call, element: Element) -> Result:
    """Read records, filtered by expressions on their fields, a page at a time (`start`, `maxitems`)."""
    call.allow("get_list", _object(element))
    records = [record for record in call.store.all(_object(element)) if call.sees(record)]
    conditions = element.find("filter")
    for condition in () if conditions is None else conditions:
        records = [record for record in records if _matches(element, condition, record)]
    start = _number(element.get("start", ""), 0)
    page = records[start : start + _number(element.get("maxitems", ""), 100)]
    return _listed(element, page, total=len(records), start=start)


def _supdoc(call: Call, identity: str, verb: str) -> Record:
    record = call.find("SUPDOC", identity)
    if record is None:
        raise refuse("not_found", object="attachment", key=identity, verb=verb)
    return {**record, "FILES": list(record["FILES"])}


def _folder(call: Call, name: str) -> str:
    if call.find("SUPDOCFOLDER", name) is None:
        raise refuse("unknown_reference", label="attachment folder", value=name)
    return name


def _add_files(record: Record, element: Element) -> None:
    names = {file["NAME"].casefold() for file in record["FILES"]}
    for attachment in element.iterfind("attachments/attachment"):
        name, kind, data = (text_of(child) for child in attachment)
        if not name or name.casefold().endswith(f".{kind.casefold()}"):
            raise refuse("bad_value", field="attachmentname", value=name)
        if not kind or "." in kind:
            raise refuse("bad_value", field="attachmenttype", value=kind)
        if name.casefold() in names:
            raise refuse("file_exists", name=name, record=record["SUPDOCID"])
        try:
            size = len(base64.b64decode("".join(data.split()), validate=True))
        except binascii.Error:
            raise refuse("bad_value", field="attachmentdata", value=f"{data[:20]}…") from None
        names.add(name.casefold())
        record["FILES"].append({"NAME": name, "TYPE": kind, "SIZE": size, "DATA": data})


def _texts(element: Element) -> dict[str, str]:
    return {child.tag: text_of(child) for child in element}


def _object(element: Element) -> str:
    name = element.get("object", "")
    if name not in _LEGACY_OBJECTS:
        raise refuse("unknown_object", object=name)
    return _LEGACY_OBJECTS[name]


def _number(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default


_LEGACY_FIELDS: Mapping[str, Mapping[str, str]] = {
    "supdoc": {
        "recordno": "RECORDNO",
        "supdocid": "SUPDOCID",
        "supdocname": "NAME",
        "folder": "FOLDERNAME",
        "supdocfoldername": "FOLDERNAME",
        "supdocdescription": "DESCRIPTION",
        "description": "DESCRIPTION",
        "creationdate": "AUWHENCREATED",
        "createdby": "CREATEDBY",
    },
    "supdocfolder": {
        "recordno": "RECORDNO",
        "name": "NAME",
        "supdocfoldername": "NAME",
        "description": "DESCRIPTION",
        "parentfolder": "PARENTFOLDER",
    },
}
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "like": lambda left, right: right.strip("%") in left,
}


def _matches(element: Element, condition: Element, record: Record) -> bool:
    if condition.tag == "logical":
        both = [_matches(element, child, record) for child in condition]
        return all(both) if condition.get("logical_operator") == "and" else any(both)
    name, operator, value = (text_of(child) for child in condition)
    fields = _LEGACY_FIELDS[element.get("object", "")]
    if name not in fields or operator not in _OPERATORS:
        raise refuse("unknown_fields", fields=name)
    return _OPERATORS[operator](str(record.get(fields[name], "")), value)


def _listed(element: Element, records: list[Record], *, total: int, start: int) -> Result:
    name = element.get("object", "")
    known = _LEGACY_FIELDS[name]
    wanted = [text_of(field) for field in element.iterfind("fields/field")]
    for field in wanted:
        if field not in known and field != "attachments":
            raise refuse("unknown_fields", fields=field)
    list_type = etree.Element("listtype", start=str(start), end=str(start + len(records)), total=str(total))
    list_type.text = name
    data = etree.Element("data")
    for record in records:
        row = add(data, name)
        for field in wanted or known:
            if field in known:
                add(row, field, str(record.get(known[field], "")))
        if name == "supdoc" and (not wanted or "attachments" in wanted):
            _files(row, record)
    return Result(list_type=list_type, data=data)


def _files(row: Element, record: Record) -> None:
    files = add(row, "attachments")
    for file in record["FILES"]:
        attachment = add(files, "attachment")
        add(attachment, "attachmentname", file["NAME"])
        add(attachment, "attachmenttype", file["TYPE"])
        add(attachment, "attachmentdata", file["DATA"])


HANDLERS: Mapping[str, Handler] = {
    "create_supdoc": create_supdoc,
    "update_supdoc": update_supdoc,
    "delete_supdoc": delete_supdoc,
    "create_supdocfolder": create_supdocfolder,
    "get": get,
    "get_list": get_list,
}
OBJECT_OF: Mapping[str, str] = {
    **dict.fromkeys(("create_supdoc", "update_supdoc", "delete_supdoc"), "SUPDOC"),
    "create_supdocfolder": "SUPDOCFOLDER",
}
