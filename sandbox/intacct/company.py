"""Functions about the company itself: its entities, its dimensions, the shape of its objects."""

from collections.abc import Mapping

from lxml import etree

from sandbox.intacct.answers import add
from sandbox.intacct.context import Call, Handler, Result
from sandbox.intacct.errors import refuse
from sandbox.intacct.objects import DATE_FIELDS, NUMBER_FIELDS, OBJECTS, TIMESTAMP_FIELDS
from sandbox.intacct.seed import USER_DEFINED_DIMENSIONS
from sandbox.intacct.values import text_of

Element = etree._Element

_DIMENSIONS = ("LOCATION", "DEPARTMENT", "CLASS", "PROJECT", "CUSTOMER", "VENDOR", "EMPLOYEE", "ITEM")
_STATES = ("Draft", "Submitted", "Posted", "Partially Paid", "Paid", "Reversed", "Reversal")


def read_entity_details(call: Call, _element: Element) -> Result:
    """List the entities that the user may enter."""
    call.allow("readEntityDetails", "LOCATIONENTITY")
    entities = call.store.all("LOCATIONENTITY")
    data = etree.Element("data", listtype="entity", count=str(len(entities)))
    for entity in entities:
        row = add(data, "entity")
        add(row, "id", entity["LOCATIONID"])
        add(row, "name", entity["NAME"])
        add(row, "recordno", entity["RECORDNO"])
        add(row, "currency", entity["CURRENCY"])
    return Result(data=data)


def get_dimensions(call: Call, _element: Element) -> Result:
    """List standard and user-defined dimensions."""
    call.allow("getDimensions", "DIMENSIONS")
    every = [*_DIMENSIONS, *USER_DEFINED_DIMENSIONS]
    data = etree.Element("data", listtype="dimensions", count=str(len(every)))
    block = add(data, "dimensions")
    for name in every:
        label = OBJECTS[name].label
        row = add(block, "dimension")
        add(row, "objectName", name)
        add(row, "objectLabel", label)
        add(row, "termLabel", label)
        add(row, "userDefinedDimension", "true" if name in USER_DEFINED_DIMENSIONS else "false")
        add(row, "enabledInGL", "true")
    return Result(data=data)


def lookup(call: Call, element: Element) -> Result:
    """Describe an object: its fields with their types and valid values, and its relations."""
    name = text_of(element.find("object"))
    spec = OBJECTS.get(name)
    if spec is None:
        raise refuse("unknown_object", object=name)
    data = etree.Element("data", listtype="All", count="1")
    kind = etree.SubElement(data, "Type", Name=name, DocumentType="")
    fields = add(kind, "Fields")
    for field in (*spec.fields, *call.settings.custom_fields.get(name, [])):
        row = add(fields, "Field")
        add(row, "ID", field)
        add(row, "LABEL", field.capitalize())
        add(row, "REQUIRED", "true" if field in spec.required else "false")
        add(row, "READONLY", "false" if field in spec.writable else "true")
        add(row, "DATATYPE", _data_type(field))
        if field == "STATE":
            values = add(row, "VALIDVALUES")
            for state in _STATES:
                add(values, "VALIDVALUE", state)
    relations = add(kind, "Relationships")
    for path, relation in spec.relations.items():
        row = add(relations, "Relationship")
        add(row, "OBJECTPATH", path)
        add(row, "OBJECTNAME", relation.object)
        add(row, "RELATIONSHIPTYPE", "MANY2ONE")
        add(row, "RELATEDBY", relation.via)
    return Result(data=data)


def _data_type(field: str) -> str:
    if field in TIMESTAMP_FIELDS:
        return "TIMESTAMP"
    if field in DATE_FIELDS:
        return "DATE"
    return "DECIMAL" if field in NUMBER_FIELDS else "TEXT"


HANDLERS: Mapping[str, Handler] = {
    "readEntityDetails": read_entity_details,
    "getDimensions": get_dimensions,
    "lookup": lookup,
}
