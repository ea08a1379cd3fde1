"""Dimensions of a line: from custom fields of Scoro to elements of Intacct."""

from collections.abc import Mapping, Sequence

from schemas.document_types import document_type
from schemas.errors import DocumentError
from schemas.intacct.functions import Value
from schemas.reference import ReferenceData
from schemas.scoro import Document
from schemas.settings import ConnectionSettings
from workers.translation.context import Context
from workers.translation.faults import refused, setting_command

LOCATION = "LOCATION"
PROJECT = "PROJECT"
ELEMENTS = {
    "LOCATION": "locationid",
    "DEPARTMENT": "departmentid",
    "PROJECT": "projectid",
    "TASK": "taskid",
    "COSTTYPE": "costtypeid",
    "CUSTOMER": "customerid",
    "VENDOR": "vendorid",
    "EMPLOYEE": "employeeid",
    "ITEM": "itemid",
    "CLASS": "classid",
    "CONTRACT": "contractid",
    "WAREHOUSE": "warehouseid",
}
"""Dimension (objectName) -> element of a line. All others are user-defined."""

USER_DEFINED_PREFIX = "GLDIM"
"""How lines name user-defined dimensions: as elements of generic functions, among the custom fields of legacy ones
(intacct-xml-api, B9). Their values are given by id."""


def sent_dimensions(document: Document, settings: ConnectionSettings) -> dict[str, str]:
    """Return dimension -> custom field of those that the settings send with documents of this kind."""
    type_ = document_type(document.kind)
    return settings.dimensions.sent_with(type_.dimensions) if type_ else {}


def line_dimensions(
    document: Document, own: Mapping[str, str], settings: ConnectionSettings, reference: ReferenceData
) -> dict[str, str]:
    """Return dimension -> id of its value for a line with these custom fields; the header's count where it has none.

    Raises DocumentError for a value that Intacct does not know or no longer takes.
    """
    found: dict[str, str] = {}
    if location := settings.location or (reference.entity_id if reference.multi_entity else None):
        found[LOCATION] = location
    for dimension, custom_field in sorted(sent_dimensions(document, settings).items()):
        if text := own.get(custom_field) or document.custom_fields.get(custom_field):
            found[dimension] = _value_id(document, dimension, custom_field, text, reference)
    return found


def check_required(document: Document, lines: Sequence[tuple[str, Mapping[str, str]]], context: Context) -> None:
    """Raise DocumentError for the first line (account, dimensions) that lacks a dimension which its account wants."""
    for number, dimensions in lines:
        account = context.reference.account(number)
        missing = [name for name in (account.requires if account else ()) if name not in dimensions]
        if missing:
            raise _missing(document, number, missing[0], context.settings)


def _missing(document: Document, account: str, dimension: str, settings: ConnectionSettings) -> DocumentError:
    type_ = document_type(document.kind)
    toggle = type_.dimensions if type_ else "invoices"
    held_in = settings.dimensions.fields.get(dimension)
    if held_in and dimension in settings.dimensions.sent_with(toggle):
        fix = f"Choose a value in the custom field {held_in} on the {document.noun} or its lines in Scoro and save it."
    elif held_in:
        fix = f"Send it: {setting_command(f'dimensions.{toggle}.{dimension}', 'true')}, then send the document again."
    else:
        key = f"dimensions.fields.{dimension}"
        fix = f"Say which custom field of Scoro holds it: {setting_command(key, 'c_...')}, and send it with {toggle}."
    if dimension == PROJECT:
        fix = f"Choose a project on the {document.noun} or its lines in Scoro and save it."
    return refused(
        "missing_dimension",
        f"{document.label}: the account {account} wants a {dimension} on each of its lines, and one has none.",
        fix,
        field=held_in or f"dimensions.fields.{dimension}",
        culprit=(account, dimension),
    )


def legacy_dimensions(dimensions: Mapping[str, str]) -> dict[str, Value]:
    """Return the elements of a legacy line item that carry these dimensions."""
    elements: dict[str, Value] = {}
    user_defined: list[Value] = []
    for dimension, value in dimensions.items():
        if element := ELEMENTS.get(dimension.upper()):
            elements[element] = value
        else:
            name = f"{USER_DEFINED_PREFIX}{dimension}"
            user_defined.append({"customfieldname": name, "customfieldvalue": value})
    if user_defined:
        elements["customfields"] = {"customfield": user_defined}
    return elements


def generic_dimensions(dimensions: Mapping[str, str]) -> dict[str, Value]:
    """Return the elements of a generic line that carry these dimensions."""
    return {generic_element(dimension): value for dimension, value in dimensions.items()}


def generic_element(dimension: str) -> str:
    """Return the element of a generic line that carries a dimension."""
    standard = ELEMENTS.get(dimension.upper())
    return standard.upper() if standard else f"{USER_DEFINED_PREFIX}{dimension}"


def _value_id(document: Document, dimension: str, custom_field: str, text: str, reference: ReferenceData) -> str:
    found = reference.dimension_values(dimension, text)
    if len(found) == 1 and found[0].active:
        return found[0].id
    state = "is not known in Intacct" if not found else "is inactive in Intacct"
    if len(found) > 1:
        state = f"stands for several in Intacct ({', '.join(value.id for value in found)})"
    raise refused(
        "dimension_value",
        f"{document.label}: the {dimension} '{text}' in the custom field {custom_field} {state}.",
        f"Choose another value for {custom_field} in Scoro, or add it in Intacct and run"
        " `scoro-intacct sync background`.",
        field=custom_field,
        culprit=(dimension, text),
    )
