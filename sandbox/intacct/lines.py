"""Lines of documents: checked, taxed and turned into records.

A line comes in as a dict of the line object's field names (`ACCOUNTNO`, `TRX_AMOUNT`, …) and `TAXENTRIES`, a list
of `{"DETAILID", "TRX_TAX"}` with an empty `TRX_TAX` where the gateway computes the tax.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox import fixtures
from sandbox.intacct.context import Call
from sandbox.intacct.errors import refuse
from sandbox.intacct.kinds import DocumentKind
from sandbox.intacct.seed import USER_DEFINED_DIMENSIONS
from sandbox.intacct.store import Record
from sandbox.intacct.values import amount, round_cents

LineInput = dict[str, Any]

DIMENSIONS: Mapping[str, tuple[str, str]] = {
    "DEPARTMENTID": ("DEPARTMENT", "TITLE"),
    "CLASSID": ("CLASS", "NAME"),
    "ITEMID": ("ITEM", "NAME"),
    "EMPLOYEEID": ("EMPLOYEE", "PERSONALINFO.PRINTAS"),
    "CUSTOMERID": ("CUSTOMER", "NAME"),
    "VENDORID": ("VENDOR", "NAME"),
    "PROJECTID": ("PROJECT", "NAME"),
    "LOCATIONID": ("LOCATION", "NAME"),
}
"""Field of a line -> the object it names and that object's field with the name."""

UNSUPPORTED = ("CONTRACTID", "WAREHOUSEID", "TASKID", "COSTTYPEID", "ALLOCATION", "ACCOUNTLABEL")
"""Fields that can only name what this company has not got."""

_REQUIRED_BY_ACCOUNT = {"REQUIREDEPT": "DEPARTMENTID", "REQUIREPROJECT": "PROJECTID", "REQUIRECLASS": "CLASSID"}


@dataclass(frozen=True)
class Line:
    """A checked line with its amounts in transaction currency."""

    record: Record
    net: Decimal
    taxes: tuple[tuple[str, Decimal], ...]

    @property
    def tax(self) -> Decimal:
        """Sum of its taxes."""
        return sum((tax for _, tax in self.taxes), Decimal(0))


def check_line(call: Call, kind: DocumentKind, header: Mapping[str, str], given: LineInput, *, inclusive: bool) -> Line:
    """Check one line against the books; raises FunctionError with the first fault."""
    account = _account(call, given)
    _check_dimensions(call, kind, header, given)
    _check_required(call, account, given)
    _check_custom_fields(call, kind, given)
    details = _tax_details(call, kind, given)
    rate = sum((Decimal(detail["VALUE"]) for detail in details), Decimal(0))
    if inclusive:
        gross = amount(given.get("TOTALTRXAMOUNT", ""), "TOTALTRXAMOUNT")
        net = round_cents(gross / (1 + rate / 100))
    else:
        net = amount(given.get("TRX_AMOUNT", ""), "TRX_AMOUNT")
    taxes = []
    for entry, detail in zip(given.get("TAXENTRIES", []), details, strict=True):
        explicit = entry.get("TRX_TAX", "")
        computed = round_cents(net * Decimal(detail["VALUE"]) / 100)
        taxes.append((detail["DETAILID"], amount(explicit, "TRX_TAX") if explicit else computed))
    return Line(_record(call, account, given), net, tuple(taxes))


def _account(call: Call, given: LineInput) -> Record:
    for field in UNSUPPORTED:
        if given.get(field):
            raise refuse("unknown_reference", label=field, value=given[field])
    number = given.get("ACCOUNTNO", "")
    account = call.reference("GLACCOUNT", number, "account number")
    bank = call.find("CHECKINGACCOUNT", number)
    if bank is not None:
        raise refuse("bank_account", account=number, bank=bank["BANKACCOUNTID"])
    return account


def _check_dimensions(call: Call, kind: DocumentKind, header: Mapping[str, str], given: LineInput) -> None:
    for field, (object_name, _) in DIMENSIONS.items():
        if given.get(field):
            call.reference(object_name, given[field])
    for object_name, field in USER_DEFINED_DIMENSIONS.items():
        if given.get(field):
            call.reference(object_name, given[field])
    location = given.get("LOCATIONID", "")
    if location and call.entity:
        found = call.reference("LOCATION", location)
        if call.entity not in (location, found.get("PARENTID", "")):
            raise refuse("foreign_location", location=location, entity=call.entity)
    project = given.get("PROJECTID", "")
    if project and not kind.payable:
        owner = call.reference("PROJECT", project).get("CUSTOMERID", "")
        if owner and owner != header["CUSTOMERID"]:
            raise refuse("project_customer", project=project, customer=header["CUSTOMERID"])


def _check_required(call: Call, account: Record, given: LineInput) -> None:
    if call.settings.location_required and not given.get("LOCATIONID"):
        raise refuse("missing_location")
    for flag, field in _REQUIRED_BY_ACCOUNT.items():
        if account.get(flag) == "true" and not given.get(field):
            dimension = DIMENSIONS[field][0].capitalize()
            raise refuse("missing_dimension", dimension=dimension, account=account["ACCOUNTNO"])


def _check_custom_fields(call: Call, kind: DocumentKind, given: LineInput) -> None:
    known = {*call.settings.custom_fields.get(kind.item, []), *USER_DEFINED_DIMENSIONS.values()}
    for name in given.get("CUSTOMFIELDS", {}):
        if name not in known:
            raise refuse("unknown_field", field=name, object=kind.item)


def _tax_details(call: Call, kind: DocumentKind, given: LineInput) -> list[Record]:
    entries = given.get("TAXENTRIES", [])
    if not entries:
        if call.settings.vat_company and call.settings.zero_rate_taxentry_required:
            raise refuse("tax_details", solution=fixtures.TAX_SOLUTION)
        return []
    details = []
    for entry in entries:
        detail = call.find("TAXDETAIL", entry["DETAILID"])
        right = detail is not None and detail["TAXTYPE"] == kind.tax_type and detail["STATUS"] == "active"
        if detail is None or not right or not call.settings.vat_company:
            raise refuse("tax_details", solution=fixtures.TAX_SOLUTION)
        details.append(detail)
    return details


def _record(call: Call, account: Record, given: LineInput) -> Record:
    record: Record = {
        "ACCOUNTNO": account["ACCOUNTNO"],
        "ACCOUNTLABEL": "",
        "OFFSETGLACCOUNTNO": given.get("OFFSETGLACCOUNTNO", ""),
        "ENTRYDESCRIPTION": given.get("ENTRYDESCRIPTION", ""),
        "BILLABLE": given.get("BILLABLE", "false"),
        "TAXENTRIES": given.get("TAXENTRIES", []),
    }
    for field, (object_name, name_field) in DIMENSIONS.items():
        value = given.get(field, "")
        named = call.find(object_name, value) if value else None
        record[field] = value
        record[f"{field[:-2]}NAME"] = "" if named is None else named.get(name_field, "")
    for field in USER_DEFINED_DIMENSIONS.values():
        record[field] = given.get(field, "")
    for name, value in given.get("CUSTOMFIELDS", {}).items():
        record[name] = value
    return record
