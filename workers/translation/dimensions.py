"""Dimensions of a line: from custom fields of Scoro to elements of Intacct."""

from collections.abc import Mapping

from schemas.document_types import document_type
from schemas.intacct.functions import Value
from schemas.reference import ReferenceData
from schemas.scoro import Document
from schemas.settings import ConnectionSettings
from workers.translation.faults import refused

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
"""How lines of legacy functions name user-defined dimensions among their custom fields (intacct-xml-api, B9)."""


def sent_dimensions(document: Document, settings: ConnectionSettings) -> dict[str, str]:
    """Return dimension -> custom field of those that the settings send with documents of this kind."""
    type_ = document_type(document.kind)
    return settings.dimensions.sent_with(type_.dimensions) if type_ else {}


def dimension_elements(document: Document, settings: ConnectionSettings) -> tuple[str, ...]:
    """Return the line elements that the settings send dimensions in, user-defined ones left out."""
    return tuple(ELEMENTS[name.upper()] for name in sent_dimensions(document, settings) if name.upper() in ELEMENTS)


def line_dimensions(
    document: Document, own: Mapping[str, str], settings: ConnectionSettings, reference: ReferenceData
) -> dict[str, Value]:
    """Return the dimension elements of a line with these custom fields; the header's count where it has none.

    Raises DocumentError for a value that Intacct does not know or no longer takes.
    """
    elements: dict[str, Value] = {}
    location = settings.location or (reference.entity_id if reference.multi_entity else None)
    if location:
        elements["locationid"] = location
    user_defined: list[Value] = []
    for dimension, custom_field in sorted(sent_dimensions(document, settings).items()):
        text = own.get(custom_field) or document.custom_fields.get(custom_field)
        if not text:
            continue
        value = _value_id(document, dimension, custom_field, text, reference)
        if element := ELEMENTS.get(dimension.upper()):
            elements[element] = value
        else:
            name = f"{USER_DEFINED_PREFIX}{dimension}"
            user_defined.append({"customfieldname": name, "customfieldvalue": value})
    if user_defined:
        elements["customfields"] = {"customfield": user_defined}
    return elements


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
