"""Customers, vendors, contacts, projects and other master data: the rules of creating and changing them."""

import re
from collections.abc import Mapping

from sandbox import fixtures
from sandbox.intacct.context import Call
from sandbox.intacct.errors import refuse
from sandbox.intacct.kinds import KINDS, TERMS_DAYS
from sandbox.intacct.objects import OBJECTS, ObjectSpec
from sandbox.intacct.store import Record
from sandbox.intacct.values import parse_date

MAX_ID_LENGTH = 20
_PARTY_ID = re.compile(r"[A-Za-z0-9\- ]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ILLEGAL_IN_ID = frozenset("\"'&<>#?")
_CATEGORIES = ("Contract", "Capitalized", "Internal Billable", "Internal Non-Billable")
_DUPLICATE = {"VENDOR": "party_exists", "EMPLOYEE": "party_exists", "GLACCOUNT": "account_exists"}

WRITABLE = tuple(spec.name for spec in OBJECTS.values() if spec.writable)
"""Objects that generic functions create and change by these rules."""


def create(call: Call, spec: ObjectSpec, given: Record) -> Record:
    """Create a record; raises FunctionError."""
    if not given.get(spec.key) and call.settings.numbering == "sequence":
        given = {**given, spec.key: f"{spec.name[0]}-{call.store.count(f'_sequence.{spec.name}'):05d}"}
    for field in (spec.key, *spec.required):
        if not given.get(field):
            raise refuse("missing_field", field=field)
    if spec.name == "PROJECT" and call.settings.location_required and not given.get("LOCATIONID"):
        raise refuse("missing_field", field="LOCATIONID")
    _check(call, spec, given)
    if call.store.find(spec.name, given[spec.key]) is not None:
        kind = _DUPLICATE.get(spec.name, "exists")
        raise refuse(kind, object=spec.label, value=given[spec.key])
    record = {**dict.fromkeys(spec.writable, ""), "STATUS": "active", **given}
    if spec.name in ("CUSTOMER", "VENDOR"):
        record["DISPLAYCONTACT.CONTACTNAME"] = _create_contact(call, spec, record)
    stored = call.add(spec.name, record)
    call.store.count(f"created.{spec.name}")
    return stored


def update(call: Call, spec: ObjectSpec, given: Record) -> Record:
    """Change the named fields of a record, found by RECORDNO or by its id; raises FunctionError."""
    if given.get("RECORDNO"):
        found = call.get(spec.name, given["RECORDNO"])
    else:
        found = call.find(spec.name, given.get(spec.key, ""))
    key = given.get("RECORDNO") or given.get(spec.key, "")
    if found is None:
        raise refuse("not_found", object=spec.label.lower(), key=key, verb="update")
    if call.entity and not found["MEGAENTITYID"] and not call.settings.top_level_records_writable:
        raise refuse("read_only", object=spec.label, value=found[spec.key])
    if given.get(spec.key, found[spec.key]) != found[spec.key]:
        raise refuse("bad_value", field=spec.key, value=given[spec.key])
    _check(call, spec, given)
    record = {**found, **{name: value for name, value in given.items() if name != "RECORDNO"}}
    call.change(spec.name, record)
    call.store.count(f"updated.{spec.name}")
    return record


def delete(call: Call, spec: ObjectSpec, key: str) -> None:
    """Delete a record that nothing uses; raises FunctionError."""
    record = call.get(spec.name, key)
    if record is None:
        raise refuse("not_found", object=spec.label.lower(), key=key, verb="delete")
    for kind in KINDS.values():
        if kind.party == spec.name and any(
            document[kind.party_id] == record[spec.key] for document in call.store.all(kind.object)
        ):
            raise refuse("state", number=record[spec.key], state="used by transactions", verb="deleted")
    call.store.remove(spec.name, int(record["RECORDNO"]))
    call.store.count(f"deleted.{spec.name}")


def _check(call: Call, spec: ObjectSpec, given: Mapping[str, str]) -> None:
    identity = given.get(spec.key, "")
    if spec.name in ("CUSTOMER", "VENDOR", "PROJECT") and len(identity) > MAX_ID_LENGTH:
        raise refuse("bad_value", field=spec.key, value=identity)
    if spec.name in ("CUSTOMER", "VENDOR") and identity and not _PARTY_ID.fullmatch(identity):
        raise refuse("bad_value", field=spec.key, value=identity)
    if _ILLEGAL_IN_ID & set(identity) and spec.name != "CONTACT":
        raise refuse("bad_value", field=spec.key, value=identity)
    if given.get("STATUS", "active") not in ("active", "inactive"):
        raise refuse("bad_value", field="STATUS", value=given["STATUS"])
    if given.get("CURRENCY") and given["CURRENCY"] not in fixtures.CURRENCIES:
        raise refuse("unknown_reference", label="Currency", value=given["CURRENCY"])
    if given.get("TERMNAME") and given["TERMNAME"] not in TERMS_DAYS:
        raise refuse("unknown_reference", label="Term", value=given["TERMNAME"])
    for field, value in given.items():
        if value and field.endswith(("EMAIL1", "EMAIL2")) and not _EMAIL.fullmatch(value):
            raise refuse("bad_email", value=value)
    if given.get("SUPDOCID"):
        call.reference("SUPDOC", given["SUPDOCID"])
    if spec.name == "PROJECT":
        _check_project(call, given)


def _check_project(call: Call, given: Mapping[str, str]) -> None:
    category = given.get("PROJECTCATEGORY", _CATEGORIES[0])
    if category not in _CATEGORIES:
        raise refuse("unknown_reference", label="project category", value=category)
    references = {
        "CUSTOMERID": "CUSTOMER",
        "MANAGERID": "EMPLOYEE",
        "LOCATIONID": "LOCATION",
        "DEPARTMENTID": "DEPARTMENT",
        "PARENTID": "PROJECT",
    }
    for field, object_name in references.items():
        if given.get(field):
            call.reference(object_name, given[field])
    for field in ("BEGINDATE", "ENDDATE"):
        if given.get(field) and parse_date(given[field]) is None:
            raise refuse("bad_date", field=field, value=given[field])


def _create_contact(call: Call, spec: ObjectSpec, record: Record) -> str:
    """Create the contact that every customer and vendor has, and return its name."""
    prefix = "DISPLAYCONTACT."
    contact = {name.removeprefix(prefix): value for name, value in record.items() if name.startswith(prefix)}
    name = contact.get("CONTACTNAME") or f"{record['NAME']}({spec.name[0]}{record[spec.key]})"
    if call.store.find("CONTACT", name) is not None:
        raise refuse("exists", object="Contact", value=name)
    call.add("CONTACT", {**contact, "CONTACTNAME": name, "STATUS": "active"})
    return name
